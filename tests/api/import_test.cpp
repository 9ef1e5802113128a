// SPDX-License-Identifier: Apache-2.0
// A staff file is taken over whole or not at all.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Imports : public ::testing::Test {
 protected:
  static constexpr const char* newcomer = "id,Full Name,Hire Date\n5001,Zed Newcomer,2020-01-01\n";

  std::shared_ptr<House::Call> begin(const char* table, const std::string& query = {}) {
    return house.begin_with("POST", "/v1/staff/import" + query, "text/csv", table, House::root());
  }
  Reply import(const char* table, const std::string& query = {}) { return house.finish(begin(table, query)); }
  bool knows(const char* id) { return house.owners().roll.record_of(id).has_value(); }
  House house;
};

TEST_F(Imports, AFileIsTakenOver) {
  const auto reply = import(newcomer);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("added").as_int64(), 1);
  EXPECT_TRUE(knows("5001"));
  EXPECT_TRUE(knows("1000")) << "who is not in the file stays";
  EXPECT_THAT(house.records("import"), SizeIs(1));
}

TEST_F(Imports, ADryRunChangesNothing) {
  const auto reply = import(newcomer, "?dry_run=true");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("added").as_int64(), 1);
  EXPECT_FALSE(reply.json().at("stops").as_bool());
  EXPECT_FALSE(knows("5001"));
  EXPECT_EQ(import(newcomer, "?dry_run=yes").status, 400) << "a mistyped dry run is no import";
  EXPECT_FALSE(knows("5001"));
}

TEST_F(Imports, ABadLineTakesNothingOver) {
  const auto reply =
      import("id,Full Name,Hire Date\n5001,Zed Newcomer,2020-01-01\n5002,Yan Newcomer,31/02/2020\n");
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(reply.error(), "import_refused");
  ASSERT_THAT(reply.json().at("lines").as_array(), SizeIs(1));
  EXPECT_EQ(reply.json().at("lines").at(0).at("line").as_int64(), 3);
  EXPECT_FALSE(knows("5001"));
  EXPECT_THAT(house.reasons("import"), Contains("1 bad lines"));
}

TEST_F(Imports, ASecondOneAtOnceIsToldToWait) {
  auto held = house.hold_register();
  const auto first = begin(newcomer);
  house.run_ready();
  EXPECT_TRUE(house.ask("GET", "/v1/staff/import", House::root()).json().at("running").as_bool());
  const auto second = import("id,Full Name,Hire Date\n5002,Yan Newcomer,2020-01-01\n");
  EXPECT_EQ(second.status, 409) << second.body;
  EXPECT_EQ(second.error(), "busy");
  held.release();
  EXPECT_EQ(house.finish(first).status, 200);
  EXPECT_TRUE(knows("5001"));
  EXPECT_FALSE(knows("5002"));
  EXPECT_FALSE(house.ask("GET", "/v1/staff/import", House::root()).json().at("running").as_bool());
}

TEST_F(Imports, WhoeverHasLeftByTheFileIsSignedOutAtOnce) {
  const auto session = house.sign_in(House::ada());
  const auto reply = house.finish(house.begin_with(
      "POST", "/v1/staff/import", "application/yaml",
      "people: [{id: \"1000\", name: Ada Example, employed_from: 2020-01-01, employed_until: 2026-05-31}]",
      House::root()));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(house.ask("GET", "/v1/sessions/" + session, House::ada()).status, 404);
}

TEST_F(Imports, TheLogFailsWhenTheFileIsTakenOver) {
  auto held = house.hold_log();
  const auto call = begin(newcomer);
  house.run_until([&] { return house.waiting_in_log() > 0; });
  House::break_disks();
  held.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_EQ(reply.error(), "audit_unavailable");
  EXPECT_THAT(reply.text("detail"), HasSubstr("The file was taken over"));
  EXPECT_TRUE(knows("5001"));
}

TEST_F(Imports, TheLogFailsBeforeAnEmergencyGivesAccess) {
  auto held = house.hold_log();
  const auto call = begin(newcomer, "?break_glass=fire");
  house.run_until([&] { return house.waiting_in_log() > 0; });
  House::break_disks();
  held.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_FALSE(knows("5001"));
  EXPECT_THAT(house.records("break_glass"), IsEmpty());
}

}  // namespace
}  // namespace cardgate::testing
