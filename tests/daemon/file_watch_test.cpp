// SPDX-License-Identifier: Apache-2.0
// News of changed files: when they are at rest, or have gone on for long enough; and which reading of them counts.
#include "daemon/rules/file_watch.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "daemon/rules/trust_readings.hpp"
#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;

/// Puts a file into place every few milliseconds, as long as it lives.
class RestlessFile {
 public:
  RestlessFile(asio::io_context& io, std::filesystem::path file) : timer_(io), file_(std::move(file)) {
    again();
  }
  int written() const { return written_; }

 private:
  void again() {
    std::ofstream(file_) << ++written_;
    timer_.expires_after(milliseconds(10));
    timer_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped) again();
    });
  }
  asio::steady_timer timer_;
  std::filesystem::path file_;
  int written_ = 0;
};

TEST(FileWatch, TellsOfAChangeThoughOtherFilesNeverRest) {
  const testing::TempDir dir;
  asio::io_context io;
  int told = 0, at_first = 0;
  std::optional<RestlessFile> restless;
  FileWatch watch(io, milliseconds(200), milliseconds(600), [&] {
    if (++told == 1) at_first = restless->written();
    if (told == 2) io.stop();
  });
  watch.set({dir.path()});
  restless.emplace(io, dir / "restless.crl");
  io.run_for(seconds(60));
  EXPECT_EQ(told, 2) << "and again, as the file goes on";
  EXPECT_GT(at_first, 1) << "it was never at rest";
}

TEST(FileWatch, SeveralFilesThatComeTogetherAreToldOnce) {
  const testing::TempDir dir;
  asio::io_context io;
  int told = 0;
  FileWatch watch(io, milliseconds(200), seconds(30), [&] {
    ++told;
    io.stop();
  });
  watch.set({dir.path()});
  for (int i = 0; i < 20; ++i) std::ofstream(dir / std::to_string(i)) << "x";
  io.run_for(seconds(60));
  EXPECT_EQ(told, 1);
  io.restart();
  io.run_for(milliseconds(0));  // what is due by now
  EXPECT_EQ(told, 1);
}

TEST(TrustReadings, AListThatChangesWhileItIsReadIsTakenOverAllTheSame) {
  TrustReadings readings;
  auto reading = readings.changed();
  ASSERT_TRUE(reading);
  for (int round = 0; round < 5; ++round) {
    EXPECT_FALSE(readings.changed()) << "one runs";
    EXPECT_FALSE(readings.changed()) << "and one is wanted, however often it changes";
    EXPECT_TRUE(readings.finished(*reading)) << "no newer one has finished";
    ASSERT_TRUE(readings.wanted());
    reading = readings.changed();
    ASSERT_TRUE(reading);
  }
  EXPECT_TRUE(readings.finished(*reading));
  EXPECT_FALSE(readings.wanted());
}

TEST(TrustReadings, AReloadMeanwhileWins) {
  TrustReadings readings;
  const auto before = readings.changed();
  const auto reload = readings.reload_begins();
  EXPECT_FALSE(readings.reload_ends(reload));
  EXPECT_FALSE(readings.finished(*before)) << "it saw older files";
  const auto after = readings.changed();
  EXPECT_TRUE(readings.finished(*after));
}

TEST(TrustReadings, WhatIsNewerThanAReloadIsNotLostToIt) {
  TrustReadings readings;
  const auto reload = readings.reload_begins();
  const auto newer = readings.changed();
  EXPECT_TRUE(readings.finished(*newer));
  EXPECT_TRUE(readings.reload_ends(reload)) << "the files are read again";
  const auto slow_reload = readings.reload_begins();
  const auto slower = readings.changed();
  EXPECT_FALSE(readings.reload_ends(slow_reload));
  EXPECT_TRUE(readings.finished(*slower)) << "it began after the reload";
}

}  // namespace
}  // namespace cardgate::daemon
