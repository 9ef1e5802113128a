// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/sessions.hpp"

#include <gtest/gtest.h>

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
    s.last_used = at(seconds(0));
    return s;
  }
  Actions open(const Session& s) {
    auto opened = sessions.open(s);
    EXPECT_TRUE(opened);
    return opened ? *opened : Actions{};
  }
  bool issue(const std::string& session_id, const std::string& jti, seconds now = seconds(0),
             const std::string& role = "core", CardRemoval removal = {}) {
    return sessions
        .token_issued(jti, {session_id, role, "esr", "desktop", at(now + minutes(5))}, at(now), minutes(15),
                      removal)
        .has_value();
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
  EXPECT_TRUE(out.locked[0].card_out);
  EXPECT_FALSE(active("t", seconds(10)));
  EXPECT_TRUE(sessions.card_inserted("card-1", "R", 8, true, at(seconds(20))).back.empty());
  EXPECT_FALSE(active("t", seconds(20))) << "the card alone does not unlock";
  EXPECT_FALSE(issue("s", "t2", seconds(20)));
  ASSERT_TRUE(sessions.resume("s", "R2", 8, at(seconds(30))));
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
  EXPECT_TRUE(issue("s", "t2", seconds(60)));
  EXPECT_EQ(sessions.card_removed("R", 10, at(seconds(61))).ended.size(), 1U)
      << "core has been used with `end`";
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
  EXPECT_FALSE(idle.locked[0].card_out);
  EXPECT_FALSE(issue("s", "t2", minutes(19))) << "nothing is issued while locked";
  ASSERT_TRUE(sessions.resume("s", "R", 7, at(minutes(20))));
  EXPECT_TRUE(issue("s", "t3", minutes(20)));
  EXPECT_FALSE(sessions.resume("none", "R", 7, at(minutes(20))));
}

TEST_F(SessionStory, WhatAPersonDoesInARoleBeginsItsIdleTimeAndAnythingAfterThatIsUse) {
  open(session("s"));
  sessions.used("s", at(minutes(1)));
  EXPECT_TRUE(sessions.tick(at(hours(2))).locked.empty()) << "no role, no idle time";
  sessions.used("s", at(hours(2)), minutes(10));
  EXPECT_EQ(sessions.next_deadline(), at(hours(2) + minutes(10)));
  sessions.used("s", at(hours(2) + minutes(5)));
  EXPECT_TRUE(sessions.tick(at(hours(2) + minutes(14))).locked.empty());
  EXPECT_EQ(sessions.tick(at(hours(2) + minutes(15))).locked.size(), 1U);
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
  ASSERT_TRUE(sessions.resume("a2", "", 0, at(minutes(16))));
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
    ASSERT_TRUE(sessions.token_issued(jti, std::move(token), at(seconds(0)), hours(1)));
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

}  // namespace
}  // namespace cardgate::daemon
