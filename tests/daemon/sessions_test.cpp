// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/sessions.hpp"

#include <gtest/gtest.h>

#include "daemon/sessions/halt.hpp"

namespace cardgate::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

BootTime at(seconds since) {
  return BootTime(since);
}

/// A small language for stories about sessions.
class SessionStory : public ::testing::Test {
 protected:
  Sessions sessions{{.sessions = 3, .tokens_per_session = 2}};

  Session session(const std::string& id, const std::string& card = "card-1", uid_t uid = 1000) {
    Session s;
    s.id = id;
    s.person = "1000";
    s.uid = uid;
    s.reader = "R";
    s.card = card;
    s.insertion = 7;
    s.ends = at(hours(12));
    s.last_used = s.proved = at(seconds(0));
    return s;
  }
  Actions open(const Session& s) {
    auto opened = sessions.open(s);
    EXPECT_TRUE(opened);
    return opened ? *opened : Actions{};
  }
  bool issue(const std::string& session_id, const std::string& jti, seconds now = seconds(0),
             const std::string& role = "core", CardRemoval removal = {}) {
    return issue_on({minutes(15), removal}, session_id, jti, now, role);
  }
  bool issue_on(const Terms& terms, const std::string& session_id, const std::string& jti,
                seconds now = seconds(0), const std::string& role = "core") {
    return sessions
        .token_issued(jti, {session_id, role, "esr", "desktop", at(now + minutes(5))}, at(now), terms)
        .has_value();
  }
  /// Card and passcode were given again.
  bool resume(const std::string& id, const std::string& reader, std::uint64_t insertion, seconds now) {
    return sessions.resume(id, {reader, insertion, at(now), WallTime(now)}, at(now));
  }
  bool active(const std::string& jti, seconds now) { return sessions.active_token(jti, at(now)) != nullptr; }
};

TEST_F(SessionStory, CardOutEndsTheSessionAndItsTokensAtOnce) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t"));
  EXPECT_TRUE(active("t", seconds(1)));
  const auto actions = sessions.card_removed("R", 7, at(seconds(1)));
  ASSERT_EQ(actions.ended.size(), 1U);
  EXPECT_EQ(actions.ended[0].reason, EndReason::card_removed);
  EXPECT_EQ(actions.ended[0].tokens, 1U);
  EXPECT_FALSE(active("t", seconds(1)));
  EXPECT_EQ(sessions.token_count(), 0U);
}

CardRemoval grace_of(seconds time) {
  return {CardRemoval::Mode::grace, time};
}
constexpr CardRemoval lock{CardRemoval::Mode::lock, {}};

TEST_F(SessionStory, ALockingRoleSuspendsItsTokensUntilTheSameCardAndItsPasscode) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t", seconds(0), "core", lock));
  const auto out = sessions.card_removed("R", 7, at(seconds(10)));
  EXPECT_TRUE(out.ended.empty());
  ASSERT_EQ(out.locked.size(), 1U);
  EXPECT_EQ(out.locked[0].reason, LockReason::card_removed);
  EXPECT_FALSE(active("t", seconds(10)));
  EXPECT_TRUE(sessions.card_inserted("card-1", "R", 8, true, at(seconds(20))).back.empty());
  EXPECT_FALSE(active("t", seconds(20))) << "the card alone does not unlock";
  EXPECT_FALSE(issue("s", "t2", seconds(20)));
  ASSERT_TRUE(resume("s", "R2", 8, seconds(30)));
  EXPECT_TRUE(active("t", seconds(30)));
  EXPECT_TRUE(sessions.card_removed("R", 7, at(seconds(31))).locked.empty())
      << "it lives in another reader now";
  EXPECT_EQ(sessions.card_removed("R2", 8, at(seconds(32))).locked.size(), 1U);
}

TEST_F(SessionStory, InItsGraceASessionLivesOnAndEndsWithoutItsCard) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t", seconds(0), "core", grace_of(seconds(30))));
  const auto out = sessions.card_removed("R", 7, at(seconds(10)));
  EXPECT_EQ(out.grace, std::vector<std::string>{"s"});
  EXPECT_TRUE(active("t", seconds(39)));
  EXPECT_FALSE(issue("s", "t2", seconds(20))) << "nothing new without the card";
  EXPECT_FALSE(active("t", seconds(40))) << "even when the tick is late";
  EXPECT_EQ(sessions.next_deadline(), at(seconds(40)));
  const auto over = sessions.tick(at(seconds(40)));
  ASSERT_EQ(over.ended.size(), 1U);
  EXPECT_EQ(over.ended[0].reason, EndReason::card_removed);
}

