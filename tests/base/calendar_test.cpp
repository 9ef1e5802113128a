// SPDX-License-Identifier: Apache-2.0
#include "base/calendar.hpp"

#include <gtest/gtest.h>

namespace cardgate {
namespace {

WallTime moment(std::string_view text) {
  return parse_rfc3339(text).value();
}
Date the_day(std::string_view text) {
  return parse_date(text).value();
}
Calendar in(const char* zone) {
  return Calendar::of(zone).value();
}

TEST(CalendarOf, AHospitalsDayEndsAtItsOwnMidnight) {
  const auto london = in("Europe/London");
  EXPECT_EQ(london.date_of(moment("2026-07-31T22:59:59.999Z")), the_day("2026-07-31"));
  EXPECT_EQ(london.date_of(moment("2026-07-31T23:00:00Z")), the_day("2026-08-01")) << "summer time";
  EXPECT_EQ(london.date_of(moment("2026-12-31T23:59:59Z")), the_day("2026-12-31"));
  EXPECT_EQ(london.start_of(the_day("2026-08-01")), moment("2026-07-31T23:00:00Z"));
  EXPECT_EQ(london.start_of(the_day("2027-01-01")), moment("2027-01-01T00:00:00Z"));
  EXPECT_EQ(in("Asia/Kolkata").start_of(the_day("2026-08-01")), moment("2026-07-31T18:30:00Z"));
}

TEST(CalendarOf, DaysOf23And25HoursAreWhole) {
  const auto london = in("Europe/London");
  const auto spring = london.start_of(the_day("2026-03-30")) - london.start_of(the_day("2026-03-29"));
  const auto autumn = london.start_of(the_day("2026-10-26")) - london.start_of(the_day("2026-10-25"));
  EXPECT_EQ(spring, std::chrono::hours(23));
  EXPECT_EQ(autumn, std::chrono::hours(25));
}

TEST(CalendarOf, WhereMidnightIsSkippedTheDayBeginsRightAfter) {
  // Clocks went from 24:00 to 1:00 in the night to 13 October 2013.
  const auto there = in("America/Asuncion");
  const auto begins = there.start_of(the_day("2013-10-06"));
  EXPECT_EQ(there.date_of(begins), the_day("2013-10-06"));
  EXPECT_EQ(there.date_of(begins - milliseconds(1)), the_day("2013-10-05"));
}

TEST(CalendarOf, EveryDayBeginsInItself) {
  for (const char* zone :
       {"Europe/London", "America/St_Johns", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut", "UTC"}) {
    const auto there = in(zone);
    for (std::chrono::sys_days day(the_day("2012-01-02")); day < std::chrono::sys_days(the_day("2030-01-01"));
         day += std::chrono::days(1)) {
      const auto begins = there.start_of(Date(day));
      ASSERT_EQ(there.date_of(begins), Date(day)) << zone;
      ASSERT_EQ(there.date_of(begins - milliseconds(1)), Date(day - std::chrono::days(1))) << zone;
    }
  }
}

TEST(CalendarOf, FarDaysAndUtcAreAnswered) {
  EXPECT_EQ(Calendar().start_of(the_day("2026-08-01")), moment("2026-08-01T00:00:00Z"));
  EXPECT_EQ(Calendar().zone(), "UTC");
  const auto last = in("Europe/London").start_of(the_day("9999-12-31"));
  EXPECT_EQ(in("Europe/London").date_of(last), the_day("9999-12-31"));
}

TEST(CalendarOf, MomentsAreToldByTheClockOnTheWall) {
  EXPECT_EQ(in("Europe/London").moment_text(moment("2026-07-31T23:05:00Z")), "1 August 2026 at 00:05 BST");
  EXPECT_EQ(in("Europe/London").moment_text(moment("2026-12-01T17:05:00Z")), "1 December 2026 at 17:05 GMT");
  EXPECT_EQ(Calendar().moment_text(moment("2026-12-01T17:05:00Z")), "1 December 2026 at 17:05 UTC");
}

TEST(CalendarOf, WhatIsNoZoneIsRefused) {
  for (const char* zone :
       {"", "Europe/Lundon", "London", "../../etc/passwd", "/etc/localtime", "+01:00", "posixrules/"}) {
    const auto made = Calendar::of(zone);
    ASSERT_FALSE(made) << zone;
    EXPECT_EQ(made.error().code, Errc::not_found);
    EXPECT_NE(made.error().context.find("Europe/London"), std::string::npos) << "says how one is written";
  }
}

}  // namespace
}  // namespace cardgate
