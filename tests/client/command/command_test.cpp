// SPDX-License-Identifier: Apache-2.0
// The command as people and programs meet it: what it prints, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_service.hpp"

namespace cardgate::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* session =
    R"({"id":"S1","person":{"id":"10017","name":"Anna Example"},"reader":"Reader 0","card":"5f1d","acr":"card",)"
    R"("amr":["sc","pin"],"signed_in_at":"2026-03-02T09:00:00.000Z","expires_at":"2026-03-02T21:00:00.000Z","state":"active",)"
    R"("warnings":["Your training lapses in 3 days"]})";

std::string sessions(const std::string& list) {
  return ok(R"({"sessions":[)" + list + "]}");
}

TEST(Command, RefusesWrongUsageWithExit2) {
  const testing::TempDir none;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"nonsense"},
           {"status", "more"},
           {"token"},
           {"token", "--role", "core"},
           {"login", "--passcode", "123456"},
           {"login", "--passcode-fd", "x"},
           {"login", "--passcode-stdin", "--passcode-fd", "0"},
           {"introspect", "eyJ"},
           {"cert"},
           {"cert", "verify"},
           {"cert", "explain"},
           {"cert", "verify", "leaf.pem"},
           {"policy"},
           {"policy", "check"},
           {"staff", "import"},
           {"audit", "show", "--last", "0"},
           {"policy", "explain", "--role", "core", "--person", "1", "--policy", "f"}}) {
    const auto done = cardgate(none / "s", arguments);
    EXPECT_EQ(done.status, 2) << ::testing::PrintToString(arguments) << done.all;
    EXPECT_FALSE(done.all.empty());
  }
}

TEST(Command, HelpsWithAnExampleAndExitCodes) {
  const testing::TempDir none;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"status"},
                                             {"login"},
                                             {"logout"},
                                             {"whoami"},
                                             {"token"},
                                             {"introspect"},
                                             {"revoke"},
                                             {"watch"},
                                             {"access"},
                                             {"cert", "verify"},
                                             {"policy", "check"},
                                             {"policy", "explain"},
                                             {"policy", "test"},
                                             {"policy", "forecast"},
                                             {"staff", "import"},
                                             {"audit", "verify"},
                                             {"audit", "show"},
                                             {"audit", "checkpoint"},
                                             {"audit", "standing"},
                                             {"audit", "hold", "set"},
                                             {"audit", "export", "evidence"}}) {
    auto with_help = arguments;
    with_help.emplace_back("--help");
    const auto done = cardgate(none / "s", with_help);
    EXPECT_EQ(done.status, 0) << done.all;
    EXPECT_THAT(done.output, HasSubstr("Example:\n"));
    EXPECT_THAT(done.output, HasSubstr("Exit codes:\n")) << ::testing::PrintToString(arguments);
  }
}

TEST(Command, SaysThatTheServiceIsNotRunning) {
  const testing::TempDir none;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"login", "--passcode-stdin"},
                                             {"logout"},
                                             {"whoami"},
                                             {"token", "--role", "core", "--audience", "esr"},
                                             {"introspect"},
                                             {"revoke"},
                                             {"watch"},
                                             {"access"},
                                             {"policy", "explain", "--role", "core", "--person", "10017"}}) {
    const auto done = cardgate(none / "s", arguments, "x\n");
    EXPECT_EQ(done.status, 3) << done.all;
    EXPECT_THAT(done.all, HasSubstr("cardgated is not running"));
    EXPECT_THAT(done.all, HasSubstr("systemctl status cardgated"));
    auto as_json = arguments;
    as_json.emplace_back("--json");
    const auto body = parse_json(cardgate(none / "s", as_json, "x\n").output);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->as_object().at("error"), "unavailable");
  }
}

