// SPDX-License-Identifier: Apache-2.0
// What a person will lose, and when; held against what is decided on the days before and after.
#include "policy/lapses.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

#include "tests/policy/fixture.hpp"

namespace cardgate::policy {
namespace {

using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// "2026-06-20 5 core employed".
std::vector<std::string> lapse_lines(const Facts& facts, std::string_view role = "core",
                                     std::optional<SignIn> sign_in = SignIn::card) {
  std::vector<std::string> out;
  for (const auto& item :
       lapses(shipped(), facts, {role, sign_in, std::chrono::floor<days>(noon), days(30)})) {
    EXPECT_FALSE(item.who.empty()) << item.title;
    EXPECT_FALSE(item.next_step.empty()) << item.title;
    out.push_back(fmt::format("{} {} {}", to_text(item.date), item.days_left, item.title) +
                  (item.ends_role ? "" : " (warns)") +
                  (item.resumes ? " until " + to_text(*item.resumes) : ""));
  }
  return out;
}

TEST(Lapses, NothingLapsesOfWhoHasEverythingForGood) {
  EXPECT_THAT(lapse_lines(everything(), ""), IsEmpty());
}

TEST(Lapses, EachPrerequisiteThatEnds) {
  const auto with = [](auto set) {
    Facts facts = everything();
    set(facts);
    return facts;
  };
  const Date end = date("2026-06-20");
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.employed_until = end; })),
              ElementsAre("2026-06-20 5 employment"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.leave_from = end; })),
              ElementsAre("2026-06-19 4 employment (leave begins on 20 June 2026)"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.card_valid_until = end; })),
              ElementsAre("2026-06-20 5 card"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.forms.at(1).valid_until = end; })),
              ElementsAre("2026-06-20 5 ESR06 access form for Core ESR"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.declarations.at(0).valid_until = end; })),
              ElementsAre("2026-06-20 5 core user confidentiality declaration"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.training.at(0).valid_until = end; })),
              ElementsAre("2026-06-20 5 information governance training (warns)"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) { f.delegations.at(0).valid_until = end; }),
                          "administrator-self-service"),
              ElementsAre("2026-06-20 5 delegation of Administrator Self Service"));
  EXPECT_THAT(lapse_lines(with([&](Facts& f) {
                            f.is_line_manager = false;
                            f.acting = {{"m", std::nullopt, end}};
                          }),
                          "manager-self-service"),
              ElementsAre("2026-06-20 5 standing in for a line manager"));
}

TEST(Lapses, OfSeveralTheNearestComesFirstAndEachIsTold) {
  Facts facts = everything();
  facts.employed_until = date("2026-07-01");
  facts.forms.at(1).valid_until = date("2026-06-15");
  facts.declarations.at(0).valid_until = date("2026-06-18");
  EXPECT_THAT(lapse_lines(facts),
              ElementsAre("2026-06-15 0 ESR06 access form for Core ESR",
                          "2026-06-18 3 core user confidentiality declaration", "2026-07-01 16 employment"));
}

TEST(Lapses, WhatIsFollowedDoesNotLapse) {
  Facts facts = everything();
  facts.forms.at(1).valid_until = date("2026-06-20");
  Form next = good_form("core");
  next.valid_from = date("2026-06-21");
  next.valid_until = date("2026-07-10");
  facts.forms.push_back(next);
  EXPECT_THAT(lapse_lines(facts), ElementsAre("2026-07-10 25 ESR06 access form for Core ESR"));
  facts.forms.back().valid_until.reset();
  EXPECT_THAT(lapse_lines(facts), IsEmpty());
  facts.forms.back().valid_from = date("2026-06-23");
  EXPECT_THAT(lapse_lines(facts),
              ElementsAre("2026-06-20 5 ESR06 access form for Core ESR until 2026-06-23"));
  facts.forms.back().approved = false;
  EXPECT_THAT(lapse_lines(facts), ElementsAre("2026-06-20 5 ESR06 access form for Core ESR"));
}

TEST(Lapses, ALeaveAndTheEndOfEmploymentAreTwo) {
  Facts facts = everything();
  facts.leave_from = date("2026-06-20");
  facts.leave_until = date("2026-06-24");
  facts.employed_until = date("2026-06-30");
  EXPECT_THAT(lapse_lines(facts),
              ElementsAre("2026-06-19 4 employment (leave begins on 20 June 2026) until 2026-06-25",
                          "2026-06-30 15 employment"));
}

TEST(Lapses, SaysWhatEndsAndWhatHelps) {
  Facts facts = everything();
  facts.forms.at(1).valid_until = facts.training.at(0).valid_until = date("2026-06-20");
  facts.leave_from = date("2026-06-21");
  facts.leave_until = date("2026-06-24");
  std::vector<std::string> said;
  for (const auto& item :
       lapses(shipped(), facts, {"core", SignIn::card, std::chrono::floor<days>(noon), days(30)}))
    said.push_back(item.text + " | " + item.who + " | " + item.next_step);
  EXPECT_THAT(
      said,
      ElementsAre("Your leave begins on 21 June 2026. The access that it ends comes back on 25 June 2026 | "
                  "your line manager | If the leave is right, do nothing: your access comes back after it",
                  "Your ESR06 access form for Core ESR ends on 20 June 2026 | you, your line manager, the "
                  "ESR & Workforce Systems team | Fill in the ESR06 access form for this role (cardgate form "
                  "submit), and ask your line manager to verify it",
                  "Your information governance training ends on 20 June 2026. Your access goes on | you and "
                  "your line manager | Complete the course. Your line manager can give you time for it"));
}

