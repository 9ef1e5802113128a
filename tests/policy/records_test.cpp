// SPDX-License-Identifier: Apache-2.0
#include "policy/records.hpp"

#include <gtest/gtest.h>

namespace cardgate::policy {
namespace {

Date day(std::string_view text) {
  return parse_date(text).value();
}

struct Records : ::testing::Test {
  Records() {
    mina.person = "mina";
    mina.is_line_manager = true;
    mina.acting = {{"dora", day("2026-06-01"), day("2026-06-30")}};
    ann.person = "ann";
    ann.delegations = {{"mina", "admin", day("2026-06-01"), day("2026-06-30"), false},
                       {"dora", "other", std::nullopt, std::nullopt, false},
                       {"rex", "admin", std::nullopt, std::nullopt, true},
                       {"ann", "admin", std::nullopt, std::nullopt, false}};
  }
  static Role role(const char* records) {
    Role out;
    out.name = "admin";
    out.records = records;
    return out;
  }
  static Day at(std::string_view text) { return day(text); }
  Facts mina, ann;
};

TEST_F(Records, ATeamIsTheStaffOfMineAndOfThoseForWhomIStandInToday) {
  for (const auto* records : {"team", "team-view"}) {
    const auto team = role(records);
    EXPECT_TRUE(in_scope(team, mina, "joe", "mina", at("2026-07-01")));
    EXPECT_TRUE(in_scope(team, mina, "sid", "dora", at("2026-06-30"))) << "the last day counts";
    EXPECT_FALSE(in_scope(team, mina, "sid", "dora", at("2026-05-31")));
    EXPECT_FALSE(in_scope(team, mina, "sid", "dora", at("2026-07-01")));
    EXPECT_FALSE(in_scope(team, mina, "sid", "", at("2026-06-15"))) << "nobody's staff";
    EXPECT_FALSE(in_scope(team, mina, "mina", "dora", at("2026-06-15")))
        << "not oneself, though one's manager is away";
  }
}

TEST_F(Records, DelegatedAreTheStaffOfWhoDelegatedThisRoleForAsLong) {
  const auto delegated = role("delegated");
  EXPECT_TRUE(in_scope(delegated, ann, "joe", "mina", at("2026-06-01")));
  EXPECT_FALSE(in_scope(delegated, ann, "joe", "mina", at("2026-07-01")));
  EXPECT_FALSE(in_scope(delegated, ann, "sid", "dora", at("2026-06-15"))) << "another role";
  EXPECT_FALSE(in_scope(delegated, ann, "tim", "rex", at("2026-06-15"))) << "revoked";
  EXPECT_FALSE(in_scope(delegated, ann, "tim", "ann", at("2026-06-15"))) << "nobody delegates to themselves";
  EXPECT_EQ(managers_in_scope(delegated, ann, at("2026-06-15")),
            (std::vector<Manager>{{"mina", day("2026-06-30")}}));
}

TEST_F(Records, OwnIsOwnAndAllIsAll) {
  EXPECT_TRUE(in_scope(role("own"), mina, "mina", "dora", at("2026-06-15")));
  EXPECT_FALSE(in_scope(role("own"), mina, "joe", "mina", at("2026-06-15")));
  for (const auto* records : {"all", "by-function"}) {
    EXPECT_TRUE(in_scope(role(records), mina, "anybody", "", at("2026-06-15")));
    EXPECT_TRUE(managers_in_scope(role(records), mina, at("2026-06-15")).empty());
  }
}

TEST_F(Records, ManagingIsByRelationNotByRole) {
  EXPECT_TRUE(manages(mina, "mina", at("2026-01-01")));
  EXPECT_TRUE(manages(mina, "dora", at("2026-06-15")));
  EXPECT_FALSE(manages(mina, "dora", at("2026-07-01")));
  EXPECT_FALSE(manages(mina, "", at("2026-06-15")));
}

}  // namespace
}  // namespace cardgate::policy