TEST(Command, ShowsTheStatus) {
  FakeService service;
  const std::string status =
      R"({"service":{"version":"0.1.0","state":"degraded","problems":["The audit log warns"],"audit":"ok","pcscd":"ok","policy":"aa"},)"
      R"("readers":[{"name":"Reader 0","card_present":true,"card":{"state":"ready","id":"5f1d","tries_left":1,)"
      R"("certificate_expires_at":"2027-01-01T00:00:00.000Z"}},{"name":"Reader 1","card_present":true},)"
      R"({"name":"Reader 2","card_present":false}],"downtime":[{"severity":"high","begins_at":"2026-03-02T09:00:00Z",)"
      R"("ends_at":"2026-03-02T10:00:00Z","text":"ESR is \u001b[31mdown"}]})";
  service.answer("GET /v1/status", {ok(status)});
  const auto text = cardgate(service.socket(), {"status"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.output, HasSubstr("degraded"));
  EXPECT_THAT(text.output, HasSubstr("! The audit log warns"));
  EXPECT_THAT(text.output, HasSubstr("Reader 0: card 5f1d, 1 try left"));
  EXPECT_THAT(text.output, HasSubstr("Reader 1: a card (you may not"));
  EXPECT_THAT(text.output, HasSubstr("Reader 2: no card"));
  EXPECT_THAT(text.output, HasSubstr("Downtime (high)"));
  EXPECT_THAT(text.output, Not(HasSubstr("\x1b")));
  EXPECT_EQ(*parse_json(cardgate(service.socket(), {"--json", "status"}).output), *parse_json(status));
}

TEST(Command, TellsWhoIsSignedIn) {
  FakeService service;
  service.answer("GET /v1/sessions", {sessions(session), sessions("")});
  const auto one = cardgate(service.socket(), {"whoami"});
  EXPECT_EQ(one.status, 0);
  EXPECT_THAT(one.output, HasSubstr("Anna Example (10017)"));
  EXPECT_THAT(one.output, HasSubstr("! Your training lapses"));
  const auto none = cardgate(service.socket(), {"whoami"});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.all, HasSubstr("cardgate login"));
}

TEST(Command, SignsOutTheOnlySession) {
  FakeService service;
  service.answer("GET /v1/sessions", {sessions(session)});
  service.answer("DELETE /v1/sessions/S1", {"HTTP/1.1 204 No Content\r\n\r\n"});
  EXPECT_EQ(cardgate(service.socket(), {"logout"}).status, 0);
  EXPECT_EQ(cardgate(service.socket(), {"logout", "--json"}).output, "{\"ended\":[\"S1\"]}\n");
  service.answer("GET /v1/sessions", {sessions(session + std::string(",") + R"({"id":"S2"})")});
  const auto several = cardgate(service.socket(), {"logout"});
  EXPECT_EQ(several.status, 2);
  EXPECT_THAT(several.all, HasSubstr("cardgate logout S1  (Anna Example, card in Reader 0)"));
  EXPECT_EQ(cardgate(service.socket(), {"logout", "no/such"}).status, 1);
  EXPECT_THAT(service.requests().back(), HasSubstr("DELETE /v1/sessions/no%2Fsuch "));
}

TEST(Command, PrintsATokenAndNothingElse) {
  FakeService service;
  service.answer("POST /v1/token",
                 {ok(R"({"access_token":"a.b.c","token_type":"Bearer","expires_in":300})")});
  const auto done =
      cardgate(service.socket(), {"token", "--role", "core", "--audience", "esr", "--session", "S1"});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.all, "a.b.c\n");
  EXPECT_THAT(service.requests().back(), HasSubstr(R"({"role":"core","audience":"esr","session":"S1"})"));
}

TEST(Command, SaysWhatIsMissingWhoHelpsAndWhatIsNext) {
  FakeService service;
  service.answer("POST /v1/token",
                 {problem(403, "access_denied", "Detail.",
                          {{"unmet", json::array{json::object{{"prerequisite", "form"},
                                                              {"text", "No approved ESR06 form for Core"},
                                                              {"who", "your line manager"},
                                                              {"next_step", "Fill in ESR06"}}}}})});
  const auto done = cardgate(service.socket(), {"token", "--role", "core", "--audience", "esr"});
  EXPECT_EQ(done.status, 1);
  EXPECT_TRUE(done.output.empty());
  EXPECT_THAT(done.all, HasSubstr("No approved ESR06 form for Core"));
  EXPECT_THAT(done.all, HasSubstr("who can put it right: your line manager"));
  EXPECT_THAT(done.all, HasSubstr("next step: Fill in ESR06"));
  const auto body = parse_json(
      cardgate(service.socket(), {"token", "--role", "core", "--audience", "esr", "--json"}).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("error"), "access_denied");
  EXPECT_EQ(body->as_object().at("unmet").as_array().size(), 1U);
}

