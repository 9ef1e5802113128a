// SPDX-License-Identifier: Apache-2.0
// Faults as values: by when what is due, and what may become of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/work/faults.hpp"

namespace cardgate::daemon::work {
namespace {

using reg::Fault;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;

const WallTime morning = parse_rfc3339("2026-06-01T08:00:00Z").value();

FaultRules agreement() {
  FaultRules out;
  out.impacts = {{{"nobody can work", minutes(15), hours(4)},
                  {"a department cannot work", hours(1), hours(8)},
                  {"people work more slowly", hours(4), hours(48)},
                  {"somebody is held up", hours(24), hours(120)}}};
  return out;
}

Fault reported_fault(std::int64_t id = 7) {
  Fault out;
  out.id = id;
  out.reported_by = "uid 1000";
  out.reported_at = out.told_at = morning;
  out.text = "The printer is out";
  return out;
}

FaultAsk how_bad(const char* severity) {
  FaultAsk out;
  out.severity = severity;
  return out;
}

TEST(FaultRules, WhatNobodyHasLookedAtHasTheTimesOfACriticalOne) {
  auto fault = reported_fault();
  EXPECT_EQ(due(fault, agreement(), morning + minutes(14)), std::nullopt);
  EXPECT_EQ(due(fault, agreement(), morning + minutes(15)), FaultSaid::answer_late);
  fault.told_at = morning + minutes(15);
  EXPECT_EQ(due(fault, agreement(), morning + hours(3)), std::nullopt) << "told once";
  EXPECT_EQ(due(fault, agreement(), morning + hours(4)), FaultSaid::repair_late);
  EXPECT_EQ(next_due(std::vector{fault}, agreement(), morning), morning + minutes(15));
  EXPECT_EQ(next_due(std::vector{fault}, agreement(), morning + hours(1)), morning + hours(4));
}

TEST(FaultRules, ASeverityHasTimesOfItsOwn) {
  const auto classed = class_fault(reported_fault(), how_bad("standard"), "3000", morning + minutes(5));
  ASSERT_TRUE(classed);
  EXPECT_EQ(due(*classed, agreement(), morning + hours(119)), std::nullopt) << "it was answered";
  EXPECT_EQ(due(*classed, agreement(), morning + hours(120)), FaultSaid::repair_late);
  EXPECT_FALSE(class_fault(reported_fault(), how_bad("awful"), "3000", morning));
  EXPECT_FALSE(class_fault(reported_fault(), {}, "3000", morning));
}

TEST(FaultRules, EverybodyReadsOnlyWhatTheTeamWrote) {
  auto ask = how_bad("high");
  const auto quiet = class_fault(reported_fault(), ask, "3000", morning);
  EXPECT_FALSE(is_for_everybody(*quiet, FaultSaid::classed));
  ask.told = "No printing on ward 4";
  const auto loud = class_fault(reported_fault(), ask, "3000", morning);
  EXPECT_TRUE(is_for_everybody(*loud, FaultSaid::classed));
  EXPECT_TRUE(is_for_everybody(*loud, FaultSaid::closed));
  EXPECT_FALSE(is_for_everybody(*loud, FaultSaid::repair_late)) << "that is the team's";
  EXPECT_EQ(words_now(*loud, agreement()), "Fault (high: a department cannot work): No printing on ward 4.");
}

TEST(FaultRules, IsPassedOnAndClosed) {
  FaultAsk ask;
  ask.ticket = "INC1";
  EXPECT_FALSE(pass_on(reported_fault(), ask, morning)) << "nobody has said how bad it is";
  const auto classed = class_fault(reported_fault(), how_bad("high"), "3000", morning).value();
  EXPECT_FALSE(pass_on(classed, {}, morning));
  ask.expected = morning - minutes(1);
  EXPECT_FALSE(pass_on(classed, ask, morning)) << "in the past";
  ask.expected = morning + hours(2);
  const auto passed = pass_on(classed, ask, morning);
  ASSERT_TRUE(passed);
  EXPECT_THAT(words(*passed, FaultSaid::passed_on, agreement()),
              HasSubstr("passed on as INC1. It should be put right by 1 June 2026 at 10:00 UTC."));
  const auto closed = close(*passed, "A new drum", morning + hours(1));
  EXPECT_EQ(closed.state, Fault::State::closed);
  EXPECT_EQ(words(closed, FaultSaid::closed, agreement()),
            "A fault is put right. The printer is out. A new drum.");
}

TEST(FaultRules, IsJoinedToAnotherOne) {
  EXPECT_FALSE(join(reported_fault(7), reported_fault(7), morning));
  const auto joined = join(reported_fault(8), reported_fault(7), morning);
  EXPECT_EQ(joined->joined_to, 7);
  EXPECT_EQ(joined->state, Fault::State::joined);
}

}  // namespace
}  // namespace cardgate::daemon::work