TEST_F(SessionStory, TheSameGenuineCardComesBackInItsGrace) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t", seconds(0), "core", grace_of(seconds(30))));
  sessions.card_removed("R", 7, at(seconds(10)));
  EXPECT_TRUE(sessions.card_inserted("card-2", "R", 8, true, at(seconds(15))).back.empty());
  EXPECT_TRUE(sessions.card_inserted("card-1", "R", 9, false, at(seconds(15))).back.empty())
      << "perhaps a copy";
  EXPECT_EQ(sessions.card_inserted("card-1", "R", 10, true, at(seconds(20))).back,
            std::vector<std::string>{"s"});
  EXPECT_TRUE(sessions.tick(at(seconds(60))).ended.empty());
  EXPECT_TRUE(issue("s", "t2", seconds(60), "core", grace_of(seconds(30))));
  sessions.revoke("t");
  EXPECT_TRUE(issue("s", "t3", seconds(60), "core", grace_of(seconds(10)))) << "it was out for ten seconds";
}

TEST_F(SessionStory, BackInItsGraceRolesOfAStricterModeWantThePasscode) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t", seconds(0), "core", grace_of(seconds(30))));
  sessions.card_removed("R", 7, at(seconds(10)));
  ASSERT_EQ(sessions.card_inserted("card-1", "R", 8, true, at(seconds(30))).back.size(), 1U);
  EXPECT_FALSE(issue("s", "t2", seconds(31), "other"));
  EXPECT_FALSE(issue("s", "t2", seconds(31), "other", lock));
  EXPECT_FALSE(issue("s", "t2", seconds(31), "other", grace_of(seconds(19)))) << "it was out for longer";
  EXPECT_EQ(halt(*sessions.find("s"), {}, at(seconds(31))), Halt::card_was_out) << "nor what needs no role";
  EXPECT_TRUE(issue("s", "t2", seconds(31), "other", grace_of(seconds(20))));
  ASSERT_TRUE(resume("s", "R", 8, seconds(40)));
  EXPECT_EQ(halt(*sessions.find("s"), {}, at(seconds(40))), Halt::none);
  sessions.revoke("t");
  EXPECT_TRUE(issue("s", "t3", seconds(40), "third"));
}

TEST_F(SessionStory, BackInItsGraceAStricterPolicyActsAtOnce) {
  const auto back = [&] {
    sessions.end_all(EndReason::signed_out);
    open(session("s"));
    EXPECT_TRUE(issue("s", "t", seconds(0), "core", grace_of(seconds(30))));
    sessions.card_removed("R", 7, at(seconds(10)));
    EXPECT_EQ(sessions.card_inserted("card-1", "R", 8, true, at(seconds(30))).back.size(), 1U);
  };
  back();
  EXPECT_TRUE(sessions.tighten("s", {hours(1), grace_of(seconds(20))}, at(seconds(31))).locked.empty());
  EXPECT_TRUE(active("t", seconds(31)));
  EXPECT_EQ(sessions.tighten("s", {hours(1), grace_of(seconds(19))}, at(seconds(31))).locked.size(), 1U);
  back();
  EXPECT_EQ(sessions.tighten("s", {hours(1), lock}, at(seconds(31))).locked.size(), 1U);
  back();
  EXPECT_EQ(sessions.tighten("s", {hours(1)}, at(seconds(31))).ended.size(), 1U);
}

TEST_F(SessionStory, OfSeveralRolesTheStrictestSaysWhatTakingTheCardOutDoes) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t", seconds(0), "core", grace_of(seconds(30))));
  ASSERT_TRUE(issue("s", "t2", seconds(0), "other", lock));
  EXPECT_EQ(sessions.card_removed("R", 7, at(seconds(1))).locked.size(), 1U);
  open(session("s2", "card-2"));
  ASSERT_TRUE(issue("s2", "t3", seconds(0), "core", grace_of(seconds(30))));
  ASSERT_TRUE(issue("s2", "t4", seconds(0), "other", grace_of(seconds(10))));
  sessions.reader_gone("R", at(seconds(1)));
  EXPECT_EQ(sessions.next_deadline(), at(seconds(11)));
}

TEST_F(SessionStory, AnotherInsertionsRemovalIsNotOurs) {
  open(session("s"));
  EXPECT_TRUE(sessions.card_removed("R", 6, at(seconds(1))).ended.empty());
  EXPECT_TRUE(sessions.card_removed("Other", 7, at(seconds(1))).ended.empty());
  EXPECT_EQ(sessions.size(), 1U);
}

TEST_F(SessionStory, ATokenDiesWithItsTime) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t"));
  EXPECT_TRUE(active("t", minutes(5) - seconds(1)));
  EXPECT_FALSE(active("t", minutes(5))) << "even when the tick is late";
  sessions.tick(at(minutes(5)));
  EXPECT_EQ(sessions.token_count(), 0U);
}

