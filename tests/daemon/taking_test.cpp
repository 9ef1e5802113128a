// SPDX-License-Identifier: Apache-2.0
// Acts that only take access away, as data.
#include "daemon/work/taking.hpp"

#include <gtest/gtest.h>

namespace cardgate::daemon::work {
namespace {

using Kind = Taking::Kind;

Date day(const char* text) {
  return parse_date(text).value();
}
const Doer esme{"esme", day("2026-03-02")};

reg::Person joe() {
  reg::Person person;
  person.id = "joe";
  person.employed_from = day("2020-01-01");
  person.teams = {"ward-4", "rota"};
  person.cards = {{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", "active", {}},
                  {"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02", "active", {}}};
  person.cards[1].lent_until = WallTime(seconds(1'772'500'000));
  reg::Form form;
  form.id = 12;
  form.role = "core";
  form.state = reg::Form::State::approved;
  person.forms = {form};
  person.delegations = {{7, "mina", "administrator-self-service", {}, day("2026-12-31"), false}};
  person.acting = {{3, "mina", {}, day("2026-12-31"), "mina", false}};
  return person;
}

std::vector<Taking> all_kinds() {
  return {{.kind = Kind::withdraw_form, .number = 12, .reason = "Moved \"on\"", .doer = esme},
          {.kind = Kind::revoke_delegation, .number = 7, .doer = esme},
          {.kind = Kind::end_acting, .number = 3, .doer = esme},
          {.kind = Kind::remove, .reason = "Urgent", .doer = esme},
          {.kind = Kind::block_card,
           .card = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01",
           .status = "lost",
           .reason = "Bag stolen",
           .card_until = day("2026-03-02"),
           .doer = esme},
          {.kind = Kind::change_staff,
           .team = "rota",
           .reason = "Leaves",
           .employed_until = day("2026-03-31"),
           .leave_from = day("2026-03-05"),
           .leave_until = day("2026-03-20"),
           .doer = esme},
          {.kind = Kind::end_loan,
           .number = 1'772'500'000,
           .card = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02",
           .doer = esme},
          {.kind = Kind::return_card,
           .number = 1'772'500'000,
           .card = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02",
           .doer = esme}};
}

TEST(Takings, EachTakesWhatItSaysAndComesBackFromItsText) {
  for (const auto& taking : all_kinds()) {
    const auto text = json::serialize(to_json(taking));
    const auto again = taking_of(parse_json(text).value().as_object());
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(*again, taking) << text;
    auto person = joe();
    const auto done = apply(person, *again);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_NE(person, joe()) << text;
  }
  auto person = joe();
  for (const auto& taking : all_kinds()) ASSERT_TRUE(apply(person, taking));
  EXPECT_TRUE(person.removed);
  EXPECT_EQ(person.forms[0].state, reg::Form::State::withdrawn);
  EXPECT_EQ(person.forms[0].closed_reason, "Moved \"on\"");
  EXPECT_TRUE(person.delegations[0].revoked);
  EXPECT_TRUE(person.acting[0].revoked);
  ASSERT_EQ(person.cards.size(), 1U) << "the other was lent, and is returned";
  EXPECT_EQ(person.cards[0].status, "lost");
  EXPECT_EQ(person.teams, std::vector<std::string>{"ward-4"});
  EXPECT_EQ(person.employed_until, day("2026-03-31"));
  EXPECT_EQ(person.leave_until, day("2026-03-20"));
}

TEST(Takings, WhatIsNoActIsRefused) {
  for (const char* text :
       {R"({})", R"({"kind":"give","number":1,"by":"x","on":"2026-01-01"})",
        R"({"kind":"remove","number":"1","by":"x","on":"2026-01-01"})",
        R"({"kind":"remove","number":1,"by":"x","on":"2026-13-01"})",
        R"({"kind":"change_staff","number":0,"by":"x","on":"2026-01-01","leave_from":"soon"})"}) {
    EXPECT_FALSE(taking_of(parse_json(text).value().as_object())) << text;
  }
}

TEST(Takings, OnlyLessIsTaking) {
  const auto changed = [](auto how) {
    auto person = joe();
    how(person);
    return takes_away_only(joe(), person);
  };
  EXPECT_TRUE(changed([](auto& p) { p.employed_until = day("2026-03-31"); }));
  EXPECT_TRUE(changed([](auto& p) { p.leave_from = day("2026-03-31"); }));
  EXPECT_TRUE(changed([](auto& p) { p.teams.pop_back(); }));
  EXPECT_FALSE(changed([](auto&) {})) << "nothing at all is nothing taken";
  EXPECT_FALSE(changed([](auto& p) { p.teams.emplace_back("esr-workforce-systems"); }));
  EXPECT_FALSE(changed([](auto& p) {
    p.teams = {"ward-4", "esr-workforce-systems"};
    p.employed_until = day("2026-03-31");
  })) << "one that gives as well waits for its record";
  EXPECT_FALSE(changed([](auto& p) { p.line_manager = "mina"; }));
  EXPECT_FALSE(changed([](auto& p) { p.name = "Jo"; }));
  auto leaver = joe();
  leaver.employed_until = day("2026-03-31");
  leaver.leave_from = day("2026-03-01");
  leaver.leave_until = day("2026-03-10");
  const auto later = [&](auto how) {
    auto person = leaver;
    how(person);
    return takes_away_only(leaver, person);
  };
  EXPECT_FALSE(later([](auto& p) { p.employed_until.reset(); }));
  EXPECT_FALSE(later([](auto& p) { p.employed_until = day("2027-03-31"); }));
  EXPECT_TRUE(later([](auto& p) { p.employed_until = day("2026-03-30"); }));
  EXPECT_FALSE(later([](auto& p) { p.leave_from.reset(), p.leave_until.reset(); }));
  EXPECT_FALSE(later([](auto& p) { p.leave_until = day("2026-03-09"); }));
  EXPECT_FALSE(later([](auto& p) { p.leave_from = day("2026-03-02"); }));
  EXPECT_TRUE(later([](auto& p) { p.leave_until.reset(); }));
}

}  // namespace
}  // namespace cardgate::daemon::work
