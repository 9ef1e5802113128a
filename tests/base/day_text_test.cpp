// SPDX-License-Identifier: Apache-2.0
#include "base/day_text.hpp"

#include <gtest/gtest.h>

namespace cardgate {
namespace {

TEST(DayText, IsADayAsPeopleReadIt) {
  EXPECT_EQ(day_text(parse_date("2028-03-31").value()), "31 March 2028");
  EXPECT_EQ(day_text(parse_date("2026-09-01").value()), "1 September 2026");
  EXPECT_EQ(day_text(Date{}), "an unknown day");
}

}  // namespace
}  // namespace cardgate
