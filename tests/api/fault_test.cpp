// SPDX-License-Identifier: Apache-2.0
// What does not work: reported by anybody, found by the service, decided by the team; and what people do meanwhile.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Faults : public ::testing::Test {
 protected:
  Reply report(const daemon::Peer& who, const char* text = "The printer on ward 4 is out") {
    return house.ask("POST", "/v1/faults", {{"text", text}}, who);
  }
  Reply decide(const char* what, const json::object& body, const daemon::Peer& who = House::root()) {
    return house.ask("POST", fmt::format("/v1/faults/{}", what), body, who);
  }
  json::array listed(const daemon::Peer& who) {
    return house.ask("GET", "/v1/faults", who).json().at("faults").as_array();
  }
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    for (const auto& record : house.records("fault")) {
      const auto& details = record.at("details").as_object();
      out.push_back(std::string(details.at("act").as_string()) +
                    (details.contains("by") ? " by " + std::string(details.at("by").as_string()) : ""));
    }
    return out;
  }
  /// Half a minute of looks, each at its time.
  void pass(std::chrono::seconds time) {
    for (std::chrono::seconds gone{0}; gone < time; gone += std::chrono::seconds(10))
      house.forward(std::chrono::seconds(10));
  }
  std::string notices(const daemon::Peer& who) { return house.ask("GET", "/v1/notices", who).body; }

  House house;
};

TEST_F(Faults, AnybodyReportsOneAndTheTeamIsTold) {
  house.sign_in(House::tia());
  const auto reported = report(House::vera());
  ASSERT_EQ(reported.status, 201) << reported.body;
  EXPECT_THAT(acts(), ElementsAre("reported"));
  house.run_until([&] { return notices(House::tia()).find("printer on ward 4") != std::string::npos; });
  ASSERT_THAT(listed(House::tia()), SizeIs(1));
  EXPECT_EQ(listed(House::tia()).front().at("reporter").as_string(), "uid 8000");
  EXPECT_THAT(listed(House::vera()), SizeIs(1)) << "who reported it sees it";
  EXPECT_THAT(listed(House::eve()), IsEmpty()) << "others do not: nobody has looked at the words";
  EXPECT_THAT(house.ask("GET", "/v1/status", House::eve()).body, Not(HasSubstr("printer")));
}

TEST_F(Faults, TheTeamSaysHowBadItIsAndWhatEverybodyIsTold) {
  house.sign_in(House::tia());
  ASSERT_EQ(report(House::vera()).status, 201);
  const auto listening = house.ask("GET", "/v1/events", House::eve());
  const auto classed =
      decide("1/class", {{"severity", "high"}, {"text", "No printing on ward 4"}}, House::tia());
  ASSERT_EQ(classed.status, 200) << classed.body;
  const auto told = listening.listener->take();
  EXPECT_THAT(told, HasSubstr(R"("kind":"classed")"));
  EXPECT_THAT(told, HasSubstr("No printing on ward 4"));
  EXPECT_THAT(house.ask("GET", "/v1/status", House::eve()).body,
              HasSubstr("Fault (high: a department cannot work): No printing on ward 4."));
  house.insert_card(House::ada());
  EXPECT_THAT(house.ask("POST", "/v1/sessions", house.with_card(House::ada()), House::ada()).body,
              HasSubstr("No printing on ward 4"))
      << "told at the sign-in";
  ASSERT_THAT(listed(House::eve()), SizeIs(1));
  EXPECT_EQ(listed(House::eve()).front().as_object().if_contains("reporter"), nullptr);
  const auto passed =
      decide("1/pass-on", {{"ticket", "INC0012345"}, {"expected_at", "2026-06-01T15:00:00Z"}});
  ASSERT_EQ(passed.status, 200) << passed.body;
  EXPECT_THAT(passed.text("message"), HasSubstr("INC0012345"));
  EXPECT_EQ(decide("1/close", {{"outcome", "The print server was restarted"}}).status, 200);
  EXPECT_THAT(listed(House::tia()), IsEmpty());
  EXPECT_THAT(acts(), ElementsAre("reported", "classed by 3000", "passed_on by root", "closed by root"));
  const auto last = house.records("fault").back();
  EXPECT_EQ(last.at("reason").as_string(), "The print server was restarted");
  EXPECT_EQ(last.at("details").at("ticket").as_string(), "INC0012345");
}

