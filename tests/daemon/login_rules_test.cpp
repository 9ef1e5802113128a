// SPDX-License-Identifier: Apache-2.0
// What an account needs at a sign-in of the machine, by the pure rule.
#include <gmock/gmock.h>

#include "base/bytes.hpp"
#include "daemon/work/login.hpp"

namespace cardgate::daemon::work {
namespace {

using ::testing::HasSubstr;

class LoginRule : public ::testing::Test {
 protected:
  static LoginCard card(const char* id, bool of_account, int tries = 3) {
    return {
        .reader = std::string("reader of ") + id, .card = id, .of_account = of_account, .tries_left = tries};
  }
  LoginNeed need(std::vector<LoginCard> cards) {
    scene.cards = std::move(cards);
    scene.readers = 2;
    return what_login_needs(scene);
  }
  void expect(const LoginNeed& got, LoginUse use, const char* words) {
    EXPECT_EQ(name(got.use), name(use)) << got.text;
    EXPECT_THAT(got.text, HasSubstr(words));
    EXPECT_LE(got.text.size(), max_login_text);
  }
  LoginScene scene{.account = "ada", .people = 1, .has_card = true, .access_team = "access team"};
};

TEST_F(LoginRule, TheLockedScreenIsOpenedByTheCardThatLockedIt) {
  scene.own = true;
  scene.locked_by = "mine";
  auto mine = card("mine", true);
  mine.session = "s1";
  EXPECT_EQ(need({mine}).resume, "s1");
  expect(need({card("theirs", false)}), LoginUse::refused, "This is not the card that locked this screen.");
  expect(need({card("spare", true)}), LoginUse::refused, "choose Switch user");
  EXPECT_EQ(need({card("theirs", false), mine}).card, "mine");
  expect(need({}), LoginUse::insert, "Put your staff card");
  scene.own = false;  // the greeter, for whoever switches user
  EXPECT_EQ(need({card("spare", true)}).card, "spare");
  expect(need({card("theirs", false)}), LoginUse::refused, "This is not the card that locked this screen.");
}

TEST_F(LoginRule, TheCardThatOpensSomethingComesFirst) {
  auto late = card("late", true);
  late.problem = "Your card was valid until 1 May 2026.";
  auto open = card("open", true);
  open.session = "s1";
  EXPECT_EQ(need({late, card("plain", true), open}).card, "open");
  EXPECT_EQ(need({late, card("plain", true)}).card, "plain");
  expect(need({card("theirs", false), late}), LoginUse::refused, "valid until");
}

TEST_F(LoginRule, WhatIsKnownAgainstTheCardOfSomebodyElseIsNotTold) {
  auto unknown = card("unknown", false);
  unknown.problem = "This card is not registered.";
  expect(need({unknown}), LoginUse::refused, "not registered");
  expect(need({unknown, card("theirs", false)}), LoginUse::refused, "does not belong to the account 'ada'");
}

TEST_F(LoginRule, TriesAreSaid) {
  EXPECT_EQ(need({card("mine", true, -1)}).text, "Your staff card. It does not say how many tries are left.");
  EXPECT_FALSE(need({card("mine", true, -1)}).last_try);
  EXPECT_TRUE(need({card("mine", true, 1)}).last_try);
  expect(need({card("mine", true, 0)}), LoginUse::refused, "blocked");
}

TEST_F(LoginRule, ACardThatIsBeingReadIsWaitedFor) {
  expect(need({{.reader = "r", .reading = true}}), LoginUse::insert, "still being read");
}

TEST_F(LoginRule, RootRemoteAndStrangersAreLeftToThePassword) {
  const auto mine = card("mine", true);
  scene.root = true;
  expect(need({mine}), LoginUse::password, "");
  scene.allow_root = true;
  expect(need({mine}), LoginUse::passcode, "");
  scene.remote = true;
  expect(need({mine}), LoginUse::password, "");
  scene.allow_remote = true;
  expect(need({mine}), LoginUse::passcode, "");
  scene.people = 0;
  expect(need({mine}), LoginUse::password, "");
}

TEST_F(LoginRule, NoTextIsLongerThanPamTakes) {
  auto mine = card("mine", true);
  for (std::size_t length = 500; length < 530; ++length) {
    mine.problem = std::string(length, 'x') + "\xC3\xA9\xE2\x82\xAC" + std::string(100, 'y');
    const auto text = need({mine}).text;
    EXPECT_LE(text.size(), max_login_text);
    EXPECT_TRUE(is_plain_utf8(text)) << text;
    EXPECT_TRUE(text.ends_with("..."));
  }
  scene.account = std::string(256, '\x01');
  expect(need({card("theirs", false)}), LoginUse::refused, "The card in the reader");
}

TEST_F(LoginRule, WhoHasLeftOrWasRemovedMayNotUseTheAccount) {
  const Date today{std::chrono::year(2026), std::chrono::June, std::chrono::day(1)};
  const policy::Contacts contacts{"access team", "card desk", "HR team"};
  reg::Person stays, left, removed;
  stays.employed_until = today;
  left.employed_until = Date(std::chrono::sys_days(today) - std::chrono::days(1));
  removed.removed = true;
  EXPECT_FALSE(account_over({}, today, contacts));
  EXPECT_FALSE(account_over({stays}, today, contacts)) << "the last day counts whole";
  EXPECT_FALSE(account_over({stays, left}, today, contacts));
  EXPECT_THAT(account_over({left}, today, contacts).value_or(""), HasSubstr("ended on 31 May 2026"));
  EXPECT_THAT(account_over({stays, removed}, today, contacts).value_or(""), HasSubstr("has been paused"));
}

}  // namespace
}  // namespace cardgate::daemon::work
