// SPDX-License-Identifier: Apache-2.0
// The look over everybody: what is counted once, whom it stops at, what it leaves out.
#include "daemon/people/forecast.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "daemon/limits.hpp"
#include "policy/reader.hpp"
#include "tests/daemon/with_register.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::daemon {
namespace {

const WallTime forecast_time = parse_rfc3339("2026-06-15T12:00:00Z").value();  // a Monday

class ForecastTest : public testing::WithRegister {
 protected:
  void employ(const std::string& people) { import("people:\n" + people); }
  Forecast forecast(int days, const std::string& role = {}) const {
    return Forecast(policy, {.role = role,
                             .from = std::chrono::floor<std::chrono::days>(forecast_time),
                             .span = std::chrono::days(days),
                             .list = max_forecast_entries});
  }
  json::object of_everybody(int days, const std::string& role = {}) const {
    auto made = forecast(days, role);
    const auto looked = made.add_everybody(*staff, stop);
    EXPECT_TRUE(looked) << looked.error().message();
    return made.to_json(*staff);
  }

  std::shared_ptr<const policy::Policy> policy =
      std::make_shared<const policy::Policy>(policy::load_policy(source_file("config/policy.yaml")).value());
};

constexpr const char* house = R"(  - id: ada
    name: Ada Example
    line_manager: max
    employed_from: 2020-01-01
    cards: [{uuid: 00000000-0000-4000-8000-000000000001, valid_until: 2026-06-17}, {uuid: 00000000-0000-4000-8000-000000000002, valid_until: 2026-06-24}]
    forms: [{kind: ESR06, role: core, verified_by: max, verified_on: 2026-01-02, approved_by: tia, approved_on: 2026-01-03, valid_until: 2026-06-24}]
    declarations: [{name: core-confidentiality, version: "2026-1", signed_on: 2026-01-02}]
    training: [{course: information-governance, completed_on: 2026-01-02, valid_until: 2026-06-20}]
  - {id: max, name: Max Invented, employed_from: 2020-01-01, employed_until: 2026-06-26}
  - {id: tia, name: Tia Invented, employed_from: 2020-01-01}
  - {id: una, name: Una Invented}
)";

TEST_F(ForecastTest, CountsWhoLosesARoleForTwoReasonsOnce) {
  employ(house);
  const auto body = of_everybody(30);
  EXPECT_EQ(body.at("people"), 4);
  EXPECT_EQ(body.at("holders"), 3);
  EXPECT_EQ(body.at("losing"), 2);
  EXPECT_EQ(
      json::serialize(body.at("by_day")),
      R"([{"last_day":"2026-06-24","role":"core","people":1},{"last_day":"2026-06-26","role":"employee-self-service","people":1}])")
      << "the card that lasts longest counts, and training that warns ends nothing";
  EXPECT_EQ(
      json::serialize(body.at("by_week")),
      R"([{"from":"2026-06-22","people":2,"roles":[{"role":"core","people":1},{"role":"employee-self-service","people":1}]}])");
  ASSERT_EQ(body.at("lapses").as_array().size(), 3U);
  EXPECT_EQ(
      json::serialize(body.at("lapses").at(0)),
      R"({"last_day":"2026-06-24","days_left":9,"person":{"id":"ada","name":"Ada Example"},"line_manager":{"id":"max","name":"Max Invented"},"role":"core","prerequisite":"card","title":"card"})");
}

TEST_F(ForecastTest, IsOfOneRoleAndOfSomePeople) {
  employ(house);
  const auto core = of_everybody(30, "core");
  EXPECT_EQ(core.at("holders"), 1);
  EXPECT_EQ(core.at("lapses").as_array().size(), 2U);
  auto some = forecast(30);
  ASSERT_TRUE(some.add(*staff, {"max", "tia", "gone since"}));
  const auto body = some.to_json(*staff);
  EXPECT_EQ(body.at("people"), 2);
  ASSERT_EQ(body.at("lapses").as_array().size(), 1U);
  EXPECT_EQ(body.at("lapses").at(0).at("person").at("id"), "max");
}

TEST_F(ForecastTest, GoesThroughPagesAndCutsTheListButNotTheCounts) {
  std::string people;
  constexpr int count = 2 * static_cast<int>(register_page) + 1;
  constexpr std::size_t list = 100;
  for (int i = 0; i < count; ++i) {
    people += fmt::format("  - {{id: p{:05}, name: P, employed_from: 2020-01-01, employed_until: {}}}\n", i,
                          i == count - 1 ? "2026-06-16" : "2026-06-30");
  }
  employ(people);
  Forecast made(policy, {.role = {},
                         .from = std::chrono::floor<std::chrono::days>(forecast_time),
                         .span = std::chrono::days(30),
                         .list = list});
  ASSERT_TRUE(made.add_everybody(*staff, stop));
  const auto body = made.to_json(*staff);
  EXPECT_EQ(body.at("losing"), count);
  EXPECT_EQ(body.at("by_week").at(1).at("people"), count - 1);
  EXPECT_EQ(body.at("cut"), true);
  const auto& lapses = body.at("lapses").as_array();
  ASSERT_EQ(lapses.size(), list);
  EXPECT_EQ(lapses.at(0).at("person").at("id").as_string(), fmt::format("p{:05}", count - 1))
      << "the nearest are kept";
  std::set<std::string> ids;
  for (const auto& item : lapses) ids.emplace(item.at("person").at("id").as_string());
  EXPECT_EQ(ids.size(), lapses.size()) << "nobody twice";
}

TEST_F(ForecastTest, StopsWhenTheServiceDoes) {
  employ(house);
  stop = true;
  const auto looked = forecast(30).add_everybody(*staff, stop);
  ASSERT_FALSE(looked);
  EXPECT_EQ(looked.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace cardgate::daemon
