// SPDX-License-Identifier: Apache-2.0
// Changes while the disk fails, while somebody takes the files away, and what a crash leaves of them.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>

#include "register/credentials.hpp"
#include "register/upkeep.hpp"
#include "tests/register/fixture.hpp"

namespace {

/// How many of the next fdatasync() of a log fail, after its data was written.
std::atomic<int> syncs_that_fail = 0;
/// How many work before.
std::atomic<int> syncs_that_work = 0;

bool is_log(int fd) {
  std::error_code ignored;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).string();
  return path.ends_with("-wal");
}

}  // namespace

// In the place of libc's, for SQLite too.
extern "C" int fdatasync(int fd) {
  if (syncs_that_fail > 0 && is_log(fd) && syncs_that_work-- <= 0) {
    --syncs_that_fail;
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace cardgate::reg {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int for_ever = 1'000'000;
const std::atomic<bool> never_stopped = false;

class ADiskThatFails : public testing::Test {
 protected:
  ADiskThatFails() : staff(open(folder.file())) {
    init_crypto();
    import(*staff, "people: [{id: a, name: Ada}, {id: b, name: Bo}]");
  }
  ~ADiskThatFails() override { syncs_that_fail = syncs_that_work = 0; }

  Result<Person> rename(const char* name) {
    return staff->change("a", [name](Person& next) -> Result<void> {
      next.name = name;
      return {};
    });
  }
  /// The register as a start would find it if the service were killed now.
  std::unique_ptr<Register> after_a_kill() {
    crashed = std::make_unique<Folder>();
    for (const char* suffix : {"", "-wal"}) {
      const fs::path from = folder.file().string() + suffix;
      if (fs::exists(from)) fs::copy_file(from, crashed->file().string() + suffix);
    }
    return open(crashed->file());
  }

  Folder folder;
  std::unique_ptr<Folder> crashed;
  std::unique_ptr<Register> staff;
};

TEST_F(ADiskThatFails, AChangeThatWasRefusedIsNotDoneAfterACrashEither) {
  syncs_that_fail = 1;
  const auto refused = rename("Eve");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::io);
  EXPECT_FALSE(in_doubt(refused.error())) << refused.error().context;
  EXPECT_EQ(staff->person("a")->name, "Ada");
  EXPECT_EQ(after_a_kill()->person("a")->name, "Ada");
  ASSERT_TRUE(rename("Amy"));
  EXPECT_EQ(after_a_kill()->person("a")->name, "Amy");
}

TEST_F(ADiskThatFails, ALogThatBeginsAnewIsNoOther) {
  for (const int works : {0, 1}) {
    SQLite::Database(folder.file().string(), SQLite::OPEN_READWRITE).exec("PRAGMA wal_checkpoint(TRUNCATE)");
    syncs_that_work = works;
    syncs_that_fail = 1;
    const auto refused = rename("Eve");
    ASSERT_FALSE(refused) << works;
    EXPECT_FALSE(in_doubt(refused.error())) << works;
    EXPECT_EQ(after_a_kill()->person("a")->name, "Ada") << works;
  }
}

TEST_F(ADiskThatFails, EveryKindOfChangeIsDoneOrNotDone) {
  auto credentials = *open_credentials(folder.file(), ThrottleRules{});
  const WallTime now = parse_rfc3339("2026-03-02T09:00:00Z").value();
  ImportFile big;
  big.people.resize(3000);
  for (std::size_t i = 0; i < big.people.size(); ++i) {
    big.people[i].person.id = "p" + std::to_string(i);
    big.people[i].person.name = "P";
    big.people[i].given.name = true;
  }
  const auto failing = [](const auto& work) {
    syncs_that_fail = 1;
    const auto outcome = work();
    EXPECT_FALSE(outcome);
    EXPECT_FALSE(!outcome && in_doubt(outcome.error()));
    EXPECT_EQ(syncs_that_fail, 0);
  };
  failing([&] { return staff->tell({"a"}, "mark", "text", now); });
  EXPECT_TRUE(after_a_kill()->notices("a")->empty());
  failing([&] { return staff->set_setting("setup", "closed"); });
  EXPECT_EQ(*after_a_kill()->setting("setup"), "");
  failing([&] { return staff->import(big); });
  EXPECT_EQ(*after_a_kill()->count(), 2U);
  failing([&] { return credentials->set_password({"a", "hash", false, {}}, {}, now); });
  after_a_kill();
  EXPECT_FALSE((*open_credentials(crashed->file(), ThrottleRules{}))->password_state("a")->exists);
  ASSERT_TRUE(staff->tell({"a"}, "mark", "text", now));
  failing([&] { return staff->drop_notice("a", staff->notices("a")->front().id); });
  EXPECT_EQ(after_a_kill()->notices("a")->size(), 1U);
  const auto backup = folder.path() / "backup.db";
  ASSERT_TRUE(back_up(folder.file(), backup, never_stopped));
  ASSERT_TRUE(rename("Later"));
  failing([&] { return restore(backup, folder.file()); });
  EXPECT_EQ(after_a_kill()->person("a")->name, "Later");
  EXPECT_EQ(staff->person("a")->name, "Later");
}

TEST_F(ADiskThatFails, WhereItGoesOnFailingItIsSaidThatNobodyKnows) {
  syncs_that_fail = for_ever;
  const auto unknown = rename("Eve");
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(in_doubt(unknown.error())) << unknown.error().context;
  EXPECT_EQ(after_a_kill()->person("a")->name, "Ada") << "a kill leaves what the system has in memory";
  syncs_that_fail = 0;
  ASSERT_TRUE(staff->set_setting("written", ""));
  EXPECT_EQ(after_a_kill()->person("a")->name, "Ada") << "the next change settles it";
}

TEST_F(ADiskThatFails, ARefusalOfTheRulesIsNoDoubt) {
  const auto refused = staff->change("a", [](Person&) -> Result<void> { return Errc::invalid_argument; });
  ASSERT_FALSE(refused);
  EXPECT_FALSE(in_doubt(refused.error()));
  EXPECT_FALSE(in_doubt(staff->person("nobody").error()));
}

class FilesTakenAway : public ADiskThatFails {
 protected:
  void refuses() {
    const auto refused = rename("Eve");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::io);
    EXPECT_THAT(refused.error().context, HasSubstr("was removed or replaced"));
    EXPECT_FALSE(staff->in_place());
    EXPECT_NE(staff->person("a")->name, "Eve");
  }
  fs::path part(const char* suffix) const { return folder.file().string() + suffix; }
};

TEST_F(FilesTakenAway, ALogThatWasRemovedRefusesChangesAndLosesNone) {
  ASSERT_TRUE(rename("Acknowledged"));
  ASSERT_TRUE(staff->in_place());
  fs::remove(part("-wal"));
  refuses();
  EXPECT_EQ(after_a_kill()->person("a")->name, "Acknowledged");
}

TEST_F(FilesTakenAway, AReplacedLogRefusesChanges) {
  fs::copy_file(part("-wal"), part("-other"));
  fs::rename(part("-other"), part("-wal"));
  refuses();
}

TEST_F(FilesTakenAway, AReplacedRegisterRefusesChanges) {
  fs::copy_file(folder.file(), part(".restored"));
  fs::rename(part(".restored"), folder.file());
  refuses();
}

TEST_F(FilesTakenAway, ARemovedIndexOfTheLogRefusesChangesAndLosesNone) {
  ASSERT_TRUE(rename("Acknowledged"));
  fs::remove(part("-shm"));
  refuses();
  EXPECT_EQ(after_a_kill()->person("a")->name, "Acknowledged");
}

/// What another process sees: whether somebody holds the lock that keeps the log from being removed
/// (https://www.sqlite.org/fileformat2.html, "SHARED_FIRST").
bool is_held(const fs::path& file) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000000 + 2;
    lock.l_len = 510;
    ::_exit(fd >= 0 && ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
  }
  int status = 1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status == 0;
}