TEST(Command, MapsRefusalsToExitCodes) {
  FakeService service;
  for (const auto& [status, error, expected] :
       std::vector<std::tuple<int, std::string, int>>{{400, "bad_request", 2},
                                                      {401, "no_session", 1},
                                                      {423, "session_locked", 1},
                                                      {429, "rate_limited", 1},
                                                      {503, "audit_unavailable", 3},
                                                      {500, "internal", 4}}) {
    service.answer("POST /v1/token", {problem(status, error, "Words.")});
    EXPECT_EQ(cardgate(service.socket(), {"token", "--role", "r", "--audience", "a"}).status, expected)
        << error;
  }
  service.answer("POST /v1/token", {"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\noops"});
  EXPECT_EQ(cardgate(service.socket(), {"token", "--role", "r", "--audience", "a"}).status, 4);
  service.answer("POST /v1/token", {ok("[]")});
  EXPECT_EQ(cardgate(service.socket(), {"token", "--role", "r", "--audience", "a"}).status, 4);
}

TEST(Command, LooksATokenUpFromStandardInputOnly) {
  FakeService service;
  service.answer("POST /v1/introspect",
                 {ok(R"({"active":true,"sub":"10017","amr":["sc","pin"]})"), ok(R"({"active":false})")});
  const auto active = cardgate(service.socket(), {"introspect"}, "a.b.c\n");
  EXPECT_EQ(active.status, 0);
  EXPECT_THAT(active.output, HasSubstr("sub: 10017"));
  EXPECT_THAT(service.requests().back(), HasSubstr("\r\n\r\ntoken=a.b.c"));
  EXPECT_EQ(cardgate(service.socket(), {"introspect"}, "a.b.c\n").status, 1);
  EXPECT_EQ(cardgate(service.socket(), {"introspect"}).status, 2);
  service.answer("POST /v1/revoke", {ok("{}")});
  EXPECT_EQ(cardgate(service.socket(), {"revoke", "--json"}, "a&b=c").output, "{\"active\":false}\n");
  EXPECT_THAT(service.requests().back(), HasSubstr("token=a%26b%3Dc"));
}

TEST(Command, WatchesEventsALineEach) {
  FakeService service;
  service.answer("GET /v1/events",
                 {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n"
                  "event: card\ndata: {\"kind\":\"removed\",\"reader\":\"Reader 0\"}\n\n"});
  const auto text = cardgate(service.socket(), {"watch"});
  EXPECT_EQ(text.status, 3);  // the service went away
  EXPECT_THAT(text.output, HasSubstr("card removed, reader Reader 0\n"));
  EXPECT_THAT(cardgate(service.socket(), {"watch", "--json"}).output,
              HasSubstr("{\"event\":\"card\",\"kind\":\"removed\",\"reader\":\"Reader 0\"}\n"));
}

TEST(Command, ShowsAccess) {
  FakeService service;
  const std::string role =
      R"({"role":"core","title":"Core","allowed":false,"unmet":[{"prerequisite":"form","text":"No form","who":"w","next_step":"n"}],)"
      R"("warnings":[],"valid_until":null,"records":""})";
  service.answer("GET /v1/access",
                 {ok(R"({"person":{"id":"10017","name":"Anna Example"},"roles":[)" + role + "]}")});
  service.answer("GET /v1/access?role=core",
                 {ok(R"({"person":{"id":"10017","name":"Anna Example"},"roles":[)" + role + "]}")});
  const auto all = cardgate(service.socket(), {"access"});
  EXPECT_EQ(all.status, 0);
  EXPECT_THAT(all.output, HasSubstr("Core (core): no\n  - No form"));
  EXPECT_EQ(cardgate(service.socket(), {"access", "--role", "core"}).status, 1);
}