TEST_F(Faults, DuplicatesAreJoined) {
  ASSERT_EQ(report(House::vera()).status, 201);
  ASSERT_EQ(report(House::eve()).status, 201);
  EXPECT_EQ(decide("2/join", {{"to", "2"}}).error(), "not_possible");
  EXPECT_EQ(decide("2/join", {{"to", "9"}}).status, 404);
  EXPECT_EQ(decide("2/join", {{"to", "1"}}).status, 200);
  EXPECT_THAT(listed(House::root()), SizeIs(1));
  EXPECT_EQ(decide("2/close", {{"outcome", "x"}}).status, 404);
}

TEST_F(Faults, OnlyTheTeamDecides) {
  house.sign_in(House::ada());
  ASSERT_EQ(report(House::ada()).status, 201);
  EXPECT_EQ(house.records("fault").front().at("details").at("reported_by").as_string(), "1000");
  EXPECT_EQ(decide("1/class", {{"severity", "high"}}, House::ada()).error(), "role_needed");
  EXPECT_EQ(decide("1/close", {{"outcome", "x"}}, House::vera()).error(), "no_session");
  EXPECT_EQ(decide("1/class", {{"severity", "awful"}}).error(), "not_possible");
  EXPECT_EQ(decide("1/pass-on", {{"ticket", "INC1"}}).error(), "not_possible")
      << "nobody has said how bad it is";
}

TEST_F(Faults, AFloodOfReportsIsBounded) {
  for (int i = 0; i < 6; ++i) ASSERT_EQ(report(House::vera()).status, 201) << i;
  const auto refused = report(House::vera());
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.text("detail"), HasSubstr("not kept"));
  EXPECT_EQ(report(House::eve()).status, 201) << "of another user";
  EXPECT_EQ(report(House::vera(), std::string(501, 'x').c_str()).status, 400);
  house.forward(hours(1));
  EXPECT_EQ(report(House::vera()).status, 201);
  int kept = 7;
  for (int hour = 0; hour < 4; ++hour) {
    house.forward(hours(1));
    for (int i = 0; i < 6; ++i) kept += report(House::vera()).status == 201 ? 1 : 0;
  }
  EXPECT_EQ(kept, 20) << "one user cannot fill the list by patience";
  EXPECT_EQ(report(House::eve()).status, 201);
}

TEST_F(Faults, TimesThatWereNotKeptAreToldOnce) {
  ASSERT_EQ(report(House::vera()).status, 201);
  house.forward(minutes(15));
  EXPECT_THAT(acts(), ElementsAre("reported", "answer_late"));
  house.forward(minutes(1));
  ASSERT_EQ(decide("1/class", {{"severity", "high"}}).status, 200);
  house.forward(hours(7));
  EXPECT_THAT(acts(), SizeIs(3)) << "a high one has eight hours";
  house.forward(minutes(45));
  EXPECT_THAT(acts(), ElementsAre("reported", "answer_late", "classed by root", "repair_late"));
  house.forward(hours(9));
  EXPECT_THAT(acts(), SizeIs(4));
}

TEST_F(Faults, WhatTheServiceFindsIsOneFaultHoweverItFlaps) {
  house.hear(pcsc::ReaderEvent::Kind::service_down, {}, 0, Error{Errc::unavailable, "no pcscd"});
  pass(std::chrono::seconds(20));
  EXPECT_THAT(acts(), IsEmpty()) << "a restart of pcscd is none";
  pass(std::chrono::seconds(30));
  EXPECT_THAT(acts(), ElementsAre("reported"));
  ASSERT_FALSE(house.records("fault").empty());
  EXPECT_EQ(house.records("fault").front().at("details").at("part").as_string(), "pcscd");
  for (int i = 0; i < 3; ++i) {
    house.hear(pcsc::ReaderEvent::Kind::service_up);
    pass(std::chrono::seconds(60));
    house.hear(pcsc::ReaderEvent::Kind::service_down, {}, 0, Error{Errc::unavailable, "no pcscd"});
    pass(std::chrono::seconds(60));
  }
  EXPECT_THAT(acts(), ElementsAre("reported")) << "no storm";
  house.hear(pcsc::ReaderEvent::Kind::service_up);
  pass(std::chrono::seconds(320));
  EXPECT_THAT(acts(), ElementsAre("reported", "closed"));
}