TEST_F(SessionStory, AnIdleSessionLocksAndResumesWithThePasscode) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t"));
  sessions.used("s", at(minutes(4)));
  EXPECT_TRUE(sessions.tick(at(minutes(18))).locked.empty());
  const auto idle = sessions.tick(at(minutes(19)));
  ASSERT_EQ(idle.locked.size(), 1U);
  EXPECT_EQ(idle.locked[0].reason, LockReason::idle);
  EXPECT_FALSE(issue("s", "t2", minutes(19))) << "nothing is issued while locked";
  ASSERT_TRUE(resume("s", "R", 7, minutes(20)));
  EXPECT_TRUE(issue("s", "t3", minutes(20)));
  EXPECT_FALSE(resume("none", "R", 7, minutes(20)));
}

TEST_F(SessionStory, WhatAPersonDoesInARoleBeginsItsIdleTimeAndAnythingAfterThatIsUse) {
  open(session("s"));
  sessions.used("s", at(minutes(1)));
  EXPECT_TRUE(sessions.tick(at(hours(2))).locked.empty()) << "no role, no idle time";
  sessions.used_in("s", "core", {minutes(10)}, at(hours(2)));
  EXPECT_EQ(sessions.next_deadline(), at(hours(2) + minutes(10)));
  sessions.used("s", at(hours(2) + minutes(5)));
  EXPECT_TRUE(sessions.tick(at(hours(2) + minutes(14))).locked.empty());
  EXPECT_EQ(sessions.tick(at(hours(2) + minutes(15))).locked.size(), 1U);
}

TEST_F(SessionStory, AProgramThatRenewsItsTokenKeepsNoSessionFromLocking) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t1"));
  ASSERT_TRUE(issue("s", "t2", minutes(6)));
  sessions.tick(at(minutes(11)));
  ASSERT_TRUE(issue("s", "t3", minutes(12)));
  EXPECT_EQ(sessions.next_deadline(), at(minutes(15))) << "the first one counts";
  ASSERT_TRUE(issue("s", "t4", minutes(13), "other")) << "another one is news";
  EXPECT_TRUE(sessions.tick(at(minutes(15))).locked.empty());
  EXPECT_EQ(sessions.tick(at(minutes(28))).locked.size(), 1U);
}

TEST_F(SessionStory, AnUnlockedScreenIsUse) {
  open(session("s"));
  Terms terms = {minutes(15), {}, {ScreenLock::Mode::keep, minutes(30)}};
  ASSERT_TRUE(issue_on(terms, "s", "t"));
  sessions.screen("s", false, at(minutes(5)));
  EXPECT_EQ(sessions.find("s")->last_used, at(seconds(0))) << "it was not locked";
  sessions.screen("s", true, at(minutes(6)));
  sessions.screen("s", false, at(minutes(10)));
  EXPECT_TRUE(sessions.tick(at(minutes(24))).locked.empty());
  EXPECT_EQ(sessions.tick(at(minutes(25))).locked.size(), 1U);
}

TEST_F(SessionStory, TwelveHoursAreTheEndWhateverHappens) {
  open(session("s"));
  EXPECT_EQ(sessions.next_deadline(), at(hours(12)));
  EXPECT_TRUE(sessions.tick(at(hours(12) - seconds(1))).ended.empty());
  const auto actions = sessions.tick(at(hours(12)));
  ASSERT_EQ(actions.ended.size(), 1U);
  EXPECT_EQ(actions.ended[0].reason, EndReason::time_up);
  EXPECT_EQ(sessions.next_deadline(), std::nullopt);
}

TEST_F(SessionStory, OneCardIsOneSession) {
  open(session("first"));
  const auto again = open(session("second"));
  ASSERT_EQ(again.ended.size(), 1U);
  EXPECT_EQ(again.ended[0].session.id, "first");
  const auto other_user = sessions.open(session("third", "card-1", 1001));
  EXPECT_EQ(other_user.error().code, Errc::permission_denied);
  EXPECT_NE(sessions.find("second"), nullptr) << "a refused opening must not end what is there";
}

TEST_F(SessionStory, CardsAndReadersNeverTouchASessionByPassword) {
  const auto by_password = [&](const std::string& id, const std::string& person, uid_t uid = 1000) {
    Session s = session(id, "", uid);
    s.person = person;
    s.sign_in = policy::SignIn::password;
    s.reader.clear();
    s.insertion = 0;
    return s;
  };
  open(by_password("a", "1"));
  EXPECT_TRUE(open(by_password("b", "2")).ended.empty()) << "another person";
  EXPECT_TRUE(open(by_password("c", "1", 1001)).ended.empty()) << "another uid";
  EXPECT_EQ(sessions.open(by_password("d", "3")).error().code, Errc::too_large);
  const auto again = open(by_password("a2", "1"));
  ASSERT_EQ(again.ended.size(), 1U);
  EXPECT_EQ(again.ended[0].session.id, "a");
  EXPECT_EQ(again.ended[0].reason, EndReason::signed_in_again);
  ASSERT_TRUE(issue("a2", "t", seconds(0), "employee-self-service", lock));
  for (const std::string reader : {"", "R"}) {
    EXPECT_TRUE(sessions.reader_gone(reader, at(seconds(1))).ended.empty());
    EXPECT_TRUE(sessions.card_removed(reader, 0, at(seconds(1))).locked.empty());
  }
  EXPECT_TRUE(sessions.card_inserted("", "R", 1, true, at(seconds(1))).back.empty());
  EXPECT_TRUE(active("t", seconds(1)));
  EXPECT_EQ(sessions.by_card(""), nullptr);
  ASSERT_EQ(sessions.tick(at(minutes(15))).locked.size(), 1U) << "idle";
  ASSERT_TRUE(resume("a2", "", 0, minutes(16)));
  EXPECT_TRUE(issue("a2", "t2", minutes(16)));
  const auto changed = sessions.end_by_password("1", EndReason::password_changed);
  EXPECT_EQ(changed.ended.size(), 2U) << "for every uid";
  EXPECT_NE(sessions.find("b"), nullptr);
}

