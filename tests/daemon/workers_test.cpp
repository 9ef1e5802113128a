// SPDX-License-Identifier: Apache-2.0
// Threads of readers that come and go, each under a name of its own.
#include "daemon/cards/workers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <latch>

namespace cardgate::daemon {
namespace {

TEST(Workers, ReadersThatCameAndWentLeaveNoThreadBehind) {
  Workers workers;
  for (int token = 1; token <= 100; ++token) {
    const auto reader = fmt::format("Token (serial {}) 00 00", token);
    std::latch read(1);
    boost::asio::post(workers.begin(reader), [&] { read.count_down(); });
    read.wait();
    workers.end(reader);
    EXPECT_EQ(workers.count(), 1U) << "a reader that is there keeps its thread";
    workers.reader_gone(reader);
  }
  EXPECT_EQ(workers.count(), 0U);
}

TEST(Workers, AThreadThatIsStillAtWorkOutlivesItsReader) {
  Workers workers;
  std::latch go_on(1);
  boost::asio::post(workers.begin("Slow"), [&] { go_on.wait(); });
  workers.reader_gone("Slow");
  EXPECT_EQ(workers.count(), 1U) << "nobody waits for it here";
  go_on.count_down();
  workers.end("Slow");
  EXPECT_EQ(workers.count(), 0U);
}

TEST(Workers, AReaderThatComesBackMeanwhileKeepsItsThread) {
  Workers workers;
  workers.begin("Docked");
  workers.reader_gone("Docked");
  workers.begin("Docked");
  workers.end("Docked");
  workers.end("Docked");
  EXPECT_EQ(workers.count(), 1U);
  workers.reader_gone("Docked");
  EXPECT_EQ(workers.count(), 0U);
  workers.reader_gone("Never seen");
  workers.end("Never seen");
}

}  // namespace
}  // namespace cardgate::daemon
