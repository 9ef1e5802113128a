// SPDX-License-Identifier: Apache-2.0
// Lists of people page by page: everybody who fits, each once, whatever the pages.
#include "daemon/people/people_lists.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/limits.hpp"
#include "policy/reader.hpp"
#include "tests/daemon/with_register.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::daemon {
namespace {

const WallTime list_time = parse_rfc3339("2026-06-15T12:00:00Z").value();
constexpr int many = 450;  // two full pages and some

class PeopleLists : public testing::WithRegister {
 protected:
  void SetUp() override {
    WithRegister::SetUp();
    std::string text =
        "people:\n  - {id: mina, name: Mina Invented, employed_from: 2020-01-01}\n"
        "  - {id: max, name: Max Invented, employed_from: 2020-01-01}\n";
    for (int i = 0; i < many; ++i) {
      // Somebody with a name that is typed in many ways.
      if (i == 0)
        text += "  - {id: neill, name: \"Zo\u00eb  O\u2019Neill-Young\", employed_from: 2020-01-01}\n";
      text += fmt::format(
          "  - {{id: s{:03}, name: {} {}, employed_from: 2020-01-01, line_manager: {}, forms: [{{kind: "
          "ESR06, role: core}}]}}\n",
          i, i % 100 == 0 ? "Rare" : "Staff", i, i % 2 == 0 ? "mina" : "max");
    }
    import(text);
  }
  /// Mina, in a role of that name, or in none.
  ListAsk asks(const std::string& role) const {
    ListAsk ask;
    ask.view = {policy, list_time, {}};
    ask.reach.policy = policy;
    ask.reach.today = std::chrono::floor<std::chrono::days>(list_time);
    ask.reach.facts.person = "mina";
    if (!role.empty()) ask.reach.roles.push_back(policy->role(role));
    return ask;
  }
  using Page = std::function<Result<PeoplePage>(const ListAsk&)>;
  /// The ids of all pages, one after the other.
  static std::vector<std::string> all_pages(ListAsk ask, const Page& page, std::size_t least_pages) {
    std::vector<std::string> ids;
    std::size_t pages = 0;
    do {
      const auto read = page(ask);
      EXPECT_TRUE(read) << read.error().message();
      if (!read || ++pages > 100) break;
      EXPECT_LE(read->rows.size(), max_listed);
      ids.insert(ids.end(), read->people.begin(), read->people.end());
      ask.after = read->next;
    } while (!ask.after.empty());
    EXPECT_GE(pages, least_pages);
    EXPECT_TRUE(std::ranges::is_sorted(ids));
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end()) << "each once";
    return ids;
  }

  std::shared_ptr<const policy::Policy> policy =
      std::make_shared<const policy::Policy>(policy::load_policy(source_file("config/policy.yaml")).value());
};

TEST_F(PeopleLists, ATeamOfTwoManagersIsWholeOverItsPages) {
  auto ask = asks("manager-self-service");
  ask.reach.facts.acting.push_back({"max", std::nullopt, std::nullopt});
  const auto ids = all_pages(
      ask, [&](const ListAsk& each) { return team_page(*staff, each, {"mina", "max", "mina"}, stop); }, 3);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(many));
  const auto others = all_pages(
      asks("manager-self-service"),
      [&](const ListAsk& each) { return team_page(*staff, each, {"mina", "max"}, stop); }, 1);
  EXPECT_EQ(others.size(), static_cast<std::size_t>(many) / 2) << "nobody sees another manager's staff";
}

TEST_F(PeopleLists, ALineManagerWithoutARoleIsShownNamesAndNumbersAndNoMore) {
  const auto ask = asks({});
  const auto ids =
      all_pages(ask, [&](const ListAsk& each) { return team_names_page(*staff, each, stop); }, 2);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(many) / 2);
  const auto first = team_names_page(*staff, ask, stop);
  EXPECT_EQ(json::serialize(first->rows.at(0)), R"({"id":"s000","name":"Rare 0"})");
}

TEST_F(PeopleLists, EverybodyWhoFitsIsFoundBehindAnyNumberWhoDoNot) {
  const auto of = [&](const StaffFilter& filter, std::size_t pages) {
    return all_pages(
        asks("esr-workforce-systems"),
        [&](const ListAsk& each) { return staff_page(*staff, each, filter, stop); }, pages);
  };
  EXPECT_EQ(of({}, 3).size(), static_cast<std::size_t>(many) + 3);
  EXPECT_EQ(of({.name = "rARE", .role = {}, .manager = {}, .state = {}}, 1),
            (std::vector<std::string>{"s000", "s100", "s200", "s300", "s400"}));
  EXPECT_EQ(of({.name = {}, .role = {}, .manager = "max", .state = "employed"}, 2).size(),
            static_cast<std::size_t>(many) / 2);
  EXPECT_TRUE(of({.name = {}, .role = "core", .manager = {}, .state = {}}, 1).empty());
  for (const auto* typed : {"O'Neill", "o\u2019neill", "oneill", "Zoe O'Neill", "ZOE\u0308",
                            "Zo\u00eb  O`Neill", "young zoe", "Neill\u2011Young"})
    EXPECT_EQ(of({.name = typed, .role = {}, .manager = {}, .state = {}}, 1),
              (std::vector<std::string>{"neill"}))
        << typed;
}

TEST_F(PeopleLists, FormsThatWaitAreReadForWhoeverTheyWaitFor) {
  const auto waiting = [&](const std::vector<std::string>& managers) {
    return all_pages(
        asks({}),
        [&](const ListAsk& each) { return waiting_forms_page(*staff, each, "mina", managers, stop); }, 1);
  };
  EXPECT_EQ(waiting({"mina"}).size(), static_cast<std::size_t>(many) / 2);
  EXPECT_TRUE(waiting({"s001"}).empty());
  const auto page = waiting_forms_page(*staff, asks({}), "mina", {"s001"}, stop);
  EXPECT_EQ(page->read, 0U) << "others' records are not even read";
}

TEST_F(PeopleLists, WhatIsDecidedAndNotYetWrittenIsShown) {
  auto ask = asks("manager-self-service");
  work::Taking removal;
  removal.kind = work::Taking::Kind::remove;
  removal.reason = "Under investigation";
  removal.doer = {"tia", date_of(list_time), {}};
  ask.view.takings.all.emplace_back("s000", removal);
  const auto page = team_page(*staff, ask, {"mina"}, stop);
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->rows.at(0).at("state") == "removed");
  EXPECT_FALSE(page->rows.at(1).at("state") == "removed");
}

TEST_F(PeopleLists, AStopOfTheServiceEndsThem) {
  stop = true;
  EXPECT_EQ(team_page(*staff, asks("manager-self-service"), {"mina"}, stop).error().code, Errc::cancelled);
}

}  // namespace
}  // namespace cardgate::daemon