TEST_F(SessionStory, LimitsRefuseAndLoseNothing) {
  open(session("a", "card-a"));
  open(session("b", "card-b"));
  EXPECT_TRUE(sessions.may_open(session("c", "card-c"), 0));
  EXPECT_EQ(sessions.may_open(session("c", "card-c"), 1).error().code, Errc::too_large)
      << "one is on its way";
  EXPECT_TRUE(sessions.may_open(session("b2", "card-b"), 1)) << "in the place of the older";
  open(session("c", "card-c"));
  EXPECT_EQ(sessions.open(session("d", "card-d")).error().code, Errc::too_large);
  EXPECT_EQ(sessions.may_open(session("d", "card-d"), 0).error().code, Errc::too_large);
  EXPECT_TRUE(sessions.open(session("c2", "card-c"))) << "the same card takes its own place";
  ASSERT_TRUE(issue("a", "t1"));
  ASSERT_TRUE(issue("a", "t2"));
  EXPECT_FALSE(issue("a", "t3"));
  sessions.revoke("t1");
  EXPECT_TRUE(issue("a", "t4"));
  EXPECT_TRUE(active("t2", seconds(1)));
}

TEST_F(SessionStory, RevokingOneTokenLeavesTheOthers) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t1"));
  ASSERT_TRUE(issue("s", "t2"));
  ASSERT_EQ(sessions.revoke("t1").revoked.size(), 1U);
  EXPECT_TRUE(sessions.revoke("t1").revoked.empty());
  EXPECT_FALSE(active("t1", seconds(1)));
  EXPECT_TRUE(active("t2", seconds(1)));
}

TEST_F(SessionStory, ARoleLostTakesItsTokensAlone) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "core"));
  ASSERT_TRUE(issue("s", "own", seconds(0), "employee-self-service"));
  const auto actions = sessions.revoke_role("s", "core");
  ASSERT_EQ(actions.revoked.size(), 1U);
  EXPECT_EQ(actions.revoked[0].reason, EndReason::access_lost);
  EXPECT_TRUE(active("own", seconds(1)));
}

TEST_F(SessionStory, ATokenThatNamesALineManagerDiesWhenTheirStaffIsNotOpenAnyMore) {
  open(session("s"));
  const auto with = [&](const std::string& jti, std::vector<std::string> records_of) {
    Token token{"s", "core", "esr", "app", at(hours(1)), std::move(records_of)};
    ASSERT_TRUE(sessions.token_issued(jti, std::move(token), at(seconds(0)), {hours(1)}));
  };
  with("both", {"m1", "m2@2026-12-31"});
  with("one", {"m1"});
  const auto actions = sessions.revoke_outside("s", "core", {"m1"});
  ASSERT_EQ(actions.revoked.size(), 1U);
  EXPECT_EQ(actions.revoked[0].jti, "both");
  EXPECT_EQ(actions.revoked[0].reason, EndReason::access_lost);
  EXPECT_TRUE(active("one", seconds(1)));
}

TEST_F(SessionStory, AReviewIsAskedForOnceWhenItsTimeComes) {
  open(session("s"));
  sessions.review_by("s", at(hours(2)));
  sessions.review_by("s", at(hours(3)));
  EXPECT_EQ(sessions.next_deadline(), at(hours(2)));
  EXPECT_TRUE(sessions.tick(at(hours(1))).review.empty());
  EXPECT_EQ(sessions.tick(at(hours(2))).review, std::vector<std::string>{"s"});
  EXPECT_TRUE(sessions.tick(at(hours(2))).review.empty());
}

// --- the card may be out ---

CardRemoval keep_for(milliseconds time) {
  return {CardRemoval::Mode::keep, time};
}
Terms kept(milliseconds time, std::optional<milliseconds> step_up = std::nullopt) {
  return {hours(24), keep_for(time), {}, step_up};
}
Terms behind_screen(milliseconds time) {
  return {hours(24), {}, {ScreenLock::Mode::keep, time}};
}
using Ids = std::vector<std::string>;