TEST(Command, TellsEachMissingThingOnceWithTheRolesThatItBlocks) {
  FakeService service;
  const auto role = [](const std::string& name, const std::string& title) {
    return R"({"role":")" + name + R"(","title":")" + title +
           R"(","allowed":false,"unmet":[{"prerequisite":"form","text":"You have no form for )" + title +
           R"(","who":"you","next_step":"Fill it in"},)" +
           R"({"prerequisite":"declaration","text":"You have not signed","who":"you","next_step":"Sign"}],)" +
           R"("warnings":[],"valid_until":null,"records":"","lapses":[]})";
  };
  service.answer("GET /v1/access",
                 {ok(R"({"person":{"id":"10017","name":"Anna Example"},"lapsing":0,"roles":[)" +
                     role("core", "Core ESR") + "," + role("manager", "Manager Self Service") + "]}")});
  const auto told = cardgate(service.socket(), {"access"});
  EXPECT_EQ(told.status, 0) << told.all;
  EXPECT_EQ(told.output,
            "Anna Example (10017)\n"
            "You have no role now.\n"
            "Roles you do not have:\n"
            "  Core ESR (core)\n"
            "  Manager Self Service (manager)\n"
            "Missing for these:\n"
            "  - You have no form for Core ESR, Manager Self Service\n"
            "    who can put it right: you\n"
            "    next step: Fill it in\n"
            "  - You have not signed\n"
            "    needed for: Core ESR, Manager Self Service\n"
            "    who can put it right: you\n"
            "    next step: Sign\n");
}

TEST(Command, SaysWhatHappensNextAfterAnAct) {
  FakeService service;
  service.answer("POST /v1/forms",
                 {ok(R"({"id":10,"state":"submitted","message":"Form 10 (Core ESR) is sent. Next: your line )"
                     R"(manager, Cora Chief (10001), verifies it."})",
                     201)});
  const auto told = cardgate(service.socket(), {"form", "submit", "--role", "core", "--reason", "Rotas"});
  EXPECT_EQ(told.status, 0) << told.all;
  EXPECT_EQ(told.output,
            "Form 10 (Core ESR) is sent. Next: your line manager, Cora Chief (10001), verifies it.\n");
}

TEST(Command, ShowsWhatIsOpenFirst) {
  FakeService service;
  const auto form = [](int id, const std::string& state) {
    return R"({"id":)" + std::to_string(id) +
           R"(,"person":{"id":"10017","name":"Anna Bell"},"role":"core",)" +
           R"("role_title":"Core ESR","state":")" + state + R"("})";
  };
  service.answer("GET /v1/forms", {ok(R"({"forms":[)" + form(1, "withdrawn") + "," + form(2, "submitted") +
                                      R"(],"waiting":[)" + form(7, "submitted") + R"(],"next":null})")});
  const auto told = cardgate(service.socket(), {"form", "list"});
  EXPECT_EQ(told.output,
            "Waiting for you (1):\n"
            "Form 7: Core ESR for Anna Bell (10017): sent, waits for the line manager to verify it\n"
            "Your own:\n"
            "Form 2: Core ESR for Anna Bell (10017): sent, waits for the line manager to verify it\n"
            "Form 1: Core ESR for Anna Bell (10017): withdrawn\n");
}

TEST(Command, TellsALineManagerWithoutARoleWhySheSeesNamesOnly) {
  FakeService service;
  service.answer("GET /v1/team",
                 {ok(R"({"people":[{"id":"10018","name":"Eve Nocard"}],"names_only":true,"next":null})")});
  const auto told = cardgate(service.socket(), {"staff", "team"});
  EXPECT_EQ(told.output, "Eve Nocard (10018)\n");
  EXPECT_THAT(told.all, HasSubstr("You see names and numbers only"));
}

