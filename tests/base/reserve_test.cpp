// SPDX-License-Identifier: Apache-2.0
#include "base/reserve.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>

namespace {
std::atomic<int> interruptions = 0;  // so many syncs say EINTR before one is done
std::atomic<int> failures = 0;       // so many say EIO

int sync_or_not(long call, int fd) {
  if (interruptions > 0) {
    --interruptions;
    errno = EINTR;
    return -1;
  }
  if (failures > 0) {
    --failures;
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(call, fd));
}
}  // namespace

// In the place of the C library's, for this whole program.
extern "C" int fdatasync(int fd) {
  return sync_or_not(SYS_fdatasync, fd);
}
extern "C" int fsync(int fd) {
  return sync_or_not(SYS_fsync, fd);
}

namespace cardgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReserveStory : public testing::Test {
 protected:
  ReserveStory() {
    char pattern[] = "/tmp/cardgate-reserve-XXXXXX";
    folder = ::mkdtemp(pattern);
    file = folder / "reserve";
  }
  ~ReserveStory() override {
    interruptions = failures = 0;
    std::filesystem::remove_all(folder);
  }
  Reserve open(std::size_t bytes = 4096) const {
    auto reserve = Reserve::open(file, bytes);
    EXPECT_TRUE(reserve) << reserve.error().message();
    return std::move(*reserve);
  }
  static Result<void> add(Reserve& reserve, const std::string& text) {
    const std::vector<std::string> texts{text};
    return reserve.append(texts);
  }
  std::string content() const { return read_file(file, 1 << 20).value(); }
  void overwrite(const std::string& bytes) const { std::ofstream(file, std::ios::binary) << bytes; }

  std::filesystem::path folder, file;
};

TEST_F(ReserveStory, WhatWasPutInIsThereAfterwardsInItsOrder) {
  {
    auto reserve = open();
    EXPECT_THAT(reserve.take_lines(), IsEmpty());
    ASSERT_TRUE(add(reserve, "one"));
    const std::vector<std::string> more{"two", "", "three, with \"quotes\" and ä"};
    ASSERT_TRUE(reserve.append(more));
  }
  auto reserve = open();
  EXPECT_THAT(reserve.take_lines(), ElementsAre("one", "two", "", "three, with \"quotes\" and ä"));
  EXPECT_EQ(reserve.damaged(), 0U);
  ASSERT_TRUE(reserve.clear());
  ASSERT_TRUE(add(reserve, "four"));
  EXPECT_THAT(open().take_lines(), ElementsAre("four"));
}

TEST_F(ReserveStory, IsForItsOwnerAlone) {
  std::ofstream(file) << "";
  ::chmod(file.c_str(), 0644);
  open();
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(status.st_size, 4096) << "its space is taken";
  std::filesystem::remove(file);
  ASSERT_EQ(::symlink("/etc/passwd", file.c_str()), 0);
  EXPECT_FALSE(Reserve::open(file, 4096));
}

TEST_F(ReserveStory, ALineThatACrashCutOffAnywhereIsPassedOverAndTheNextIsWhole) {
  {
    auto reserve = open();
    ASSERT_TRUE(add(reserve, "kept"));
    ASSERT_TRUE(add(reserve, "the last one, which the crash cuts off"));
  }
  const std::string whole = content();
  const auto end = whole.find_last_not_of('\0') + 1;
  const auto begin = whole.find('\n') + 1;
  for (std::size_t cut = begin; cut < end; ++cut) {
    // Blocks come to the disk in any order: the beginning may be missing as well as the end.
    for (const bool from_behind : {true, false}) {
      std::string torn = whole;
      std::fill(torn.begin() + static_cast<std::ptrdiff_t>(from_behind ? cut : begin),
                torn.begin() + static_cast<std::ptrdiff_t>(from_behind ? end : cut), '\0');
      overwrite(torn);
      {
        auto reserve = open();
        const auto lines = reserve.take_lines();
        ASSERT_EQ(lines.size(), !from_behind && cut == begin ? 2U : 1U) << cut;
        ASSERT_TRUE(add(reserve, "next"));
      }
      const auto lines = open().take_lines();
      ASSERT_EQ(lines.front(), "kept") << cut;
      ASSERT_EQ(lines.back(), "next") << cut;
    }
  }
}

TEST_F(ReserveStory, AFlippedBitCostsOneLine) {
  {
    auto reserve = open();
    for (const char* text : {"one", "two", "three"}) ASSERT_TRUE(add(reserve, text));
  }
  const std::string whole = content();
  const auto end = whole.find_last_not_of('\0') + 1;
  for (std::size_t at = 0; at < end; ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    overwrite(bad);
    auto reserve = open();
    EXPECT_GE(reserve.take_lines().size(), 1U) << at;
    EXPECT_GE(reserve.damaged(), 1U) << at;
  }
}

TEST_F(ReserveStory, FullItRefusesAndKeepsWhatItHas) {
  auto reserve = open(200);
  ASSERT_TRUE(add(reserve, std::string(100, 'a')));
  EXPECT_EQ(add(reserve, std::string(100, 'b')).error().code, Errc::no_space);
  EXPECT_EQ(add(reserve, "line\nfeed").error().code, Errc::invalid_argument);
  EXPECT_TRUE(add(reserve, "c"));
  EXPECT_THAT(open(200).take_lines(), ElementsAre(std::string(100, 'a'), "c"));
}

TEST_F(ReserveStory, IsWrittenOnADiskThatIsFull) {
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "only root may mount a small disk";
  {
    auto reserve = open(16384);
    std::ofstream filler(folder / "filler", std::ios::binary);
    while (filler.write(std::string(4096, 'x').data(), 4096).flush()) {
    }
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(add(reserve, std::string(100, 'r'))) << i;
    EXPECT_EQ(open(16384).take_lines().size(), 100U);
    EXPECT_EQ(reserve.warning(), "");
    // One that comes to a full disk says so, and is written when there is room.
    auto late = Reserve::open(folder / "late", 16384);
    ASSERT_TRUE(late);
    EXPECT_THAT(late->warning(), HasSubstr("No space left"));
    EXPECT_EQ(add(*late, "x").error().code, Errc::no_space);
    filler.close();
    std::filesystem::remove(folder / "filler");
    EXPECT_TRUE(add(*late, "y"));
    EXPECT_EQ(late->warning(), "");
  }
  ::umount2(folder.c_str(), MNT_DETACH);
}

TEST_F(ReserveStory, AnInterruptedSyncIsDoneAgainAndAFailedOneIsSaid) {
  auto reserve = open();
  interruptions = 3;
  EXPECT_TRUE(add(reserve, "one"));
  EXPECT_EQ(interruptions, 0);
  failures = 1;
  EXPECT_EQ(add(reserve, "a longer line, which may be there or not").error().code, Errc::io);
  EXPECT_TRUE(add(reserve, "two"));
  failures = 1;
  EXPECT_FALSE(reserve.clear());
  EXPECT_THAT(open().damaged(), 0U);
}

TEST_F(ReserveStory, EverySyncOfAFileOutlastsASignal) {
  interruptions = 4;
  EXPECT_TRUE(write_file_atomic(folder / "file", as_bytes("content"), 0600));
  EXPECT_EQ(interruptions, 0);
  interruptions = 2;
  EXPECT_TRUE(sync_directory(folder));
  failures = 1;
  EXPECT_EQ(write_file_atomic(folder / "file", as_bytes("other"), 0600).error().code, Errc::io);
  EXPECT_EQ(*read_file(folder / "file", 100), "content");
}

}  // namespace
}  // namespace cardgate
