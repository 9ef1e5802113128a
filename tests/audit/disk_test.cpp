// SPDX-License-Identifier: Apache-2.0
// When the disk refuses, nothing is acknowledged; when it takes data again, the chain has no gap.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::HasSubstr;

class AuditDisk : public AuditTest {
 protected:
  ~AuditDisk() override {
    if (mounted_) ::umount2(options.directory.c_str(), MNT_DETACH);
  }
  /// False when this user may not mount.
  bool mount_small_disk(const char* size) {
    std::filesystem::create_directory(options.directory);
    if (::unshare(CLONE_NEWNS) != 0) return false;
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    mounted_ = ::mount("tmpfs", options.directory.c_str(), "tmpfs", 0, size) == 0;
    return mounted_;
  }
  void fill_disk() {
    std::ofstream out(path("filler"), std::ios::binary);
    const std::string page(4096, 'x');
    while (out.write(page.data(), 4096).flush()) {
    }
  }
  void free_disk() { std::filesystem::remove(path("filler")); }

 private:
  bool mounted_ = false;
};

TEST_F(AuditDisk, AFullDiskIsNoticedEarlyRefusedCleanlyAndForgivenAtOnce) {
  if (!mount_small_disk("size=256k")) GTEST_SKIP() << "only root may mount a small disk";
  {
    const auto log = open();
    ASSERT_TRUE(log);
    fill_disk();
    int written = 0;
    bool warned = false;
    Result<void> refused;
    for (; written < 1000; ++written) {
      refused = log->append_and_wait(sign_in("P"));
      if (!refused) break;
      const auto health = log->health();
      EXPECT_TRUE(health.ok);
      warned = warned || !health.problem.empty();
    }
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::no_space);
    EXPECT_GT(written, 80);  // the reserve was there to be used
    EXPECT_TRUE(warned);
    EXPECT_FALSE(log->health().ok);
    EXPECT_THAT(log->health().problem, HasSubstr("No space left"));
    EXPECT_EQ(log->append_and_wait(sign_in("lost")).error().code, Errc::no_space);
    EXPECT_TRUE(verify_log().ok);
    free_disk();
    append(*log, 3);
    EXPECT_TRUE(log->health().ok);
    EXPECT_EQ(log->health().problem, "");
    EXPECT_EQ(people().size(), static_cast<std::size_t>(written) + 3);
  }
  EXPECT_TRUE(verify_log().ok);
  EXPECT_THAT(people(), testing::Not(testing::Contains("lost")));
}

TEST_F(AuditDisk, ADiskThatIsFullAtTheStartIsSaid) {
  if (!mount_small_disk("size=64k")) GTEST_SKIP() << "only root may mount a small disk";
  fill_disk();
  EXPECT_EQ(try_open().error().code, Errc::no_space);
  free_disk();
  // Room for one segment, not for the one in reserve.
  const auto log = open();
  ASSERT_TRUE(log);
  EXPECT_TRUE(log->health().ok);
  EXPECT_THAT(log->health().problem, HasSubstr("cannot be reserved"));
}

TEST_F(AuditDisk, AskingForItsHealthIsEnoughToRecover) {
  if (!mount_small_disk("size=256k")) GTEST_SKIP() << "only root may mount a small disk";
  const auto log = open();
  fill_disk();
  while (log->append_and_wait(sign_in("P"))) {
  }
  EXPECT_FALSE(log->health().ok);
  free_disk();
  for (int i = 0; i < 500 && !log->health().ok; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_TRUE(log->health().ok);
  EXPECT_TRUE(verify_log().ok);
}

class FileSizeLimit {
 public:
  FileSizeLimit() {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  void set(rlim_t bytes) const {
    struct rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }

 private:
  struct rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(AuditDisk, AHalfWrittenBatchLeavesNoTrace) {
  const FileSizeLimit limit;
  const auto log = open();
  append(*log, 2);
  const auto used = read_files(options.directory)[newest()].find('\0');
  for (rlim_t room = 0; room < 600; room += 37) {
    // The kernel takes so many bytes and refuses the rest.
    limit.set(used + room);
    EXPECT_FALSE(log->append_and_wait(sign_in("a name that is longer than the next")));
    EXPECT_FALSE(log->health().ok);
    EXPECT_FALSE(log->append_and_wait(sign_in("a name that is longer than the next")));
  }
  limit.set(RLIM_INFINITY);
  append(*log, 1);
  EXPECT_TRUE(log->health().ok);
  EXPECT_THAT(people(), testing::ElementsAre("P1", "P2", "P1"));
  const Report report = verify_log();
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  EXPECT_FALSE(report.torn_tail);
}

TEST_F(AuditDisk, FailsFastBetweenTwoTries) {
  options.retry_after = std::chrono::minutes(10);
  const FileSizeLimit limit;
  const auto log = open();
  limit.set(1000);
  append(*log, 0);
  Result<void> refused;
  for (int i = 0; i < 10 && refused; ++i) refused = log->append_and_wait(sign_in("P"));
  ASSERT_FALSE(refused);
  limit.set(RLIM_INFINITY);
  const auto syncs = log->health().syncs;
  EXPECT_FALSE(log->append_and_wait(sign_in("P")));
  EXPECT_EQ(log->health().syncs, syncs);
}

}  // namespace
}  // namespace cardgate::audit
