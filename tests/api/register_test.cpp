// SPDX-License-Identifier: Apache-2.0
// The register's file in root's hands: a backup brings back what was, but gives no access back that was taken away since.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RegisterCopies : public ::testing::Test {
 protected:
  Reply back_up() { return house.ask("POST", "/v1/register/backup", {{"file", "monday.db"}}, House::root()); }
  std::shared_ptr<House::Call> begin_to_restore() {
    return house.begin("POST", "/v1/register/restore", {{"file", "monday.db"}}, House::root());
  }
  std::shared_ptr<House::Call> begin_to_remove_ada() {
    return house.begin("POST", "/v1/removals", {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}},
                       House::tia());
  }
  void bring_newcomer() {
    const auto brought = house.finish(
        house.begin_with("POST", "/v1/staff/import", "text/csv",
                         "id,Full Name,Hire Date\n5001,Zed Newcomer,2020-01-01\n", House::root()));
    ASSERT_EQ(brought.status, 200) << brought.body;
  }
  Result<reg::Person> record_of(const char* id) { return house.owners().roll.record_of(id); }
  std::filesystem::path copy() { return house.dir / "state/backups/monday.db"; }
  House house;
};

TEST_F(RegisterCopies, ACheckFindsTheRegisterWhole) {
  house.run_until([&] { return !house.owners().register_desk.last_check().running; });
  const auto check = house.ask("GET", "/v1/register/check", House::root());
  ASSERT_EQ(check.status, 200) << check.body;
  EXPECT_TRUE(check.json().at("whole").as_bool());
  const auto shown = house.ask("GET", "/v1/register", House::root());
  EXPECT_EQ(shown.text("check"), "whole") << shown.body;
  EXPECT_EQ(shown.text("checked_at"), "2026-06-01T12:00:00.000Z");
  EXPECT_EQ(house.ask("GET", "/v1/register", House::ada()).status, 404) << "for root alone";
}

TEST_F(RegisterCopies, ABackupBringsBackWhatWas) {
  const auto copied = back_up();
  ASSERT_EQ(copied.status, 200) << copied.body;
  EXPECT_EQ(copied.text("path"), copy().string());
  const auto again = back_up();
  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_EQ(again.error(), "file_exists");
  bring_newcomer();
  const auto restored = house.finish(begin_to_restore());
  ASSERT_EQ(restored.status, 200) << restored.body;
  EXPECT_FALSE(record_of("5001"));
  EXPECT_TRUE(record_of("1000"));
  EXPECT_THAT(house.reasons("register_copied"), Contains("backup"));
  EXPECT_THAT(house.reasons("register_copied"), Contains("restore"));
}

TEST_F(RegisterCopies, ARemovalSinceTheBackupStays) {
  house.sign_in(House::tia());
  ASSERT_EQ(back_up().status, 200);
  ASSERT_EQ(house.finish(begin_to_remove_ada()).status, 200);
  const auto restored = house.finish(begin_to_restore());
  ASSERT_EQ(restored.status, 200) << restored.body;
  ASSERT_THAT(restored.json().at("still_removed").as_array(), SizeIs(1)) << restored.body;
  EXPECT_EQ(restored.json().at("still_removed").at(0).at("id").as_string(), "1000");
  EXPECT_TRUE(record_of("1000")->removed);
}

TEST_F(RegisterCopies, ARemovalWhileTheRegisterIsRestoredStays) {
  house.sign_in(House::ada());
  house.sign_in(House::tia());
  ASSERT_EQ(back_up().status, 200);
  auto held = house.hold_register();
  const auto restoring = begin_to_restore();
  house.run_ready();
  const auto removing = begin_to_remove_ada();
  house.run_until([&] { return house.owners().table.of_uid(1000).empty(); });
  held.release();
  EXPECT_EQ(house.finish(restoring).status, 200);
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_TRUE(record_of("1000")->removed);
  house.insert_card(House::ada());
  EXPECT_EQ(house.ask("POST", "/v1/sessions", house.with_card(House::ada()), House::ada()).status, 403);
}

TEST_F(RegisterCopies, AFileThatIsNoBackupChangesNothing) {
  ASSERT_EQ(house.ask("GET", "/v1/register", House::root()).status, 200);  // makes the folder
  ASSERT_TRUE(write_file_atomic(copy(), as_bytes("not a register"), 0600));
  bring_newcomer();
  const auto reply = house.finish(begin_to_restore());
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(reply.error(), "backup_refused");
  EXPECT_TRUE(record_of("5001"));
  const auto elsewhere =
      house.ask("POST", "/v1/register/restore", {{"file", "../register.db"}}, House::root());
  EXPECT_EQ(elsewhere.status, 400) << elsewhere.body;
}

TEST_F(RegisterCopies, NoCopyIsLeftThatIsNotOnRecord) {
  auto held = house.hold_log();
  const auto call = house.begin("POST", "/v1/register/backup", {{"file", "monday.db"}}, House::root());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  EXPECT_TRUE(std::filesystem::exists(copy()));
  House::break_disks();
  held.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_FALSE(std::filesystem::exists(copy()));
  EXPECT_THAT(house.records("register_copied"), IsEmpty());
}

}  // namespace
}  // namespace cardgate::testing
