// SPDX-License-Identifier: Apache-2.0
// Seeing and checking policy: check, test, explain, forecast, and what people are told of lapses.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/command/chart.hpp"
#include "tests/client/fake_service.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string config = source_file("config/");

struct PolicyFiles : ::testing::Test {
  testing::TempDir directory;
  std::string file(const std::string& name, const std::string& text) {
    const auto path = directory / name;
    EXPECT_TRUE(write_file_atomic(path, as_bytes(text), 0600));
    return path.string();
  }
};

TEST_F(PolicyFiles, CheckSaysWhatCanNeverWorkAndWhere) {
  const auto broken = file("p.yaml", R"(roles:
  reader:
    sign_in: [card]
    requires: [employed, delegation]
    records: delegated
)");
  const auto done = offline({"policy", "check", broken});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("p.yaml: it can be loaded, but something in it can never work, 1 role"));
  EXPECT_THAT(
      done.output,
      HasSubstr("  line 4, error: reader: nobody can ever have it: it requires delegation, but nobody can "
                "delegate it: no role has the act 'delegate'\n    next step: Give 'delegate' to a role"));
  const auto body = parse_json(offline({"policy", "check", broken, "--json"}).output)->as_object();
  EXPECT_EQ(body.at("valid"), false);
  const auto& first = body.at("findings").as_array().at(0).as_object();
  EXPECT_EQ(first.at("severity"), "error");
  EXPECT_EQ(first.at("line"), 4);
  EXPECT_EQ(first.at("role"), "reader");
}

TEST_F(PolicyFiles, CheckLetsWarningsPass) {
  const auto done = offline({"policy", "check", file("p.yaml", R"(declarations: {unread: Nobody signs me.}
roles:
  reader: {sign_in: [card], requires: [employed], records: all}
)")});
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("line 1, warning: no role requires the declaration 'unread'"));
}

TEST_F(PolicyFiles, TestRunsTheShippedTable) {
  const auto done = offline({"policy", "test", std::string(config) + "policy-test.yaml"});
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("everything, core by card on 2026-06-15: allowed\n"));
  EXPECT_THAT(done.output, HasSubstr("cases: all as expected\n"));
  EXPECT_THAT(done.output, Not(HasSubstr("FAILED")));
}

TEST_F(PolicyFiles, TestSaysWhichCaseFailsAndHow) {
  const auto table = file("t.yaml", R"(today: 2026-06-15
people: {a: {employed_from: 2020-01-01}}
cases:
  - {person: a, role: employee-self-service, sign_in: password, expect: allowed}
  - {person: a, role: employee-self-service, expect: allowed}
)");
  EXPECT_EQ(offline({"policy", "test", table}).status, 2) << "no policy is named";
  const auto policy = std::string(config) + "policy.yaml";
  const auto done = offline({"policy", "test", table, "--policy", policy});
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.output,
            "ok      line 4: a, employee-self-service by password on 2026-06-15: allowed\n"
            "FAILED  line 5: a, employee-self-service by card on 2026-06-15: expected allowed, is denied "
            "for: card\n"
            "2 cases: 1 FAILED\n");
  const auto body =
      parse_json(offline({"policy", "test", table, "--policy", policy, "--json"}).output)->as_object();
  EXPECT_EQ(body.at("ok"), false);
  EXPECT_EQ(body.at("failed"), 1);
  EXPECT_EQ(body.at("cases").as_array().at(1).as_object().at("unmet"), json::array{"card"});
  EXPECT_EQ(offline({"policy", "test", file("bad.yaml", "today: soon\n")}).status, 4);
}