TEST(RegisterLocks, NothingThatThisProcessDoesLetsThemGo) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, "people: [{id: a, name: Ada}]");
  EXPECT_TRUE(is_held(folder.file()));
  auto again = open_sqlite_again(folder.file());
  ASSERT_TRUE(again);
  EXPECT_TRUE(is_held(folder.file())) << "a second connection";
  auto credentials = open_credentials(folder.file(), ThrottleRules{});
  ASSERT_TRUE(credentials);
  EXPECT_TRUE(is_held(folder.file())) << "the passwords' connection";
  ASSERT_TRUE(check_register(folder.file(), Depth::full, never_stopped));
  EXPECT_TRUE(is_held(folder.file())) << "a check";
  const auto backup = folder.path() / "backup.db";
  ASSERT_TRUE(back_up(folder.file(), backup, never_stopped));
  EXPECT_TRUE(is_held(folder.file())) << "a backup";
  ASSERT_TRUE(check_backup(backup, never_stopped));
  ASSERT_TRUE(restore(backup, folder.file()));
  EXPECT_TRUE(is_held(folder.file())) << "a restore";
  fs::create_hard_link(folder.file(), folder.path() / "same.db");
  EXPECT_TRUE(check_backup(folder.path() / "same.db", never_stopped));
  EXPECT_TRUE(is_held(folder.file())) << "a backup that is the register itself";
  fs::resize_file(backup, 50);
  EXPECT_FALSE(check_backup(backup, never_stopped));
  EXPECT_TRUE(is_held(folder.file())) << "a refusal";
  credentials->reset();
  again->reset();
  EXPECT_TRUE(is_held(folder.file())) << "as long as one connection is open";
}

TEST(RegisterLocks, TheNextStartNeedsNoRoomForTheLogsFiles) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, "people: [{id: a, name: Ada}]");
  staff.reset();
  EXPECT_TRUE(fs::exists(folder.file().string() + "-shm"));
  ASSERT_TRUE(fs::exists(folder.file().string() + "-wal"));
  EXPECT_EQ(fs::file_size(folder.file().string() + "-wal"), 0U) << "what it held is in the register";
  EXPECT_EQ(open(folder.file())->person("a")->name, "Ada");
}

}  // namespace
}  // namespace cardgate::reg
