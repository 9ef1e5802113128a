// SPDX-License-Identifier: Apache-2.0
// Notices: kept for the person until they dismiss them.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KeptNotice : public ::testing::Test {
 protected:
  KeptNotice() {
    for (const auto* who : {&House::ada(), &House::max(), &House::tia()}) house.sign_in(*who);
    const auto changed = house.ask("POST", "/v1/staff/1000/changes",
                                   {{"employed_until", "2026-12-31"}, {"reason", "Resigned"}}, House::tia());
    EXPECT_EQ(changed.status, 200) << changed.body;
    const auto listed = notices(House::ada());
    if (!listed.empty()) path = "/v1/notices/" + std::to_string(listed.front().at("id").as_int64());
  }
  json::array notices(const daemon::Peer& who) {
    return house.ask("GET", "/v1/notices", who).json().at("notices").as_array();
  }
  House house;
  std::string path = "/v1/notices/0";
};

TEST_F(KeptNotice, IsListedUntilItIsDismissed) {
  const auto listed = notices(House::ada());
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_THAT(std::string(listed.front().at("text").as_string()), HasSubstr("last day of employment"));
  EXPECT_EQ(house.ask("DELETE", path, House::ada()).status, 204);
  EXPECT_THAT(notices(House::ada()), IsEmpty());
  const auto records = house.records("notice");
  ASSERT_FALSE(records.empty());
  EXPECT_EQ(records.back().at("details").at("act").as_string(), "dropped");
  EXPECT_EQ(records.back().at("person").as_string(), "1000");
}

TEST_F(KeptNotice, IsNobodyElsesToSeeOrDismiss) {
  EXPECT_THAT(notices(House::max()), IsEmpty());
  EXPECT_EQ(house.ask("DELETE", path, House::max()).status, 404);
  EXPECT_THAT(notices(House::ada()), SizeIs(1));
}

TEST_F(KeptNotice, IsDismissedOnceByTwoWhoAskAtTheSameTime) {
  auto held = house.hold_register();
  const auto first = house.begin("DELETE", path, {}, House::ada());
  const auto second = house.begin("DELETE", path, {}, House::ada());
  house.run_ready();
  held.release();
  EXPECT_EQ(house.finish(first).status, 204);
  EXPECT_EQ(house.finish(second).status, 404);
}

}  // namespace
}  // namespace cardgate::testing