TEST(PolicyExplain, AsksAboutAnotherDayAndWay) {
  FakeService service;
  service.answer(
      "GET /v1/policy/explain?person=10017&role=core&sign_in=password&at=2026-12-01",
      {ok(R"({"role":"core","title":"Core","allowed":false,"unmet":[{"prerequisite":"form","text":"Your form lapsed","who":"w",)"
          R"("next_step":"n"}],"warnings":[],"valid_until":null,"records":"","person":{"id":"10017","name":"Anna Example"},)"
          R"("at":"2026-12-01T00:00:00.000Z","sign_in":"password","note":"Not the certificate.","policy":"aa"})")});
  const auto done = cardgate(service.socket(), {"policy", "explain", "--role", "core", "--person", "10017",
                                                "--at", "2026-12-01", "--sign-in", "password"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("Anna Example (10017), signing in by password on 2026-12-01 at 00:00 "
                                     "UTC. Anna Example would read:\nCore (core): no\n  - Your form lapsed"));
  EXPECT_THAT(done.output, HasSubstr("Not the certificate."));
  EXPECT_EQ(cardgate(service.socket(), {"policy", "explain", "--role", "core", "--at", "2026-12-01"}).status,
            2)
      << "a day needs a person";
}

constexpr const char* access_body =
    R"({"person":{"id":"10017","name":"Anna Example"},"lapsing":2,"roles":[)"
    R"({"role":"core","title":"Core","allowed":true,"unmet":[],"warnings":[],"valid_until":"2026-12-01","records":"all",)"
    R"("lapses":[{"last_day":"2026-12-01","prerequisite":"form","title":"ESR06 for Core","text":"t","who":"your line manager",)"
    R"("next_step":"Fill in","days_left":6,"within":7,"ends_role":true},)"
    R"({"last_day":"2026-12-20","prerequisite":"employed","title":"employment","text":"t","who":"HR","next_step":"Ask","days_left":25,)"
    R"("within":30,"ends_role":true}]},)"
    R"({"role":"self","title":"Self Service","allowed":true,"unmet":[],"warnings":[],"valid_until":null,"records":"own",)"
    R"("lapses":[{"last_day":"2026-11-25","prerequisite":"training","title":"fire training","text":"t","who":"you","next_step":"Learn",)"
    R"("days_left":0,"within":1,"ends_role":false},)"
    R"({"last_day":"2026-12-20","prerequisite":"employed","title":"employment","text":"t","who":"HR","next_step":"Ask","days_left":25,)"
    R"("within":30,"ends_role":true}]},)"
    R"({"role":"team","title":"Team","allowed":false,"unmet":[],"warnings":[],"valid_until":null,"records":"","lapses":[]}]})";

constexpr const char* lapses_said =
    "What ends in the next 30 days:\n  - ends today (25 November 2026): fire training\n    Access goes on.\n "
    "   who can put it right: you\n    next step: Learn\n  - ends in 6 days (1 December 2026): ESR06 for "
    "Core\n    Without it you lose: Core.\n    who can put it right: your line manager\n    next step: Fill "
    "in\n  - ends in 25 days (20 December 2026): employment\n    Without it you lose: Core, Self Service.\n  "
    "  who can put it right: HR\n    next step: Ask\n";

TEST(Lapses, AreTheLastThatAccessSaysNearestFirstAndOnce) {
  FakeService service;
  service.answer("GET /v1/access", {ok(access_body)});
  const auto done = cardgate(service.socket(), {"access"});
  EXPECT_EQ(done.status, 0);
  EXPECT_TRUE(done.output.ends_with(lapses_said)) << done.output;
}

TEST(Lapses, AreToldByWhoamiWithTheRolesThatAreHeld) {
  FakeService service;
  service.answer("GET /v1/sessions",
                 {ok(R"({"sessions":[{"id":"S1","person":{"id":"10017","name":"Anna Example"},)"
                     R"("reader":"Reader 0","card":"5f1d","expires_at":"2026-11-25T21:00:00.000Z",)"
                     R"("state":"active","warnings":[]}]})")});
  service.answer("GET /v1/access?session=S1", {ok(access_body)});
  const auto done = cardgate(service.socket(), {"whoami"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.output, HasSubstr("\n  Core (core): all records, until 1 December 2026 (last day)\n"));
  EXPECT_THAT(done.output, HasSubstr("\n  Self Service (self): your own record\n  1 role you do not have. To "
                                     "see what is missing: cardgate access\n"));
  EXPECT_TRUE(done.output.ends_with(lapses_said)) << done.output;
  const auto body = parse_json(cardgate(service.socket(), {"whoami", "--json"}).output)->as_object();
  EXPECT_EQ(body.at("sessions").at(0).at("lapsing"), 2);
  EXPECT_EQ(body.at("sessions").at(0).at("roles").as_array().size(), 3U);
  service.answer("GET /v1/access?session=S1", {problem(503, "register_unavailable", "No.")});
  const auto without = cardgate(service.socket(), {"whoami"});
  EXPECT_EQ(without.status, 0) << "who is signed in is known all the same";
  EXPECT_THAT(without.output, HasSubstr("Your roles cannot be shown now"));
}

std::string lapse(int number) {
  return fmt::format(
      R"({{"last_day":"2026-11-{:02}","days_left":{},"person":{{"id":"{}","name":"Zoë, of Ward {}"}},"line_manager":{},)"
      R"("role":"core","prerequisite":"form","title":"ESR06 for Core"}})",
      25 + number / 10, number, 1000 + number, number,
      number == 0 ? "null" : R"({"id":"2000","name":"Max Invented"})");
}

std::string forecast_body(int lapses, bool cut = false) {
  std::string list;
  for (int i = 0; i < lapses; ++i) list += (i > 0 ? "," : "") + lapse(i);
  return fmt::format(
      R"({{"from":"2026-11-25","until":"2026-12-25","role":null,"people":1200,"holders":310,"losing":97,"by_day":[],)"
      R"("by_week":[{{"from":"2026-11-23","people":31,"roles":[{{"role":"core","people":20}},{{"role":"manager","people":11}}]}},)"
      R"({{"from":"2026-12-07","people":62,"roles":[{{"role":"core","people":62}}]}},)"
      R"({{"from":"2026-12-14","people":1,"roles":[{{"role":"core","people":1}}]}}],"lapses":[{}],"cut":{},"policy":"aa"}})",
      list, cut);
}

TEST(Forecast, DrawsTheWeeksAndNamesTheNearest) {
  FakeService service;
  service.answer("GET /v1/policy/forecast?days=30", {ok(forecast_body(2))});
  const auto done = cardgate(service.socket(), {"policy", "forecast", "--days", "30"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.output,
            "If nothing is renewed, 97 of the 310 people with a role will lose something by 25 December "
            "2026.\n\nweek of     people  roles they lose\n2026-11-23      31  core 20, manager "
            "11\n2026-12-07      62  core 62\n2026-12-14       1  core 1\n\nweek of 2026-11-23 "
            "│████████████████████████████▌ 31\nweek of 2026-11-30 │ 0\nweek of 2026-12-07 "
            "│█████████████████████████████████████████████████████████ 62\nweek of 2026-12-14 │▉ 1\nweek of "
            "2026-12-21 │ 0\n\nlast day    days  person  name            role  what ends       line "
            "manager\n2026-11-25     0    1000  Zoë, of Ward 0  core  ESR06 for Core  -\n2026-11-25     1    "
            "1001  Zoë, of Ward 1  core  ESR06 for Core  2000\n");
}

TEST(Forecast, NamesTwentyAndSaysWhereTheOthersAre) {
  FakeService service;
  service.answer("GET /v1/policy/forecast?days=90&role=core", {ok(forecast_body(21, true))});
  const auto done = cardgate(service.socket(), {"policy", "forecast", "--role", "core"});
  EXPECT_THAT(done.output, HasSubstr("The nearest 20 of 21 (--csv has all of them):\n"));
  EXPECT_THAT(done.output, HasSubstr("1019"));
  EXPECT_THAT(done.output, Not(HasSubstr("1020")));
  EXPECT_THAT(done.all, HasSubstr("only the nearest 21 are listed"));
}

TEST(Forecast, GivesEveryLapseAsCsvAndAllAsJson) {
  FakeService service;
  service.answer("GET /v1/policy/forecast?days=90", {ok(forecast_body(2))});
  EXPECT_EQ(cardgate(service.socket(), {"policy", "forecast", "--csv"}).output,
            "last_day,days_left,person,name,line_manager,role,prerequisite,title\n"
            "2026-11-25,0,1000,\"Zoë, of Ward 0\",,core,form,ESR06 for Core\n"
            "2026-11-25,1,1001,\"Zoë, of Ward 1\",2000,core,form,ESR06 for Core\n");
  EXPECT_EQ(*parse_json(cardgate(service.socket(), {"policy", "forecast", "--json"}).output),
            *parse_json(forecast_body(2)));
  EXPECT_EQ(cardgate(service.socket(), {"policy", "forecast", "--json", "--csv"}).status, 2);
  EXPECT_EQ(cardgate(service.socket(), {"policy", "forecast", "--days", "0"}).status, 2);
  EXPECT_EQ(cardgate(service.socket(), {"policy", "forecast", "--days", "367"}).status, 2);
}

TEST(Forecast, SaysThatNothingLapses) {
  FakeService service;
  service.answer(
      "GET /v1/policy/forecast?days=90",
      {ok(R"({"from":"2026-11-25","until":"2027-02-23","role":null,"people":3,"holders":2,"losing":0,)"
          R"("by_day":[],"by_week":[],"lapses":[],"cut":false,"policy":"aa"})")});
  EXPECT_EQ(cardgate(service.socket(), {"policy", "forecast"}).output,
            "Nothing ends by 23 February 2027 (2 people with a role looked at).\n");
}

TEST(Chart, ScalesToTheWidthAndNeverHidesAnybody) {
  EXPECT_THAT(bar_chart({{"a", 3}, {"bcd", 0}}, 80), ElementsAre("a   │███ 3", "bcd │ 0"));
  EXPECT_THAT(bar_chart({{"a", 1000}, {"b", 505}, {"c", 1}}, 18),
              ElementsAre("a │██████████ 1000", "b │█████ 505", "c │▏ 1"));
  EXPECT_THAT(bar_chart({{"é", 100}}, 0), ElementsAre("é │██████████ 100")) << "no room at all: ten blocks";
  EXPECT_THAT(bar_chart({}, 80), ElementsAre());
}

TEST(Chart, CsvIsNoFormula) {
  EXPECT_EQ(csv_line({"a", "", "b,c", "say \"x\"", "=1+1", "-2"}), "a,,\"b,c\",\"say \"\"x\"\"\",'=1+1,'-2");
}

}  // namespace
}  // namespace cardgate::client
