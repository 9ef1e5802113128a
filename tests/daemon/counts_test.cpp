// SPDX-License-Identifier: Apache-2.0
// What is recorded one by one and what is only counted; who may make a dear call, and how much of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "audit/record.hpp"
#include "daemon/access/rates.hpp"
#include "daemon/people/dear_calls.hpp"
#include "daemon/record/looks.hpp"
#include "daemon/record/refusals.hpp"

namespace cardgate::daemon {
namespace {

const BootTime start(seconds(100));
constexpr uid_t nurse = 1000, portal = 1001;
constexpr uid_t subordinate = 100'000;  // the first of many that one user has

TEST(Refusals, FoldRepeatsIntoOneCount) {
  Refusals refusals;
  EXPECT_TRUE(refusals.first(nurse, true, "token_refused", "no_session", start));
  for (int i = 0; i < 99; ++i)
    EXPECT_FALSE(refusals.first(nurse, true, "token_refused", "no_session", start));
  EXPECT_TRUE(refusals.first(portal, true, "token_refused", "no_session", start));
  EXPECT_TRUE(refusals.take(start + seconds(9)).empty());
  const auto counted = refusals.take(start + seconds(10));
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].uid, nurse);
  EXPECT_EQ(counted[0].count, 99U);
}

TEST(Refusals, AreWrittenWhenTheirTimeIsUpAndForgottenWhenTheyEnd) {
  Refusals refusals;
  EXPECT_FALSE(refusals.next());
  refusals.first(nurse, true, "token_refused", "no_session", start);
  EXPECT_EQ(refusals.next(), start + seconds(10)) << "nobody has to ask anything";
  refusals.first(nurse, true, "token_refused", "no_session", start + seconds(1));
  EXPECT_EQ(refusals.take(*refusals.next()).size(), 1U);
  EXPECT_EQ(refusals.next(), start + seconds(30)) << "what goes on is told less often";
  EXPECT_TRUE(refusals.take(*refusals.next()).empty());
  EXPECT_FALSE(refusals.next());
  EXPECT_TRUE(refusals.first(nurse, true, "token_refused", "no_session", start + seconds(31)));
}