TEST_F(SessionStory, AKeptSessionLivesOnWithoutItsCardAndIssuesTokens) {
  open(session("s"));
  ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t"));
  const auto out = sessions.card_removed("R", 7, at(seconds(10)));
  EXPECT_TRUE(out.ended.empty());
  EXPECT_TRUE(out.locked.empty());
  EXPECT_EQ(out.kept, Ids{"s"});
  EXPECT_TRUE(sessions.find("s")->card_out);
  EXPECT_TRUE(active("t", seconds(20)));
  EXPECT_TRUE(issue_on(kept(hours(8)), "s", "t2", hours(7)));
}

TEST_F(SessionStory, AKeptSessionEndsItsTimeAfterTheLastProofAndNotAfterTheCardCameOut) {
  open(session("s"));
  ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t"));
  EXPECT_EQ(sessions.next_deadline(), at(minutes(5))) << "with its card in, that time does not count";
  sessions.card_removed("R", 7, at(hours(5)));
  ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t2", hours(8) - seconds(1)));
  EXPECT_FALSE(active("t2", hours(8))) << "even when the tick is late";
  EXPECT_FALSE(resume("s", "R", 8, hours(8))) << "what is over is not taken up again, however late the tick";
  EXPECT_FALSE(issue_on(kept(hours(8)), "s", "t3", hours(8)));
  const auto over = sessions.tick(at(hours(8)));
  ASSERT_EQ(over.ended.size(), 1U);
  EXPECT_EQ(over.ended[0].reason, EndReason::card_out_too_long);
}

TEST_F(SessionStory, WhenItsTimeIsOverAlreadyAKeptSessionEndsAsTheCardComesOut) {
  open(session("s"));
  ASSERT_TRUE(issue_on(kept(hours(1)), "s", "t"));
  EXPECT_TRUE(sessions.tick(at(hours(2))).ended.empty()) << "its card is in";
  const auto out = sessions.card_removed("R", 7, at(hours(2)));
  ASSERT_EQ(out.ended.size(), 1U);
  EXPECT_EQ(out.ended[0].reason, EndReason::card_out_too_long);
  EXPECT_TRUE(out.kept.empty());
}

TEST_F(SessionStory, TheCardPutBackProvesNothingAndThePasscodeDoes) {
  open(session("s"));
  ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t"));
  sessions.card_removed("R", 7, at(hours(1)));
  EXPECT_TRUE(sessions.card_inserted("card-2", "R", 8, true, at(hours(2))).card_back.empty())
      << "another card";
  EXPECT_TRUE(sessions.card_removed("R", 8, at(hours(2))).kept.empty()) << "nor is its removal ours";
  EXPECT_TRUE(sessions.card_inserted("card-1", "R", 9, false, at(hours(2))).card_back.empty())
      << "perhaps a copy";
  EXPECT_TRUE(sessions.find("s")->card_out);
  EXPECT_EQ(sessions.card_inserted("card-1", "R2", 10, true, at(hours(2))).card_back, Ids{"s"});
  EXPECT_FALSE(sessions.find("s")->card_out);
  EXPECT_FALSE(issue("s", "t2", hours(2), "other")) << "a role that needs the card in since the passcode";
  EXPECT_FALSE(issue("s", "t2", hours(2), "other", lock));
  EXPECT_EQ(sessions.tick(at(hours(7))).ended.size(), 0U);
  EXPECT_EQ(sessions.next_deadline(), at(hours(8))) << "the card alone lengthens nothing";
  ASSERT_TRUE(resume("s", "R2", 10, hours(7)));
  EXPECT_EQ(sessions.find("s")->auth_time, WallTime(hours(7)));
  EXPECT_EQ(sessions.next_deadline(), at(hours(12))) << "it is in, and proved";
  EXPECT_TRUE(issue("s", "t3", hours(7), "other")) << "now the stricter role may";
  EXPECT_EQ(sessions.card_removed("R2", 10, at(hours(7))).ended.size(), 1U)
      << "and its rule holds from now on";
}

TEST_F(SessionStory, AReaderThatIsGoneIsACardThatIsOut) {
  open(session("s"));
  ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t"));
  EXPECT_EQ(sessions.reader_gone("R", at(seconds(1))).kept, Ids{"s"});
  EXPECT_TRUE(sessions.reader_gone("R", at(seconds(2))).kept.empty()) << "once";
  EXPECT_TRUE(active("t", seconds(2)));
}

