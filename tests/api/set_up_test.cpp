// SPDX-License-Identifier: Apache-2.0
// Set-up names the first two of the team; once both have signed in, root gives access in an emergency alone.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SettingUp : public ::testing::Test {
 protected:
  static json::object people(std::string_view first, std::string_view second) {
    return {{"people", json::array{json::string(first), json::string(second)}}};
  }
  Reply set_up(std::string_view first, std::string_view second) {
    return house.ask("POST", "/v1/setup", people(first, second), House::root());
  }
  Reply break_glass(std::string_view whom) {
    return house.ask("POST", "/v1/setup",
                     {{"people", json::array{json::string(whom)}}, {"break_glass", "The team is away"}},
                     House::root());
  }
  /// The register knows of the sign-in, too.
  void sign_in(const daemon::Peer& who) {
    house.sign_in(who);
    house.pass_register();
  }
  bool is_in_team(const char* id) {
    const auto person = house.owners().roll.record_of(id).value();
    return std::ranges::find(person.teams, "esr-workforce-systems") != person.teams.end();
  }
  House house;
};

TEST_F(SettingUp, TwoPeopleGiveAccessFromThenOn) {
  const auto done = set_up("1000", "2000");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.text("role"), "esr-workforce-systems");
  sign_in(House::ada());
  EXPECT_THAT(house.reasons("setup"), Not(Contains(HasSubstr("closed")))) << "one is still to come";
  sign_in(House::max());
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "8000"}, {"reason", "Left"}, {"at_once", true}}, House::ada());
  EXPECT_EQ(removed.status, 200) << "she acts for the team: " << removed.body;
  EXPECT_THAT(house.reasons("setup"), Contains("closed: both have signed in"));
  const auto again = set_up("1000", "4000");
  EXPECT_EQ(again.status, 403) << again.body;
  EXPECT_EQ(again.error(), "setup_closed");
  EXPECT_FALSE(is_in_team("4000"));
}

TEST_F(SettingUp, ItIsSaidHowFarItIs) {
  const auto shown = [&] { return house.ask("GET", "/v1/setup", House::root()); };
  EXPECT_EQ(shown().text("state"), "not begun");
  ASSERT_EQ(set_up("1000", "2000").status, 200);
  sign_in(House::max());
  const auto waiting = shown();
  EXPECT_EQ(waiting.text("state"), "waiting");
  ASSERT_EQ(waiting.json().at("waits_for").as_array().size(), 1U) << waiting.body;
  EXPECT_EQ(waiting.json().at("waits_for").at(0).at("id"), "1000");
  sign_in(House::ada());
  EXPECT_EQ(shown().text("state"), "closed");
  EXPECT_EQ(house.ask("GET", "/v1/setup", House::ada()).status, 404) << "for root alone";
}

TEST_F(SettingUp, OnePersonIsNotEnough) {
  const auto reply = set_up("1000", "1000");
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(reply.error(), "not_possible");
  EXPECT_FALSE(is_in_team("1000"));
}

TEST_F(SettingUp, ItIsForRootAlone) {
  EXPECT_EQ(house.ask("POST", "/v1/setup", people("1000", "2000"), House::ada()).status, 404);
  EXPECT_FALSE(is_in_team("1000"));
}

TEST_F(SettingUp, WhoeverNeverCameIsReplaced) {
  ASSERT_EQ(set_up("1000", "4000").status, 200);
  ASSERT_EQ(set_up("1000", "2000").status, 200);
  EXPECT_FALSE(is_in_team("4000"));
  EXPECT_TRUE(is_in_team("1000"));
  EXPECT_TRUE(is_in_team("2000"));
}

TEST_F(SettingUp, TheTeamIsToldOfAnEmergency) {
  const auto early = break_glass("4000");
  EXPECT_EQ(early.status, 422) << "set-up is open: " << early.body;
  ASSERT_EQ(set_up("1000", "2000").status, 200);
  sign_in(House::ada());
  sign_in(House::max());
  const auto given = break_glass("4000");
  ASSERT_EQ(given.status, 200) << given.body;
  EXPECT_EQ(given.text("valid_until"), "2026-06-07") << "seven days";
  EXPECT_TRUE(is_in_team("4000"));
  EXPECT_THAT(house.reasons("break_glass"), Contains("The team is away"));
  house.sign_in(House::tia());
  for (const auto* who : {&House::ada(), &House::tia()}) {
    EXPECT_THAT(house.ask("GET", "/v1/notices", *who).body, HasSubstr("gave Eve Invented-Young the role"));
  }
}

TEST_F(SettingUp, OneOfTheTwoSignsInWhileAnotherIsNamedInstead) {
  ASSERT_EQ(set_up("1000", "4000").status, 200);
  auto held = house.hold_register();
  house.sign_in(House::ada());  // the register does not know it yet
  const auto call = house.begin("POST", "/v1/setup", people("4000", "2000"), House::root());
  house.run_ready();
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_THAT(reply.text("detail"), HasSubstr("One of the two has just signed in"));
  EXPECT_TRUE(is_in_team("1000"));
  EXPECT_FALSE(is_in_team("2000"));
  EXPECT_THAT(house.reasons("setup"), Contains(HasSubstr("not done: ")));
}

TEST_F(SettingUp, WhatCannotBeRecordedIsNotDone) {
  auto held = house.hold_log();
  const auto call = house.begin("POST", "/v1/setup", people("1000", "2000"), House::root());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  House::break_disks();
  held.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_EQ(reply.error(), "audit_unavailable");
  EXPECT_FALSE(is_in_team("1000"));
}

}  // namespace
}  // namespace cardgate::testing
