// SPDX-License-Identifier: Apache-2.0
// Reports from the audit log over the sockets: who is told of whom, one at a time, each look recorded.
#include <gmock/gmock.h>

#include "audit/report/standing.hpp"
#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class AuditReports : public ::testing::Test {
 protected:
  Reply report(const std::string& kind, const daemon::Peer& who, const std::string& more = {}) {
    house.forward(std::chrono::seconds(30));  // each is dear
    return house.ask("GET", "/v1/audit/reports/" + kind + "?from=2026-06-01&to=2026-06-01" + more, who);
  }
  House house;
};

TEST_F(AuditReports, TheTeamReportsOnEverybody) {
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  const auto usage = report("usage", House::tia());
  ASSERT_EQ(usage.status, 200) << usage.body;
  EXPECT_EQ(usage.text("scope"), "everybody");
  const auto json = usage.json();
  const auto& figures = json.at("figures").as_array();
  EXPECT_EQ(figures.at(0).at("value").as_string(), "2") << "sign-ins: " << usage.body;
  EXPECT_THAT(house.reasons("looked_at"), Contains(HasSubstr("report usage from 2026-06-01")));
  for (const auto* kind : {"controls", "misuse", "kpi"})
    EXPECT_EQ(report(kind, House::tia()).status, 200) << kind;
  const auto page = report("controls", House::tia(), "&format=html");
  EXPECT_THAT(page.body, HasSubstr("<!DOCTYPE html>"));
  EXPECT_THAT(page.body, HasSubstr("Separation of duties"));
  EXPECT_THAT(report("controls", House::tia(), "&format=text").body, HasSubstr("General controls\n====="));
}

TEST_F(AuditReports, ALineManagerIsToldOfTheOwnTeamAlone) {
  house.sign_in(House::max());
  const auto kpi = report("kpi", House::max());
  ASSERT_EQ(kpi.status, 200) << kpi.body;
  EXPECT_EQ(kpi.text("scope"), "the team of 2000");
  EXPECT_EQ(kpi.json().at("figures").at(0).at("value").as_string(), "1") << "Ada: " << kpi.body;
  EXPECT_THAT(kpi.body, Not(HasSubstr("3000")));
  const auto misuse = report("misuse", House::max());
  EXPECT_EQ(misuse.status, 403) << misuse.body;
}

TEST_F(AuditReports, ATeamsReportIsAboutItsPeopleAlone) {
  house.change_policy("may: [delegate, request-removal, see-people]",
                      "may: [delegate, request-removal, see-people, read-audit]");
  house.reload();
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  house.sign_in(House::max());
  house.ask("POST", "/v1/token", {{"role", "esr-workforce-systems"}, {"audience", "esr"}}, House::uma());
  for (const auto* kind : {"usage", "misuse", "controls", "kpi"}) {
    const auto reply = report(kind, House::max());
    ASSERT_EQ(reply.status, 200) << kind << reply.body;
    EXPECT_EQ(reply.text("scope"), "the team of 2000");
    for (const auto* other : {"\"3000\"", "\"4000\"", "Tia"})
      EXPECT_THAT(reply.body, Not(HasSubstr(other))) << kind;
  }
  const auto usage = report("usage", House::max());
  EXPECT_EQ(usage.json().at("figures").at(0).at("value").as_string(), "1")
      << "Ada's sign-in, and not Max's own";
}

TEST_F(AuditReports, NobodyElseIsToldAnything) {
  house.sign_in(House::ada());
  for (const auto* kind : {"usage", "controls", "misuse", "kpi"}) {
    const auto refused = report(kind, House::ada());
    EXPECT_EQ(refused.status, 403) << kind << refused.body;
  }
  EXPECT_EQ(report("usage", House::max()).status, 401) << "not signed in";
  EXPECT_THAT(house.records("looked_at"), IsEmpty());
}

TEST_F(AuditReports, WhatCannotBeReportedIsSaid) {
  const auto backwards =
      house.ask("GET", "/v1/audit/reports/usage?from=2026-06-02&to=2026-06-01", House::root());
  EXPECT_EQ(backwards.status, 400);
  EXPECT_THAT(backwards.body, HasSubstr("ends before it begins"));
  EXPECT_EQ(report("everything", House::root()).status, 400);
  EXPECT_EQ(report("usage", House::root(), "&format=pdf").status, 400);
  EXPECT_EQ(house.ask("GET", "/v1/audit/reports/usage?from=2026-06-02", House::root()).status, 400);
}

TEST_F(AuditReports, OneIsMadeAtATimeAndForWhoeverIsStillThere) {
  house.sign_in(House::tia());
  auto held = house.hold_log();
  const auto call =
      house.begin("GET", "/v1/audit/reports/usage?from=2026-06-01&to=2026-06-01", {}, House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });  // that she asked: the report has begun
  house.remove_card(House::reader_of(House::tia()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
}

TEST_F(AuditReports, APasswordThatOpensNothingIsTold) {
  house.sign_in(House::tia());
  ASSERT_EQ(
      house.ask("POST", "/v1/password/reset", {{"person", "4000"}, {"reason", "Forgotten"}}, House::tia())
          .status,
      201);
  const auto password = [&] {
    audit::report::Standing standing;
    EXPECT_TRUE(
        audit::report::add_page(standing, house.ask("GET", "/v1/audit/standing", House::root()).json()));
    return standing.person("4000")->password;
  };
  EXPECT_EQ(password(), "temporary");
  house.forward(std::chrono::hours(24) * 8);
  EXPECT_EQ(password(), "expired");
}

TEST_F(AuditReports, RootIsToldHowPeopleStand) {
  const auto page = house.ask("GET", "/v1/audit/standing", House::root());
  ASSERT_EQ(page.status, 200) << page.body;
  audit::report::Standing standing;
  ASSERT_TRUE(audit::report::add_page(standing, page.json()));
  const auto* ada = standing.person("1000");
  ASSERT_NE(ada, nullptr);
  EXPECT_EQ(ada->manager, "2000");
  EXPECT_THAT(ada->roles, Contains("core"));
  EXPECT_THAT(ada->cards, SizeIs(1));
  EXPECT_EQ(ada->password, "");
  const auto* eve = standing.person("4000");
  ASSERT_NE(eve, nullptr);
  EXPECT_EQ(eve->password, "set");
  EXPECT_TRUE(page.json().at("next").is_null());
  EXPECT_NE(standing.role("core"), nullptr);
  EXPECT_THAT(house.reasons("looked_at"), Contains("standing of everybody, for a report"));
  EXPECT_EQ(house.ask("GET", "/v1/audit/standing", House::tia()).status, 404);
}

}  // namespace
}  // namespace cardgate::testing