TEST_F(SessionStory, KeepIsTheLeastStrictOfAllAndTheShortestOfSeveralCounts) {
  for (const auto& [other, kind] : std::vector<std::pair<CardRemoval, const char*>>{
           {{}, "end"}, {lock, "lock"}, {grace_of(seconds(30)), "grace"}}) {
    open(session("s"));
    ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t"));
    ASSERT_TRUE(issue("s", "t2", seconds(0), "other", other));
    const auto out = sessions.card_removed("R", 7, at(seconds(1)));
    EXPECT_EQ(out.ended.size(), std::string(kind) == "end" ? 1U : 0U) << kind;
    EXPECT_EQ(out.locked.size(), std::string(kind) == "lock" ? 1U : 0U) << kind;
    EXPECT_EQ(out.grace.size(), std::string(kind) == "grace" ? 1U : 0U) << kind;
    EXPECT_TRUE(out.kept.empty()) << kind;
    sessions.end_all(EndReason::signed_out);
  }
  open(session("s"));
  ASSERT_TRUE(issue_on(kept(hours(8)), "s", "t"));
  sessions.card_removed("R", 7, at(seconds(1)));
  ASSERT_TRUE(issue_on(kept(hours(2)), "s", "t2", hours(1), "other"));
  EXPECT_FALSE(issue_on(kept(minutes(30)), "s", "t3", hours(1), "third")) << "its time is over already";
  EXPECT_TRUE(sessions.tick(at(hours(2) - seconds(1))).ended.empty());
  EXPECT_EQ(sessions.tick(at(hours(2))).ended.size(), 1U)
      << "the shorter time counts, also when it comes later";
}

TEST_F(SessionStory, WithoutARoleTakingTheCardOutEndsTheSession) {
  open(session("s"));
  EXPECT_EQ(sessions.card_removed("R", 7, at(seconds(1))).ended.size(), 1U);
}

TEST_F(SessionStory, AKeptSessionStillLocksWhenItIsNotUsed) {
  open(session("s"));
  Terms terms = kept(hours(8));
  terms.idle = minutes(15);
  ASSERT_TRUE(issue_on(terms, "s", "t"));
  sessions.card_removed("R", 7, at(seconds(1)));
  EXPECT_EQ(sessions.tick(at(minutes(15))).locked.size(), 1U);
  EXPECT_FALSE(issue_on(terms, "s", "t2", minutes(15)));
  EXPECT_EQ(sessions.card_inserted("card-1", "R", 8, true, at(minutes(16))).card_back, Ids{"s"});
  EXPECT_FALSE(issue_on(terms, "s", "t2", minutes(16))) << "the card alone does not unlock";
  ASSERT_TRUE(resume("s", "R", 8, minutes(17)));
  EXPECT_TRUE(issue_on(terms, "s", "t2", minutes(17)));
}

TEST_F(SessionStory, AStricterPolicyActsAtOnceOnACardThatIsOut) {
  const auto kept_out = [&] {
    sessions.end_all(EndReason::signed_out);
    open(session("s"));
    EXPECT_TRUE(issue_on(kept(hours(8)), "s", "t"));
    EXPECT_EQ(sessions.card_removed("R", 7, at(seconds(1))).kept.size(), 1U);
  };
  kept_out();
  const auto ended = sessions.tighten("s", {hours(24)}, at(seconds(2)));
  ASSERT_EQ(ended.ended.size(), 1U);
  EXPECT_EQ(ended.ended[0].reason, EndReason::card_removed);
  EXPECT_FALSE(active("t", seconds(2)));
  kept_out();
  EXPECT_EQ(sessions.tighten("s", {hours(24), lock}, at(seconds(2))).locked.size(), 1U);
  EXPECT_FALSE(active("t", seconds(2)));
  EXPECT_TRUE(sessions.tighten("s", {hours(24), lock}, at(seconds(2))).locked.empty()) << "once";
  kept_out();
  EXPECT_EQ(sessions.tighten("s", {hours(24), grace_of(seconds(30))}, at(seconds(2))).grace, Ids{"s"});
  EXPECT_TRUE(active("t", seconds(31)));
  EXPECT_FALSE(active("t", seconds(32)));
  kept_out();
  EXPECT_TRUE(sessions.tighten("s", kept(minutes(1)), at(seconds(2))).ended.empty());
  EXPECT_EQ(sessions.tick(at(minutes(1))).ended.size(), 1U);
  kept_out();
  sessions.tighten("s", kept(hours(20)), at(seconds(2)));
  EXPECT_EQ(sessions.tick(at(hours(8))).ended.size(), 1U) << "a looser policy loosens no open session";
  kept_out();
  sessions.card_inserted("card-1", "R", 8, true, at(seconds(2)));
  EXPECT_EQ(sessions.tighten("s", {hours(24)}, at(seconds(3))).ended.size(), 1U)
      << "the card is in again, but nobody has given the passcode since";
  kept_out();
  sessions.card_inserted("card-1", "R", 8, true, at(seconds(40)));
  EXPECT_EQ(sessions.tighten("s", {hours(24), grace_of(seconds(30))}, at(seconds(41))).locked.size(), 1U)
      << "it was not back in that time";
  EXPECT_FALSE(active("t", seconds(41)));
}

