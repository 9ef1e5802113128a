// SPDX-License-Identifier: Apache-2.0
// A notice is handed over when somebody has read it, and not when the socket has taken it.
#include "daemon/sessions/notice_hook.hpp"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <string>
#include <thread>

#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;
using NoticeSocket = asio::local::stream_protocol::socket;

class NoticeHook : public ::testing::Test {
 protected:
  NoticeHook() : acceptor(io, asio::local::stream_protocol::endpoint((dir / "hook").string())) {}

  /// Hands `text` over while `listens` is run with the other end.
  template <class Listens>
  Result<void> hand(std::string text, Listens listens) {
    auto handed = asio::co_spawn(io, hand_to_hook(dir / "hook", std::move(text)), asio::use_future);
    const std::jthread loop([this] { io.run(); });
    NoticeSocket peer(io);
    acceptor.accept(peer);
    listens(peer);
    return handed.get();
  }

  testing::TempDir dir;
  asio::io_context io;
  asio::local::stream_protocol::acceptor acceptor;
};

TEST_F(NoticeHook, WhatWasReadIsHandedOver) {
  std::string got;
  const auto handed = hand("one notice\n", [&](NoticeSocket& peer) {
    boost::system::error_code ended;
    asio::read(peer, asio::dynamic_buffer(got), ended);
    EXPECT_EQ(ended, asio::error::eof) << "it ends";
    peer.close();
  });
  EXPECT_TRUE(handed) << handed.error().message();
  EXPECT_EQ(got, "one notice\n");
}

TEST_F(NoticeHook, WhatWasAcceptedAndNotReadIsNot) {
  const auto handed = hand("one notice\n", [](NoticeSocket& peer) {
    peer.wait(NoticeSocket::wait_read);
    peer.close();
  });
  ASSERT_FALSE(handed);
  EXPECT_EQ(handed.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace cardgate::daemon
