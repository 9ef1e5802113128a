// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.hpp"

#include <gtest/gtest.h>

namespace cardgate {
namespace {

const std::vector<std::string> commands{"status", "staff", "stop-card", "token", "login", "logout"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("satus", commands), "status");
  EXPECT_EQ(nearest("tokne", commands), "token") << "two letters in the wrong order are one mistake";
  EXPECT_EQ(nearest("lgoin", commands), "login");
  EXPECT_EQ(nearest("stat", commands), "status") << "its beginning";
  EXPECT_EQ(nearest("login", commands), "login");
}

TEST(Nearest, SuggestsNothingThatIsFarAway) {
  EXPECT_FALSE(nearest("nonsense", commands));
  EXPECT_FALSE(nearest("", commands));
  EXPECT_FALSE(nearest("x", {"y"})) << "nothing of it is right";
  EXPECT_FALSE(nearest("status", {}));
  EXPECT_FALSE(nearest(std::string(100'000, 's'), commands)) << "and takes no time over it";
}

TEST(Nearest, CountsSingleMistakes) {
  EXPECT_EQ(edit_distance("readers", "reader"), 1U);
  EXPECT_EQ(edit_distance("acces", "access"), 1U);
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace cardgate