TEST_F(SessionStory, AStricterPolicyEndsASessionSooner) {
  open(session("s"));
  EXPECT_FALSE(sessions.shorten_session("s", hours(20), at(hours(1)))) << "longer changes nothing";
  EXPECT_EQ(sessions.next_deadline(), at(hours(12)));
  EXPECT_FALSE(sessions.shorten_session("s", hours(2), at(hours(1))));
  EXPECT_EQ(sessions.next_deadline(), at(hours(2)));
  EXPECT_TRUE(sessions.shorten_session("s", hours(1), at(hours(1))));
  EXPECT_FALSE(sessions.shorten_session("none", hours(1), at(hours(1))));
}

policy::Policy policy_of(const Terms& core) {
  policy::Role role;
  role.name = "core";
  role.idle = core.idle;
  role.card_removal = core.removal;
  role.step_up_age = core.step_up_age;
  role.max_session = core.max_session.value_or(hours(12));
  policy::Policy::Parts parts;
  parts.roles.push_back(std::move(role));
  parts.step_up[policy::Act::see_people] = core.step_up_age.value_or(hours(1));
  parts.step_up_lines[policy::Act::see_people] = 1;
  return policy::Policy(std::move(parts));
}

TEST_F(SessionStory, WhatAnEarlierPolicyAskedHoldsForWhatIsOpen) {
  const auto strict = policy_of({minutes(5), lock, {}, minutes(10), hours(2)});
  const auto loose = policy_of({minutes(15), keep_for(hours(8)), {}, minutes(30), hours(12)});
  open(session("s"));
  const auto asked = [&] { return sessions.find("s")->asked_by(*loose.role("core")); };
  EXPECT_EQ(asked().step_up_age, minutes(30));
  sessions.rules_changed(strict);
  EXPECT_EQ(asked().step_up_age, minutes(10));
  EXPECT_EQ(asked().idle, minutes(5));
  EXPECT_EQ(asked().removal, lock);
  EXPECT_EQ(asked().max_session, hours(2));
  const auto see = policy::Act::see_people;
  EXPECT_EQ(sessions.find("s")->asked_by(*loose.role("core"), loose, see).step_up_age, minutes(10));
  ASSERT_TRUE(resume("s", "R", 7, seconds(1)));
  EXPECT_EQ(asked().step_up_age, minutes(30)) << "by a new proof";
  EXPECT_EQ(sessions.find("s")->asked_by(*loose.role("core"), loose, see).step_up_age, minutes(30));
  EXPECT_EQ(asked().removal, lock) << "the rest by a new sign-in";
  open(session("s2"));
  EXPECT_EQ(sessions.find("s2")->asked_by(*loose.role("core")).removal, keep_for(hours(8)));
}

// --- card and passcode again ---

TEST_F(SessionStory, ARoleThatAsksForAFreshProofGetsNoTokenWithoutOne) {
  open(session("s"));
  const Terms fresh = kept(hours(8), minutes(10));
  ASSERT_TRUE(issue_on(fresh, "s", "t", minutes(10) - seconds(1)));
  EXPECT_FALSE(issue_on(fresh, "s", "t2", minutes(10)));
  EXPECT_TRUE(issue_on(kept(hours(8)), "s", "other", minutes(10), "other")) << "other roles go on";
  ASSERT_TRUE(resume("s", "R", 7, minutes(11)));
  sessions.tick(at(minutes(20)));  // room for another token
  EXPECT_TRUE(issue_on(fresh, "s", "t2", minutes(20)));
}

TEST_F(SessionStory, TheOwnerIsToldThatAProofIsNeededButNotAgainAndAgain) {
  open(session("s"));
  EXPECT_TRUE(sessions.tell_step_up("s", at(seconds(1))));
  EXPECT_FALSE(sessions.tell_step_up("s", at(seconds(2))));
  EXPECT_TRUE(sessions.tell_step_up("s", at(seconds(3))));
  ASSERT_TRUE(resume("s", "R", 7, seconds(3)));
  EXPECT_TRUE(sessions.tell_step_up("s", at(seconds(4)))) << "after a proof it is news again";
  EXPECT_FALSE(sessions.tell_step_up("none", at(seconds(9))));
}

TEST_F(SessionStory, TokensOfARoleCanBeMadeToEndSooner) {
  open(session("s"));
  ASSERT_TRUE(issue("s", "t"));
  ASSERT_TRUE(issue("s", "other", seconds(0), "other"));
  sessions.shorten("s", "core", at(minutes(6)));
  EXPECT_TRUE(active("t", minutes(5) - seconds(1))) << "later than its end changes nothing";
  sessions.shorten("s", "core", at(minutes(1)));
  EXPECT_EQ(sessions.next_deadline(), at(minutes(1)));
  EXPECT_FALSE(active("t", minutes(1)));
  EXPECT_TRUE(active("other", minutes(1)));
  sessions.tick(at(minutes(1)));
  EXPECT_EQ(sessions.token_count(), 1U);
  sessions.tick(at(minutes(5)));
  EXPECT_EQ(sessions.token_count(), 0U) << "each is forgotten once";
}

