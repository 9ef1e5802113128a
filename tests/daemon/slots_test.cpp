// SPDX-License-Identifier: Apache-2.0
// Who gets a connection when there are not enough of them.
#include "daemon/http/slots.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "daemon/access/subordinate_uids.hpp"
#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

using State = Slots::State;

class SlotsOfTheHouse : public ::testing::Test {
 protected:
  static constexpr bool known = true, stranger = false;

  std::optional<Slots::Id> come(uid_t account, bool is_known) {
    now += seconds(1);
    const auto admission =
        slots.admit(account, is_known, bounds, now, [this](Slots::Id id) { return !busy.contains(id); });
    gone = admission.in_the_way;
    return admission.id;
  }
  /// Each of `accounts` comes `times`, and holds what it gets.
  void fill(std::initializer_list<uid_t> accounts, int times, bool is_known, State state = State::idle) {
    for (const auto account : accounts) {
      for (int i = 0; i < times; ++i) {
        if (const auto id = come(account, is_known)) slots.enter(*id, state, now);
      }
    }
  }

  Slots slots;
  Slots::Bounds bounds{.all = 16, .per_account = 4};
  BootTime now{seconds(1000)};
  std::set<Slots::Id> busy;       // whose request has just arrived
  std::optional<Slots::Id> gone;  // who made room for the last one
};

TEST_F(SlotsOfTheHouse, StrangersNeverGetTheShareOfThoseWhoAreKnown) {
  fill({1, 2, 3, 4, 5, 6, 7, 8}, 4, stranger, State::answering);
  EXPECT_EQ(slots.size(), 12U);
  EXPECT_FALSE(come(9, stranger));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(come(10, known)) << i;
  EXPECT_EQ(slots.size(), 16U);
}

TEST_F(SlotsOfTheHouse, IdleOnesMakeRoomTheLongestOfWhoeverHasMostFirst) {
  const auto lonely = come(1, stranger);
  const auto oldest = come(2, stranger);
  fill({2}, 3, stranger);
  fill({3, 4}, 3, stranger);
  fill({5}, 1, stranger);
  ASSERT_EQ(slots.size(), 12U);
  EXPECT_TRUE(come(6, stranger));
  EXPECT_EQ(gone, oldest);
  EXPECT_EQ(slots.size(), 12U);
  slots.leave(*gone);  // its connection ends, and takes nothing with it
  EXPECT_EQ(slots.size(), 12U);
  for (int i = 0; i < 30; ++i) {
    come(static_cast<uid_t>(100 + i), stranger);
    EXPECT_EQ(slots.size(), 12U);
    EXPECT_TRUE(i >= 6 || gone != lonely) << "whoever has one keeps it while others have more";
  }
}

TEST_F(SlotsOfTheHouse, ManySubordinateUidsWithOneEachCannotKeepTheNextOneOut) {
  for (uid_t uid = 100'000; uid < 100'100; ++uid) come(uid, stranger);
  EXPECT_EQ(slots.size(), 12U);
  EXPECT_TRUE(come(1000, stranger));
  EXPECT_TRUE(gone);
  EXPECT_TRUE(come(1001, known));
}

TEST_F(SlotsOfTheHouse, AUserWithAllTheirConnectionsLosesTheirOwnLongestIdleOne) {
  const auto first = come(1, known);
  const auto second = come(1, known);
  come(1, known);
  come(1, known);
  slots.enter(*first, State::answering, now);
  come(2, known);
  EXPECT_TRUE(come(1, known));
  EXPECT_EQ(gone, second);
  slots = {};
  fill({1}, 4, known, State::answering);
  EXPECT_FALSE(come(1, known)) << "what is answered stays";
}

TEST_F(SlotsOfTheHouse, ForSomebodyKnownAStrangersHalfRequestMakesRoom) {
  bounds = {.all = 4, .per_account = 4};
  fill({1}, 3, stranger, State::arriving);
  fill({2}, 1, known, State::answering);
  ASSERT_EQ(slots.size(), 4U);
  EXPECT_FALSE(come(3, stranger));
  EXPECT_TRUE(come(4, known));
  EXPECT_TRUE(gone);
  slots = {};
  fill({1}, 3, stranger, State::answering);
  fill({2}, 1, known, State::answering);
  EXPECT_FALSE(come(4, known)) << "what is answered stays";
}

TEST_F(SlotsOfTheHouse, AConnectionWhoseRequestHasJustArrivedIsNotIdle) {
  fill({1, 2, 3}, 4, stranger);
  for (Slots::Id id = 1; id <= 11; ++id) busy.insert(id);
  EXPECT_TRUE(come(4, stranger));
  EXPECT_EQ(gone, 12U);
  busy.insert(13);
  EXPECT_FALSE(come(5, stranger));
}

TEST_F(SlotsOfTheHouse, RoomComesBackWhenConnectionsEnd) {
  fill({1}, 4, known, State::answering);
  for (Slots::Id id = 1; id <= 4; ++id) slots.leave(id);
  EXPECT_EQ(slots.size(), 0U);
  fill({1}, 4, stranger, State::answering);
  EXPECT_EQ(slots.size(), 4U);
}

TEST(SubordinateUids, CountForTheirOwner) {
  auto uids = SubordinateUids::parse(
      "1000:100000:65536\nroot:165536:10\n1001:200000:1\nno-such-user-here:300000:65536\n1002:abc:1\n1002:"
      "5\n\n"
      "1003:4294967290:65536\n1004:400000:0\n1005:500000:10:more\n1006:600000:2");
  EXPECT_EQ(uids.owner_of(1000), 1000U);
  EXPECT_EQ(uids.owner_of(99'999), 99'999U);
  EXPECT_EQ(uids.owner_of(100'000), 1000U);
  EXPECT_EQ(uids.owner_of(165'535), 1000U);
  EXPECT_EQ(uids.owner_of(165'536), 165'536U) << "root's containers have nothing to do with each other";
  EXPECT_EQ(uids.owner_of(200'000), 1001U);
  EXPECT_EQ(uids.owner_of(200'001), 200'001U);
  for (const uid_t uid : {300'000U, 4'294'967'294U, 400'000U, 500'000U}) EXPECT_EQ(uids.owner_of(uid), uid);
  EXPECT_EQ(uids.owner_of(600'001), 1006U) << "the last line needs no end";
}

TEST(SubordinateUids, APersonWithAnAccountInSomebodysRangeCountsAlone) {
  auto uids = SubordinateUids::parse("1000:65000:1000");
  EXPECT_EQ(uids.owner_of(65'001), 1000U);
  EXPECT_EQ(uids.owner_of(65'534), 65'534U) << "nobody has an account";
}

TEST(SubordinateUids, AreReadAgainWhenTheFileIsAnotherOne) {
  const testing::TempDir dir;
  SubordinateUidFile file(dir / "subuid");
  BootTime now(seconds(100));
  EXPECT_EQ(file.owner_of(100'000, now), 100'000U);
  ASSERT_TRUE(write_file_atomic(dir / "subuid", as_bytes("1000:100000:10\n"), 0644));
  EXPECT_EQ(file.owner_of(100'000, now + seconds(11)), 1000U);
  std::filesystem::remove(dir / "subuid");
  EXPECT_EQ(file.owner_of(100'000, now + seconds(22)), 100'000U);
}

}  // namespace
}  // namespace cardgate::daemon
