// SPDX-License-Identifier: Apache-2.0
// Downtime on file: written, read, over; what a backup and an older file make of it.
#include <SQLiteCpp/SQLiteCpp.h>

#include <atomic>

#include "register/upkeep.hpp"
#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WallTime at(std::int64_t unix_seconds) {
  return WallTime(seconds(unix_seconds));
}

Downtime example(std::int64_t id, Downtime::Kind kind = Downtime::Kind::planned) {
  Downtime out;
  out.id = id;
  out.kind = kind;
  out.severity = "high";
  out.from = at(1'780'000'000);
  if (kind == Downtime::Kind::planned) out.until = at(1'780'003'600);
  out.text = "ESR is upgraded";
  out.made_by = "ben";
  out.made_at = out.told_at = at(1'770'000'000);
  return out;
}

TEST(DowntimeOnFile, IsReadAsItWasWritten) {
  Folder folder;
  auto staff = open(folder.file());
  auto emergency = example(2, Downtime::Kind::emergency);
  emergency.closes = false;
  ASSERT_TRUE(staff->save_downtime(example(1)));
  ASSERT_TRUE(staff->save_downtime(emergency));
  staff = open(folder.file());
  const auto found = staff->downtimes();
  ASSERT_TRUE(found);
  EXPECT_THAT(found->open, ElementsAre(example(1), emergency));
  EXPECT_EQ(found->last, 2);
}

TEST(DowntimeOnFile, WhatIsOverIsKeptAndItsNumberIsNotUsedAgain) {
  Folder folder;
  auto staff = open(folder.file());
  auto over = example(3);
  ASSERT_TRUE(staff->save_downtime(over));
  over.state = Downtime::State::withdrawn;
  over.ended_at = at(1'775'000'000);
  ASSERT_TRUE(staff->save_downtime(over));
  const auto found = staff->downtimes();
  EXPECT_THAT(found->open, IsEmpty());
  EXPECT_EQ(found->last, 3);
  SQLite::Database file(folder.file().string());
  EXPECT_EQ(file.execAndGet("SELECT state FROM downtime WHERE id = 3").getString(), "withdrawn");
}

TEST(DowntimeOnFile, IsWrittenWithWhatGoesWithItOrNotAtAll) {
  Folder folder;
  auto staff = open(folder.file());
  const auto refused =
      staff->save_downtime(example(1), [] { return Result<void>(Error{Errc::io, "the disk"}); });
  EXPECT_FALSE(refused);
  EXPECT_THAT(staff->downtimes()->open, IsEmpty());
}

TEST(DowntimeOnFile, ABackupBringsNoneBackAndTakesNoneAway) {
  Folder folder;
  const std::atomic<bool> go_on = false;
  auto staff = open(folder.file());
  ASSERT_TRUE(staff->save_downtime(example(1)));
  const auto backup = folder.path() / "backup.db";
  ASSERT_TRUE(back_up(folder.file(), backup, go_on));
  auto over = example(1);
  over.state = Downtime::State::ended;
  ASSERT_TRUE(staff->save_downtime(over));
  ASSERT_TRUE(staff->save_downtime(example(2)));
  ASSERT_TRUE(check_backup(backup, go_on));
  ASSERT_TRUE(restore(backup, folder.file()));
  const auto found = staff->downtimes();
  ASSERT_TRUE(found);
  EXPECT_THAT(found->open, ElementsAre(example(2)));
  EXPECT_EQ(found->last, 2);
}

TEST(FaultsOnFile, AreReadAsTheyWereWrittenUntilTheyAreClosed) {
  Folder folder;
  auto staff = open(folder.file());
  Fault fault;
  fault.id = 4;
  fault.reported_by = "uid 1000";
  fault.reported_at = fault.told_at = at(1'780'000'000);
  fault.text = "The printers do not work";
  ASSERT_TRUE(staff->save_fault(fault));
  fault.state = Fault::State::classed;
  fault.severity = "high";
  fault.told = "No printing on ward 4";
  fault.classed_by = "ben";
  fault.classed_at = fault.expected = at(1'780'000'600);
  fault.ticket = "INC1";
  ASSERT_TRUE(staff->save_fault(fault));
  staff = open(folder.file());
  EXPECT_THAT(staff->faults()->open, ElementsAre(fault));
  fault.state = Fault::State::closed;
  ASSERT_TRUE(staff->save_fault(fault));
  EXPECT_THAT(staff->faults()->open, IsEmpty());
  EXPECT_EQ(staff->faults()->last, 4);
}

TEST(DowntimeOnFile, AFileOfTheLayoutBeforeGetsTheTable) {
  Folder folder;
  open(folder.file());
  {
    SQLite::Database old(folder.file().string(), SQLite::OPEN_READWRITE);
    old.exec(
        "DROP TABLE fault; DROP TABLE downtime; ALTER TABLE notice DROP COLUMN read; PRAGMA user_version = "
        "6");
  }
  auto staff = open(folder.file());
  ASSERT_TRUE(staff);
  EXPECT_EQ(staff->downtimes()->last, 0);
  EXPECT_TRUE(staff->save_downtime(example(1)));
}

}  // namespace
}  // namespace cardgate::reg