TEST_F(Faults, AreKeptOverARestart) {
  ASSERT_EQ(report(House::vera()).status, 201);
  house.pass_register();
  house.restart();
  EXPECT_THAT(listed(House::root()), SizeIs(1));
  ASSERT_EQ(report(House::vera()).status, 201);
  EXPECT_EQ(listed(House::root()).back().at("id").as_int64(), 2);
}

TEST_F(Faults, WhoReportedItHearsWhatCameOfIt) {
  house.sign_in(House::ada());
  ASSERT_EQ(report(House::ada()).status, 201);
  ASSERT_EQ(decide("1/close", {{"outcome", "The printer has new toner"}}).status, 200);
  house.run_until([&] { return notices(House::ada()).find("new toner") != std::string::npos; });
}

TEST_F(Faults, ALateOneThatIsRaisedIsToldToBeLate) {
  ASSERT_EQ(report(House::vera()).status, 201);
  ASSERT_EQ(decide("1/class", {{"severity", "standard"}}).status, 200);
  house.forward(hours(10));
  ASSERT_EQ(decide("1/class", {{"severity", "critical"}}).status, 200);
  house.forward(minutes(1));
  EXPECT_EQ(acts().back(), "repair_late");
}

TEST_F(Faults, PeopleSeeTheirContinuityPlanWhereARoleCannotBeHad) {
  house.write_config(
      House::usual_clients() +
      "downtime: {continuity: [{team: esr-workforce-systems, text: Use the team's red folder, reviewed: "
      "2026-05-01}, {text: Use the paper forms, place: Front desk, telephone: '01632 960123', "
      "owner: '1000', reviewed: 2026-05-01}]}\n");
  house.reload();
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  const auto refused =
      house.ask("POST", "/v1/token", {{"role", "esr-workforce-systems"}, {"audience", "esr"}}, House::ada());
  ASSERT_EQ(refused.error(), "access_denied") << refused.body;
  EXPECT_EQ(refused.json().at("continuity").at("text").as_string(), "Use the paper forms");
  EXPECT_EQ(refused.json().at("continuity").at("telephone").as_string(), "01632 960123");
  EXPECT_EQ(refused.json().at("continuity").at("owner").at("id").as_string(), "1000");
  EXPECT_NE(refused.json().at("continuity").at("owner").at("name").as_string(), "1000") << "by name";
  const auto theirs = house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::tia());
  ASSERT_EQ(theirs.error(), "access_denied") << theirs.body;
  EXPECT_EQ(theirs.json().at("continuity").at("text").as_string(), "Use the team's red folder");
  ASSERT_EQ(house.ask("POST", "/v1/emergencies", {{"text", "Leak"}, {"closes", true}}, House::root()).status,
            201);
  const auto closed =
      house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", House::password}}, House::eve());
  EXPECT_EQ(closed.json().at("continuity").at("place").as_string(), "Front desk");
}

TEST_F(Faults, TheOwnerOfAPlanPastItsReviewIsToldOnce) {
  house.write_config(
      House::usual_clients() +
      "downtime: {continuity: [{text: Paper, owner: '1000', reviewed: 2025-06-02, good_for: 365d}]}\n");
  house.reload();
  house.forward(hours(23));
  house.run_until([&] { return house.records("notice").size() == 1; });
  const auto notice = house.records("notice").front();
  EXPECT_EQ(notice.at("person").as_string(), "1000");
  EXPECT_THAT(std::string(notice.at("details").at("text").as_string()),
              HasSubstr("due for review since 2 June 2026"));
  house.forward(hours(24));
  house.pass_register();
  EXPECT_THAT(house.records("notice"), SizeIs(1));
}

}  // namespace
}  // namespace cardgate::testing
