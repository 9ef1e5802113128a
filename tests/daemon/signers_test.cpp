// SPDX-License-Identifier: Apache-2.0
// Signing beside the loop's thread: each gets what was signed for it, whichever of the two is first.
#include "daemon/sessions/signers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/bytes.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;

class SignersTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  void wait_for(Signers::Ticket ticket, std::function<void(Signers::Made)> then) {
    asio::co_spawn(
        io,
        [](Signers& from, Signers::Ticket what,
           std::function<void(Signers::Made)> tell) -> asio::awaitable<void> {
          auto making = from.made(std::move(what));
          auto made = co_await std::move(making);
          tell(std::move(made));
        }(*signers, std::move(ticket), std::move(then)),
        asio::detached);
  }

  asio::io_context io{1};
  std::unique_ptr<Signers> signers = std::make_unique<Signers>(io, GetParam());
};

TEST_P(SignersTest, EachGetsItsOwn) {
  constexpr int count = 500;
  std::vector<std::string> got(count);
  for (int i = 0; i < count; ++i) {
    wait_for(signers->start([i] { return fmt::format("text {}", i); }), [&, i](Signers::Made made) {
      EXPECT_EQ(made.hash, blake2b(as_bytes(made.text)));
      EXPECT_EQ(made.failure, "");
      got[static_cast<std::size_t>(i)] = made.text;
    });
  }
  io.run();
  // Another thread may be behind the loop, which ends when it has nothing to do.
  signers.reset();
  io.restart();
  io.run();
  for (int i = 0; i < count; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], fmt::format("text {}", i));
}

TEST_P(SignersTest, WhatCannotBeSignedSaysWhy) {
  std::optional<Signers::Made> got;
  wait_for(signers->start([]() -> std::string { throw std::runtime_error("no memory"); }),
           [&](Signers::Made made) { got = std::move(made); });
  io.run();
  signers.reset();
  io.restart();
  io.run();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->text, "");
  EXPECT_EQ(got->failure, "no memory");
}

INSTANTIATE_TEST_SUITE_P(Threads, SignersTest, ::testing::Values(0U, 1U, 3U),
                         [](const auto& threads) { return fmt::format("{}", threads.param); });

class SignersBeside : public SignersTest {
 protected:
  /// A signature that waits until it is let go.
  std::function<std::string()> held() {
    return [go = let_go.get_future().share()] {
      go.wait();
      return std::string("late");
    };
  }
  std::promise<void> let_go;
};

TEST_P(SignersBeside, TheLoopIsFreeWhileAnotherThreadSigns) {
  std::string got;
  wait_for(signers->start(held()), [&](const Signers::Made& made) { got = made.text; });
  io.poll();
  EXPECT_EQ(got, "") << "whoever waits gives the loop to others";
  let_go.set_value();
  const auto work = asio::make_work_guard(io);
  while (got.empty()) io.run_one();
  EXPECT_EQ(got, "late");
}

TEST_P(SignersBeside, AStopWaitsForWhatIsBeingSignedAndNobodyNeedTakeIt) {
  wait_for(signers->start(held()), [](const Signers::Made&) {});
  io.poll();
  std::atomic<int> made{0};
  std::vector<Signers::Ticket> never_asked_for;
  for (int i = 0; i < 50; ++i) {
    never_asked_for.push_back(signers->start([&] {
      ++made;
      return std::string(700, 'x');
    }));
  }
  let_go.set_value();
  signers.reset();
  EXPECT_EQ(made, 50);
  // The loop does not run any more; a sanitizer sees what would be left behind.
}

INSTANTIATE_TEST_SUITE_P(Threads, SignersBeside, ::testing::Values(1U, 2U),
                         [](const auto& threads) { return fmt::format("{}", threads.param); });

}  // namespace
}  // namespace cardgate::daemon