// --- the screen ---

TEST_F(SessionStory, LockingTheScreenLocksTheSessionAndUnlockingItDoesNotUnlockIt) {
  open(session("none"));
  EXPECT_EQ(sessions.screen("none", true, at(seconds(1))).locked.size(), 1U) << "it has used no role";
  open(session("s"));
  ASSERT_TRUE(issue("s", "t"));
  const auto locked = sessions.screen("s", true, at(seconds(1)));
  ASSERT_EQ(locked.locked.size(), 1U);
  EXPECT_EQ(locked.locked[0].reason, LockReason::screen);
  EXPECT_TRUE(sessions.screen("s", true, at(seconds(2))).locked.empty()) << "once";
  EXPECT_FALSE(active("t", seconds(2)));
  sessions.screen("s", false, at(seconds(3)));
  EXPECT_FALSE(sessions.find("s")->screen_locked);
  EXPECT_FALSE(active("t", seconds(3))) << "that takes the passcode";
  ASSERT_TRUE(resume("s", "R", 7, seconds(4)));
  EXPECT_TRUE(active("t", seconds(4)));
  EXPECT_TRUE(sessions.screen("nobody", true, at(seconds(1))).locked.empty());
}

TEST_F(SessionStory, APersistentSessionSurvivesALockedScreenForItsTime) {
  open(session("s"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(30)), "s", "t"));
  EXPECT_TRUE(sessions.screen("s", true, at(minutes(1))).locked.empty());
  sessions.screen("s", true, at(minutes(20)));
  EXPECT_TRUE(active("t", minutes(4)));
  EXPECT_TRUE(issue_on(behind_screen(minutes(30)), "s", "t2", minutes(30)));
  EXPECT_FALSE(issue("s", "t3", minutes(30), "other")) << "a role that does not go on behind a locked screen";
  EXPECT_FALSE(active("t2", minutes(31))) << "even when the tick is late";
  sessions.screen("s", false, at(minutes(31)));
  EXPECT_FALSE(active("t2", minutes(31))) << "and unlocking the screen comes too late";
  const auto over = sessions.tick(at(minutes(31)));
  ASSERT_EQ(over.ended.size(), 1U);
  EXPECT_EQ(over.ended[0].reason, EndReason::screen_locked_too_long);
}

TEST_F(SessionStory, UnlockedInTimeAPersistentSessionGoesOn) {
  open(session("s"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(30)), "s", "t"));
  sessions.screen("s", true, at(minutes(1)));
  sessions.screen("s", false, at(minutes(30)));
  EXPECT_TRUE(sessions.tick(at(minutes(40))).ended.empty());
  sessions.screen("s", true, at(minutes(50)));
  ASSERT_TRUE(resume("s", "R", 7, minutes(60)));  // the screen lock's card and passcode ...
  sessions.screen("s", false, at(minutes(61)));   // ... which open the screen
  EXPECT_TRUE(sessions.tick(at(minutes(90))).ended.empty());
}

TEST_F(SessionStory, OfSeveralRolesTheStrictestSaysWhatALockedScreenDoes) {
  open(session("s"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(30)), "s", "t"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(10)), "s", "t2", seconds(0), "other"));
  sessions.screen("s", true, at(seconds(0)));
  EXPECT_EQ(sessions.tick(at(minutes(10))).ended.size(), 1U);
  open(session("s"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(30)), "s", "t"));
  ASSERT_TRUE(issue("s", "t2", seconds(0), "other"));
  EXPECT_EQ(sessions.screen("s", true, at(seconds(0))).locked.size(), 1U);
  open(session("s2", "card-2"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(30)), "s2", "t3"));
  sessions.screen("s2", true, at(seconds(0)));
  EXPECT_EQ(sessions.tighten("s2", {hours(24)}, at(seconds(1))).locked.size(), 1U)
      << "a stricter policy acts at once on a screen that is locked";
}

TEST_F(SessionStory, AProofAtAnotherPlaceUnlocksNoScreen) {
  open(session("s"));
  ASSERT_TRUE(issue_on(behind_screen(minutes(30)), "s", "t"));
  sessions.screen("s", true, at(seconds(0)));
  ASSERT_TRUE(resume("s", "R", 7, minutes(1)));  // as for sudo at a terminal
  EXPECT_TRUE(sessions.find("s")->screen_locked);
  EXPECT_EQ(sessions.tick(at(minutes(30))).ended.size(), 1U);
}

}  // namespace
}  // namespace cardgate::daemon
