// SPDX-License-Identifier: Apache-2.0
// Days are those of the hospital's time zone.
#include "tests/policy/fixture.hpp"

namespace cardgate::policy {
namespace {

Policy of_london() {
  Policy policy = load_policy(source_file("config/policy.yaml")).value();
  policy.live_by(Calendar::of("Europe/London").value());
  return policy;
}

TEST(LocalDays, ALastDayEndsAtLocalMidnightInSummerToo) {
  const auto policy = of_london();
  auto facts = everything();
  facts.employed_until = date("2026-07-31");
  const auto core = [&](std::string_view when) {
    return decide(policy, facts, {"core", SignIn::card}, at(when));
  };
  const auto before = core("2026-07-31T22:59:59Z");
  EXPECT_TRUE(before.allowed);
  EXPECT_EQ(before.valid_until, at("2026-07-31T23:00:00Z"));
  EXPECT_EQ(before.last_day, date("2026-07-31"));
  EXPECT_FALSE(core("2026-07-31T23:00:00Z").allowed);
  EXPECT_FALSE(decide_sign_in(policy, facts, SignIn::card, at("2026-07-31T23:00:00Z")).allowed);
}

TEST(LocalDays, AFirstDayBeginsAtLocalMidnight) {
  const auto policy = of_london();
  auto facts = everything();
  facts.employed_from = date("2026-08-01");
  EXPECT_FALSE(decide(policy, facts, {"core", SignIn::card}, at("2026-07-31T22:59:59Z")).allowed);
  EXPECT_TRUE(decide(policy, facts, {"core", SignIn::card}, at("2026-07-31T23:00:00Z")).allowed);
}

TEST(LocalDays, InWinterTheyAreAsInUtc) {
  const auto policy = of_london();
  auto facts = everything();
  facts.employed_until = date("2026-12-31");
  EXPECT_EQ(decide(policy, facts, {"core", SignIn::card}, at("2026-12-31T23:59:59Z")).valid_until,
            at("2027-01-01T00:00:00Z"));
}

}  // namespace
}  // namespace cardgate::policy
