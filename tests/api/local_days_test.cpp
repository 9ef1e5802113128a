// SPDX-License-Identifier: Apache-2.0
// The service lives by the days of the hospital's time zone. The house begins on 1 June 2026 at noon, UTC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;

class LocalDays : public ::testing::Test {
 protected:
  void live_in(const std::string& zone) {
    house.write_config(House::usual_clients() + "time_zone: " + zone + "\n");
    house.reload();
  }
  Reply leaves_today() {
    return house.ask("POST", "/v1/staff/1000/changes",
                     {{"employed_until", "2026-06-01"}, {"reason", "Resigned"}}, House::tia());
  }
  int token_status() {
    return house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada()).status;
  }
  House house;
};

TEST_F(LocalDays, ASessionEndsWhenTheLastDayDoesWhereTheHospitalIs) {
  live_in("Europe/London");
  house.forward(hours(10));
  house.sign_in(House::tia());
  house.sign_in(House::ada());
  ASSERT_EQ(leaves_today().status, 200);
  house.forward(minutes(59));
  EXPECT_EQ(token_status(), 200) << "22:59 UTC is 23:59 in London";
  house.forward(minutes(1));
  EXPECT_EQ(token_status(), 401) << "the session ended at local midnight";
}

TEST_F(LocalDays, TheDayThatIsWrittenDownIsTheLocalOne) {
  live_in("Europe/London");
  house.forward(hours(11) + minutes(30));  // half past midnight on 2 June in London
  house.sign_in(House::ada());
  const auto made = house.ask("POST", "/v1/forms", {{"role", "core"}, {"reason", "Rotas"}}, House::ada());
  ASSERT_EQ(made.status, 201) << made.body;
  const auto forms = house.ask("GET", "/v1/forms", House::ada());
  EXPECT_THAT(forms.body, HasSubstr("2026-06-02")) << forms.body;
}

TEST_F(LocalDays, AReloadTakesTheZoneOverAndBack) {
  house.forward(hours(10));
  house.sign_in(House::tia());
  house.sign_in(House::ada());
  ASSERT_EQ(leaves_today().status, 200);
  live_in("Europe/London");
  live_in("UTC");
  house.forward(minutes(90));
  EXPECT_EQ(token_status(), 200) << "half past eleven in the evening, UTC";
  live_in("Europe/London");
  house.run_ready();
  EXPECT_EQ(token_status(), 401) << "half past midnight in London";
}

}  // namespace
}  // namespace cardgate::testing