TEST(Command, SaysOfAColleagueWhatIsMissingInFewWords) {
  FakeService service;
  service.answer(
      "GET /v1/team",
      {ok(R"({"people":[{"id":"10018","name":"Bo Done","state":"employed","roles":[]},)"
          R"({"id":"10017","name":"Anna Bell","state":"employed","roles":[{"role":"core","title":"Core ESR","allowed":false,)"
          R"("unmet":[{"prerequisite":"card","text":"t","who":"w","next_step":"n"},)"
          R"({"prerequisite":"form","text":"t","who":"w","next_step":"n"}],)"
          R"("warnings":[{"prerequisite":"training","text":"t","who":"w","next_step":"n"}],"valid_until":null,"records":"",)"
          R"("lapses":[{"last_day":"2026-12-01","prerequisite":"training","title":"fire training","text":"t",)"
          R"("who":"you and your line manager","next_step":"n","days_left":6,"within":7,"ends_role":false}]}],)"
          R"("open_removals":[{"id":3,"state":"requested","requested_by":{"id":"10001","name":"Cora Chief"}}]}],"next":null})")});
  const auto told = cardgate(service.socket(), {"staff", "team"});
  EXPECT_EQ(
      told.output,
      "Anna Bell (10017), employed\n"
      "    Removal 3: asked for, waits for the team\n"
      "        asked for by Cora Chief (10001)\n"
      "    Core ESR: no. Missing: active card, approved form. Also due: training\n"
      "    ends in 6 days (1 December 2026): fire training. Access goes on. Anna Bell and the line manager "
      "can renew it.\n"
      "Bo Done (10018), employed\n");
}

TEST(Command, ShowsAListThatComesInPagesAsOneAndWaitsForItsTurn) {
  FakeService service;
  service.answer("GET /v1/team",
                 {problem(429, "one_at_a_time", "Another list is being read.", {{"retry_after", 0}}),
                  ok(R"({"people":[{"id":"s1","name":"First Invented","roles":[]}],"next":"s1"})")});
  service.answer("GET /v1/team?after=s1",
                 {problem(503, "lists_busy", "Too many lists.", {{"retry_after", 0}}),
                  ok(R"({"people":[{"id":"s2","name":"Second Invented","roles":[]}],"next":null})")});
  const auto told = cardgate(service.socket(), {"staff", "team"});
  EXPECT_EQ(told.status, 0) << told.all;
  EXPECT_EQ(told.output, "First Invented (s1)\nSecond Invented (s2)\n");
  const auto body = parse_json(cardgate(service.socket(), {"staff", "team", "--json"}).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("people").as_array().size(), 2U);
  EXPECT_TRUE(body->as_object().at("next").is_null());
  // Part of a list is never told as if it were all.
  service.answer("GET /v1/team?after=s1", {problem(401, "no_session", "Your session ended.")});
  const auto cut_short = cardgate(service.socket(), {"staff", "team"});
  EXPECT_EQ(cut_short.status, 1);
  EXPECT_EQ(cut_short.output, "");
}

TEST(Command, TakesAStaffFileOverOrNamesItsBadLines) {
  FakeService service;
  const testing::TempDir directory;
  const auto file = (directory / "staff.yaml").string();
  ASSERT_TRUE(write_file_atomic(file, as_bytes("people: []\n"), 0600));
  service.answer("POST /v1/staff/import",
                 {ok(R"({"people":3,"added":1,"changed":1,"unchanged":1})"),
                  problem(422, "import_refused", "1 line is wrong.",
                          {{"lines", json::array{json::object{{"line", 7}, {"text", "no name"}}}}})});
  const auto taken = cardgate(service.socket(), {"staff", "import", file});
  EXPECT_EQ(taken.status, 0);
  EXPECT_EQ(taken.output, "3 people in the file: 1 added, 1 changed, 1 unchanged.\n");
  EXPECT_THAT(service.requests().back(), HasSubstr("application/yaml"));
  const auto refused = cardgate(service.socket(), {"staff", "import", file});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.all, HasSubstr("line 7: no name"));
  EXPECT_EQ(cardgate(service.socket(), {"staff", "import", (directory / "none").string()}).status, 4);
}

TEST(Command, AsksTheServiceAboutAPerson) {
  FakeService service;
  service.answer(
      "GET /v1/policy/explain?person=10017&role=core",
      {ok(R"({"role":"core","title":"Core","allowed":true,"unmet":[],"warnings":[],"valid_until":null,"records":"all",)"
          R"("person":{"id":"10017","name":"Anna Example"},"policy":"aa"})")});
  const auto done = cardgate(service.socket(), {"policy", "explain", "--role", "core", "--person", "10017"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.output, HasSubstr("Core (core): yes, all records"));
}

}  // namespace
}  // namespace cardgate::client
