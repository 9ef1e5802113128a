// SPDX-License-Identifier: Apache-2.0
// Where checkpoints are kept: never in the way of the log, and complete once they can be delivered.
#include "daemon/record/checkpoint_courier.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
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

CheckpointCourier::Deliver to_file(const std::filesystem::path& file) {
  return [file](const std::string& lines) { return append_lines(file, lines); };
}

TEST(CheckpointCourier, AppendsLinesToWhatIsThere) {
  const testing::TempDir dir;
  const auto file = dir / "checkpoints";
  ASSERT_TRUE(append_lines(file, "kept before\n"));
  {
    CheckpointCourier one("written", to_file(file));
    for (int i = 0; i < 100; ++i) one.add(std::to_string(i));
  }
  std::string expected = "kept before\n";
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(content_of(file), expected);
}

TEST(CheckpointCourier, WhatCouldNotBeWrittenComesWithTheNext) {
  const testing::TempDir dir;
  const auto file = dir / "not-mounted" / "checkpoints";
  CheckpointCourier one("written", to_file(file));
  one.add("1");
  one.add("2");
  EXPECT_EQ(append_lines(file, "").error().code, Errc::not_found);
  ASSERT_TRUE(std::filesystem::create_directory(dir / "not-mounted"));
  one.add("3");
  for (int i = 0; i < 1000 && !std::filesystem::exists(file); ++i) ::usleep(10'000);
  for (int i = 0; i < 1000 && content_of(file).size() < 6; ++i) ::usleep(10'000);
  EXPECT_EQ(content_of(file), "1\n2\n3\n");
}

TEST(CheckpointCourier, WhatWaitsIsWrittenWithoutAnotherOneToo) {
  const testing::TempDir dir;
  const auto file = dir / "not-mounted" / "checkpoints";
  CheckpointCourier one("written", to_file(file), milliseconds(10));
  one.add("1");
  ASSERT_TRUE(std::filesystem::create_directory(dir / "not-mounted"));
  for (int i = 0; i < 1000 && !std::filesystem::exists(file); ++i) ::usleep(10'000);
  for (int i = 0; i < 1000 && content_of(file).size() < 2; ++i) ::usleep(10'000);
  EXPECT_EQ(content_of(file), "1\n");
}

TEST(CheckpointCourier, TheEndIsALastTry) {
  const testing::TempDir dir;
  const auto file = dir / "checkpoints";
  {
    // A pipe is refused, and its other end sees that it was tried.
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    const FileDescriptor other_end(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    CheckpointCourier one("written", to_file(file), std::chrono::hours(1));
    one.add("1");
    pollfd tried{other_end.get(), 0, 0};
    ASSERT_EQ(::poll(&tried, 1, 10'000), 1);
    ASSERT_TRUE(std::filesystem::remove(file));
  }
  EXPECT_EQ(content_of(file), "1\n");
}

TEST(CheckpointCourier, WhatComesWhileASlowWriteGoesOnIsNotTakenForWritten) {
  const testing::TempDir dir;
  for (int round = 0; round < 20; ++round) {
    const auto file = dir / std::to_string(round);
    {
      CheckpointCourier one("written", to_file(file));
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

TEST(CheckpointCourier, NeitherAPipeNorALinkNorAFolderIsTaken) {
  const testing::TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(append_lines(dir / "pipe", "x\n"));
  std::filesystem::create_symlink(dir / "elsewhere", dir / "link");
  EXPECT_EQ(append_lines(dir / "link", "x\n").error().code, Errc::permission_denied);
  EXPECT_FALSE(std::filesystem::exists(dir / "elsewhere"));
  EXPECT_FALSE(append_lines(dir.path(), "x\n"));
}

TEST(CheckpointCourier, APlaceThatHangsStopsNobody) {
  std::promise<void> put_right;
  const auto hanging = put_right.get_future().share();
  std::atomic<int> delivered{0};
  {
    CheckpointCourier one("taken", [hanging, &delivered](const std::string&) {
      hanging.wait();
      ++delivered;
      return Result<void>();
    });
    one.add("1");
    one.add("2");  // at once
    put_right.set_value();
  }
  EXPECT_GE(delivered, 1);
}

/// As systemd's socket units listen, and as the program that one starts reads.
class HookListener {
 public:
  explicit HookListener(const std::filesystem::path& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 8), 0);
  }
  void turn_away() {
    const FileDescriptor peer(::accept(socket_.get(), nullptr, nullptr));
    pollfd sent{peer.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&sent, 1, 10'000), 1);
  }
  std::string next() {
    const FileDescriptor peer(::accept(socket_.get(), nullptr, nullptr));
    std::string out;
    char buffer[64];
    for (ssize_t count = 0; (count = ::read(peer.get(), buffer, sizeof buffer)) > 0;)
      out.append(buffer, static_cast<std::size_t>(count));
    return out;
  }

 private:
  FileDescriptor socket_;
};

TEST(CheckpointCourier, AHookHasWhatWaitedInOneConnection) {
  const testing::TempDir dir;
  const auto path = dir / "hook.sock";
  EXPECT_EQ(hand_lines(path, "x\n").error().code, Errc::not_found);
  CheckpointCourier one(
      "handed", [&](const std::string& lines) { return hand_lines(path, lines); }, milliseconds(10));
  one.add("1");
  one.add("2");
  HookListener hook(path);
  EXPECT_EQ(hook.next(), "1\n2\n");
  one.add("3");
  EXPECT_EQ(hook.next(), "3\n");
}

TEST(CheckpointCourier, WhatIsAcceptedAndNotReadIsNotDelivered) {
  const testing::TempDir dir;
  // As systemd does when a socket unit has no room for one more.
  HookListener hook(dir / "hook.sock");
  auto handing = std::async(std::launch::async, [&] { return hand_lines(dir / "hook.sock", "x\n"); });
  hook.turn_away();
  EXPECT_EQ(handing.get().error().code, Errc::unavailable);
}

TEST(CheckpointCourier, AHookThatIsNotThereIsAnErrorAndNotAnEnd) {
  const testing::TempDir dir;
  {
    const HookListener gone(dir / "gone.sock");
  }
  EXPECT_EQ(hand_lines(dir / "gone.sock", "x\n").error().code, Errc::unavailable);
  EXPECT_EQ(hand_lines(dir / std::string(200, 'x'), "x\n").error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace cardgate::daemon
