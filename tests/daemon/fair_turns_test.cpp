// SPDX-License-Identifier: Apache-2.0
// Turns by uid: one who asks much does not make another wait.
#include "daemon/http/fair_turns.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <vector>

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> served(FairTurns& turns, uid_t uid, std::vector<uid_t>& order) {
  auto turn = turns.wait(uid);
  co_await std::move(turn);
  order.push_back(uid);
}

TEST(FairTurns, AUidWaitsForOneOfEachOther) {
  asio::io_context io;
  FairTurns turns(io);
  std::vector<uid_t> order;
  for (int i = 0; i < 100; ++i) asio::co_spawn(io, served(turns, 1, order), asio::detached);
  asio::co_spawn(io, served(turns, 2, order), asio::detached);
  asio::co_spawn(io, served(turns, 3, order), asio::detached);
  asio::co_spawn(io, served(turns, 2, order), asio::detached);
  io.run();
  ASSERT_EQ(order.size(), 103U);
  const std::vector<uid_t> first(order.begin(), order.begin() + 5);
  EXPECT_EQ(first, (std::vector<uid_t>{1, 2, 3, 1, 2}));
  EXPECT_EQ(order.back(), 1U);
}

TEST(FairTurns, WhoeverIsAloneIsServedInOrder) {
  asio::io_context io;
  FairTurns turns(io);
  std::vector<uid_t> order;
  for (int round = 0; round < 3; ++round) {
    asio::co_spawn(io, served(turns, 7, order), asio::detached);
    io.run();
    io.restart();
  }
  EXPECT_EQ(order.size(), 3U);
}

}  // namespace
}  // namespace cardgate::daemon
