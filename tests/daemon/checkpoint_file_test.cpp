// SPDX-License-Identifier: Apache-2.0
// The file that keeps checkpoints: never in the way of the log, and complete once it can be written.
#include "daemon/record/checkpoint_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

std::string content_of(const std::filesystem::path& file) {
  return read_file(file, 1 << 20).value();
}

TEST(CheckpointFile, AppendsLinesToWhatIsThere) {
  const testing::TempDir dir;
  const auto file = dir / "checkpoints";
  ASSERT_TRUE(append_lines(file, "kept before\n"));
  {
    CheckpointFile one(file);
    for (int i = 0; i < 100; ++i) one.add(std::to_string(i));
  }
  std::string expected = "kept before\n";
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(content_of(file), expected);
}

TEST(CheckpointFile, WhatCouldNotBeWrittenComesWithTheNext) {
  const testing::TempDir dir;
  const auto file = dir / "not-mounted" / "checkpoints";
  CheckpointFile one(file);
  one.add("1");
  one.add("2");
  EXPECT_EQ(append_lines(file, "").error().code, Errc::not_found);
  ASSERT_TRUE(std::filesystem::create_directory(dir / "not-mounted"));
  one.add("3");
  for (int i = 0; i < 1000 && !std::filesystem::exists(file); ++i) ::usleep(10'000);
  for (int i = 0; i < 1000 && content_of(file).size() < 6; ++i) ::usleep(10'000);
  EXPECT_EQ(content_of(file), "1\n2\n3\n");
}

TEST(CheckpointFile, WhatWaitsIsWrittenWithoutAnotherOneToo) {
  const testing::TempDir dir;
  const auto file = dir / "not-mounted" / "checkpoints";
  CheckpointFile one(file, milliseconds(10));
  one.add("1");
  ASSERT_TRUE(std::filesystem::create_directory(dir / "not-mounted"));
  for (int i = 0; i < 1000 && !std::filesystem::exists(file); ++i) ::usleep(10'000);
  for (int i = 0; i < 1000 && content_of(file).size() < 2; ++i) ::usleep(10'000);
  EXPECT_EQ(content_of(file), "1\n");
}

TEST(CheckpointFile, TheEndIsALastTry) {
  const testing::TempDir dir;
  const auto file = dir / "checkpoints";
  {
    // A pipe is refused, and its other end sees that it was tried.
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    const FileDescriptor other_end(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    CheckpointFile one(file, std::chrono::hours(1));
    one.add("1");
    pollfd tried{other_end.get(), 0, 0};
    ASSERT_EQ(::poll(&tried, 1, 10'000), 1);
    ASSERT_TRUE(std::filesystem::remove(file));
  }
  EXPECT_EQ(content_of(file), "1\n");
}

TEST(CheckpointFile, WhatComesWhileASlowWriteGoesOnIsNotTakenForWritten) {
  const testing::TempDir dir;
  for (int round = 0; round < 20; ++round) {
    const auto file = dir / std::to_string(round);
    {
      CheckpointFile one(file);
      one.add("0");
      // The file is there, and the disk has not answered yet: far more comes than may wait.
      while (!std::filesystem::exists(file)) std::this_thread::yield();
      for (int i = 1; i < 600; ++i) one.add(std::to_string(i));
    }
    // The newest waited at the end, so all of them are there, each once and in order.
    std::istringstream lines(content_of(file));
    std::vector<int> found;
    for (std::string line; std::getline(lines, line);) found.push_back(std::stoi(line));
    ASSERT_GE(found.size(), 256U);
    EXPECT_TRUE(std::ranges::is_sorted(found, std::less_equal<>())) << "each once";
    EXPECT_EQ(found[found.size() - 256], 600 - 256);
  }
}

TEST(CheckpointFile, NeitherAPipeNorALinkNorAFolderIsTaken) {
  const testing::TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(append_lines(dir / "pipe", "x\n"));
  std::filesystem::create_symlink(dir / "elsewhere", dir / "link");
  EXPECT_EQ(append_lines(dir / "link", "x\n").error().code, Errc::permission_denied);
  EXPECT_FALSE(std::filesystem::exists(dir / "elsewhere"));
  EXPECT_FALSE(append_lines(dir.path(), "x\n"));
}

}  // namespace
}  // namespace cardgate::daemon