TEST(Lapses, TheSpanHasAnEnd) {
  Facts facts = everything();
  facts.employed_until = date("2026-07-15");
  EXPECT_THAT(lapse_lines(facts), ElementsAre("2026-07-15 30 employment"));
  facts.employed_until = date("2026-07-16");
  EXPECT_THAT(lapse_lines(facts), IsEmpty());
}

TEST(Lapses, RolesThatAreNotHeldAreNotLost) {
  Facts facts = everything();
  facts.employed_until = date("2026-06-20");
  facts.forms.clear();
  facts.card_valid_until = date("2026-06-20");
  EXPECT_THAT(lapse_lines(facts, "", SignIn::card),
              ElementsAre("2026-06-20 5 employment", "2026-06-20 5 card"));
  EXPECT_THAT(lapse_lines(facts, "", std::nullopt), ElementsAre("2026-06-20 5 employment"))
      << "whoever can sign in by password does not lose Employee Self Service with the card";
  facts.removed = true;
  EXPECT_THAT(lapse_lines(facts, ""), IsEmpty());
}

TEST(Lapses, WhatIsKnownOfTheCertificateIsNoPartOfIt) {
  Facts facts = everything();
  facts.employed_until = date("2026-06-20");
  facts.answers_until = noon - std::chrono::hours(1);
  EXPECT_THAT(lapse_lines(facts), ElementsAre("2026-06-20 5 employment"));
}

Facts random_facts(std::mt19937& random) {
  const auto day = [&] {
    return Date(Day(date("2026-06-10")) + days(std::uniform_int_distribution(0, 50)(random)));
  };
  const auto maybe = [&](int of) { return std::uniform_int_distribution(1, of)(random) == 1; };
  Facts facts = everything();
  if (maybe(4)) facts.employed_until = day();
  if (maybe(4)) facts.leave_from = day();
  if (maybe(2)) facts.leave_until = day();
  if (maybe(4)) facts.card_valid_until = day();
  if (maybe(4)) {
    facts.is_line_manager = false;
    facts.acting = {{"m", day(), day()}, {"n", std::nullopt, day()}};
  }
  for (auto& form : facts.forms) {
    if (maybe(2)) form.valid_until = day();
  }
  for (int more = std::uniform_int_distribution(0, 3)(random); more > 0; --more) {
    Form form = good_form("core");
    if (maybe(2)) form.valid_from = day();
    form.valid_until = day();
    form.approved = !maybe(4);
    facts.forms.push_back(form);
  }
  if (maybe(2)) facts.declarations.at(0).valid_until = day();
  if (maybe(2)) facts.declarations.push_back({"core-confidentiality", "2026-1", day(), day()});
  if (maybe(2)) facts.delegations.at(0).valid_until = day();
  return facts;
}

std::set<std::string> unmet_on(const Facts& facts, const std::string& role, Day day) {
  const auto list = codes(decide(shipped(), facts, {role, SignIn::card}, WallTime(day)).unmet);
  return {list.begin(), list.end()};
}

TEST(Lapses, AreExactlyTheDaysOnWhichDecisionsChange) {
  std::mt19937 random(20260615);
  std::size_t found = 0;
  for (int round = 0; round < 500; ++round) {
    const Facts facts = random_facts(random);
    const Day today = std::chrono::floor<days>(noon);
    for (const auto& role : shipped().roles()) {
      std::multiset<std::pair<Day, std::string>> told, expected;
      for (const auto& item :
           lapses(shipped(), facts, {role.name, SignIn::card, std::chrono::floor<days>(noon), days(30)})) {
        EXPECT_FALSE(unmet_on(facts, role.name, Day(item.date)).contains(item.prerequisite));
        EXPECT_TRUE(unmet_on(facts, role.name, Day(item.date) + days(1)).contains(item.prerequisite));
        told.emplace(Day(item.date), item.prerequisite);
      }
      // Day by day, without any walking from end to end.
      const bool held = unmet_on(facts, role.name, today).empty();
      const auto by_less = role.accepts(SignIn::password) ? SignIn::password : SignIn::card;
      EXPECT_EQ(holds(facts, role, today), decide(shipped(), facts, {role.name, by_less}, noon).allowed);
      if (held) {
        for (Day day = today; day <= today + days(30); day += days(1)) {
          const auto before = unmet_on(facts, role.name, day);
          for (const auto& code : unmet_on(facts, role.name, day + days(1))) {
            if (!before.contains(code)) expected.emplace(day, code);
          }
        }
      }
      EXPECT_EQ(told, expected) << role.name << ", round " << round;
      found += told.size();
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(found, 250U);
}

}  // namespace
}  // namespace cardgate::policy
