// SPDX-License-Identifier: Apache-2.0
// What is shown of long work.
#include "client/command/progress.hpp"

#include <gtest/gtest.h>

namespace cardgate::client {
namespace {

TEST(Progress, SaysHowFarItIs) {
  EXPECT_EQ(bar_text(0, 1000), "[                              ] 0 % (0 of 1,000)");
  EXPECT_EQ(bar_text(500, 1000), "[===============               ] 50 % (500 of 1,000)");
  EXPECT_EQ(bar_text(1'500'000, 1'500'000),
            "[==============================] 100 % (1,500,000 of 1,500,000)");
  EXPECT_EQ(bar_text(7, 5), "[==============================] 100 % (5 of 5)");
  EXPECT_EQ(bar_text(3, 0), "[                              ] 0 % (0 of 0)");
}

TEST(Progress, PartsLargeNumbers) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

// Tests have no terminal on stderr.
TEST(Progress, ShowsNothingWhereThereIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  {
    const Progress shown([]() -> std::string {
      ADD_FAILURE() << "nobody sees it";
      return {};
    });
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace cardgate::client