TEST(Refusals, OneUidsManyKindsAreCountedAsOthersAndSilenceNobody) {
  Refusals refusals;
  std::size_t recorded = 0;
  for (int i = 0; i < 10'000; ++i)
    recorded += refusals.first(nurse, true, "token_refused", fmt::format("reason {}", i), start) ? 1U : 0U;
  EXPECT_EQ(recorded, Refusals::kinds_per_uid);
  EXPECT_TRUE(refusals.first(portal, true, "token_refused", "no_session", start));
  const auto counted = refusals.take(start + seconds(10));
  ASSERT_EQ(counted.size(), 1U) << "none is lost, and all that had no room are one record";
  EXPECT_EQ(counted[0].event, Refusals::others);
  EXPECT_EQ(counted[0].uid, nurse);
  EXPECT_EQ(counted[0].count, 10'000 - recorded);
}

TEST(Refusals, SubordinateUidsLeaveRoomForWhoeverWorksHere) {
  Refusals refusals;
  std::size_t recorded = 0;
  std::uint64_t made = 0;
  for (uid_t i = 0; i < 65'536; ++i, ++made)
    recorded +=
        refusals.first(subordinate + i, false, "token_refused", "audience_not_allowed", start) ? 1U : 0U;
  EXPECT_EQ(recorded, Refusals::max_strangers + 1) << "a share each for a few, and one for all the rest";
  EXPECT_TRUE(refusals.first(nurse, true, "token_refused", "audience_not_allowed", start));
  EXPECT_TRUE(refusals.first(subordinate, false, "client_refused", "introspect", start))
      << "their share stays theirs";
  std::uint64_t counted = 0;
  for (const auto& each : refusals.take(start + seconds(10))) {
    EXPECT_FALSE(each.uid) << "they are told together";
    counted += each.count;
  }
  EXPECT_EQ(recorded + counted, made);
}

/// The bytes that an hour of refusals puts into the log, in the worst case that one uid can make.
TEST(Refusals, AnHourOfFloodCostsAUidAFewKilobytesAMinute) {
  Refusals refusals;
  std::size_t bytes = 0;
  const auto add = [&](const std::string& event, const std::string& reason) {
    audit::Record record;
    record.event = event == Refusals::others ? "repeated" : event;
    record.reason = reason;
    record.role = std::string(128, 'r');
    record.details = {{"audience", std::string(128, 'a')}, {"peer", std::string(200, 'p')}};
    bytes += audit::encode(record).value().size() + 160;  // what the chain adds to a line
  };
  for (seconds passed(0); passed < std::chrono::hours(1); passed += seconds(1)) {
    for (int i = 0; i < 50; ++i) {
      const auto reason = fmt::format("reason {}", i);
      if (refusals.first(nurse, true, "token_refused", reason, start + passed)) add("token_refused", reason);
    }
    for (const auto& counted : refusals.take(start + passed)) add(counted.event, counted.reason);
  }
  EXPECT_LT(bytes, 600'000U) << "one record for each of them was 130 MB";
}

Looks::Look look_at(const std::string& person, uid_t uid = portal) {
  return {uid, "mina", "session", "manager-self-service", "record", person, {}};
}

TEST(Looks, EachPersonIsRecordedAndTheSamePersonAgainIsCounted) {
  Looks looks;
  for (int i = 0; i < 500; ++i) {
    const auto answer = looks.look(look_at(fmt::format("p{}", i)), 1, start);
    EXPECT_TRUE(answer.record);
    EXPECT_FALSE(answer.later);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(looks.look(look_at("p7"), 1, start).record);
  EXPECT_EQ(looks.next(), start + seconds(10));
  const auto counted = looks.take(start + seconds(10));
  ASSERT_EQ(counted.size(), 1U);
  EXPECT_EQ(counted[0].kind.person, "p7");
  EXPECT_EQ(counted[0].times, 1000U);
}

TEST(Looks, NobodyIsShownUnrecordedWhenAUidLooksAtTooMany) {
  Looks looks;
  std::size_t recorded = 0, put_off = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto answer = looks.look(look_at(fmt::format("p{}", i)), 1, start);
    EXPECT_NE(answer.record, answer.later.has_value()) << "recorded, or not shown";
    recorded += answer.record ? 1U : 0U;
    put_off += answer.later ? 1U : 0U;
  }
  EXPECT_EQ(recorded, 1200U);
  EXPECT_EQ(put_off, 8800U);
  EXPECT_TRUE(looks.look(look_at("p1", nurse), 1, start).record) << "another uid has a share of its own";
  const auto later = looks.look(look_at("x"), 1, start).later;
  ASSERT_TRUE(later);
  EXPECT_TRUE(looks.look(look_at("x"), 1, start + *later).record);
}

TEST(Looks, APageOfPeopleIsTheRecordsThatHoldThemAll) {
  std::vector<std::string> people;
  for (int i = 0; i < 2000; ++i) people.push_back(fmt::format("\"{:05}\\", i));
  std::vector<std::string> told;
  for (const auto& part : parts_for_records(people)) {
    audit::Record record;
    record.event = "looked_at";
    record.details = {{"by", std::string(64, 'b')},
                      {"name", std::string(128, 'n')},
                      {"list", list_mark(people)},
                      {"people", json::array(part.begin(), part.end())}};
    EXPECT_EQ(audit::encode(record)->find("\"cut\""), std::string::npos);
    told.insert(told.end(), part.begin(), part.end());
  }
  EXPECT_EQ(told, people);
  auto others = people;
  others.back() = "x";
  EXPECT_NE(list_mark(people), list_mark(others));
  EXPECT_TRUE(parts_for_records({}).empty());
}

TEST(DearCalls, AreOneAtATimeForAPerson) {
  DearCalls calls;
  auto first = calls.begin(nurse, "ann", start);
  ASSERT_TRUE(first.turn);
  const auto second = calls.begin(nurse, "ann", start);
  EXPECT_FALSE(second.turn);
  EXPECT_EQ(second.refusal.status, 429);
  EXPECT_NE(second.refusal.body.find("one_at_a_time"), std::string::npos);
  EXPECT_EQ(second.refusal.headers.back(), (std::pair<std::string, std::string>("Retry-After", "1")));
  EXPECT_TRUE(calls.begin(portal, "ann", start).turn) << "another uid's turn is its own";
  EXPECT_TRUE(calls.begin(nurse, "bo", start).turn)
      << "two people behind one portal do not wait for each other";
  first.turn.reset();
  EXPECT_TRUE(calls.begin(nurse, "ann", start).turn);
}

TEST(DearCalls, OfOneUidLeaveTheOthersTheirPlaces) {
  DearCalls calls;
  std::vector<DearCalls::Begun> running;
  for (std::size_t i = 0; i < DearCalls::max_of_one_uid; ++i)
    running.push_back(calls.begin(portal, std::to_string(i), start));
  EXPECT_TRUE(running.back().turn);
  EXPECT_EQ(calls.begin(portal, "one more", start).refusal.status, 429);
  EXPECT_TRUE(calls.begin(nurse, "ann", start).turn);
}

TEST(DearCalls, ArePaidForInPeopleThatWereRead) {
  DearCalls calls;
  for (int i = 0; i < 1000; ++i) {
    auto begun = calls.begin(nurse, "ann", start);
    ASSERT_TRUE(begun.turn) << "lists of few people may be asked for often";
    begun.turn->read(20, start);
  }
  calls.begin(nurse, "ann", start).turn->read(25'000, start);
  const auto refused = calls.begin(nurse, "ann", start);
  EXPECT_EQ(refused.refusal.status, 429);
  EXPECT_NE(refused.refusal.body.find("too_many_people"), std::string::npos);
  EXPECT_EQ(refused.refusal.headers.back().second, "5") << "25,000 at 5,000 a second";
  EXPECT_TRUE(calls.begin(nurse, "ann", start + seconds(5)).turn);
}

TEST(DearCalls, OfManyUidsTheRestIsToldToComeAgain) {
  DearCalls calls;
  std::vector<DearCalls::Begun> running;
  for (std::size_t i = 0; i < DearCalls::max_at_once; ++i)
    running.push_back(calls.begin(static_cast<uid_t>(subordinate + i), "ann", start));
  const auto refused = calls.begin(nurse, "ann", start);
  EXPECT_EQ(refused.refusal.status, 503);
  EXPECT_NE(refused.refusal.body.find("lists_busy"), std::string::npos);
}

TEST(Rate, TakesWhatACallCostsAndMayOweIt) {
  Rate rate(10, seconds(1));
  EXPECT_TRUE(rate.allow(nurse, start, 8));
  EXPECT_FALSE(rate.allow(nurse, start, 8));
  EXPECT_TRUE(rate.allow(nurse, start, 2));
  rate.charge(nurse, start, 20);
  EXPECT_EQ(rate.wait(nurse, start, 1), seconds(3));
  EXPECT_FALSE(rate.allow(nurse, start + seconds(2), 1));
  EXPECT_TRUE(rate.allow(nurse, start + seconds(3), 1));
}

}  // namespace
}  // namespace cardgate::daemon
