// SPDX-License-Identifier: Apache-2.0
// A wall clock that is set while the service runs, both ways.
#include <gtest/gtest.h>

#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

using std::chrono::hours;
using testing::Stage;

class SetClock : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.with_calendar();
    stage.up();
    stage.insert_and_wait();
  }
  /// As ClockWatch would see it: the next question about the service's state notices.
  void set(hours ahead) {
    stage.set_clock(ahead);
    EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
  }
  std::string problems() const {
    return json::serialize(stage.ask("GET", "/v1/status").json().at("service").at("problems"));
  }
  Stage stage;
};

TEST_F(SetClock, FarForwardShutsEverybodyOutUntilItIsPutRight) {
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  set(hours(24 * 60));  // past the CRLs
  EXPECT_FALSE(stage.is_active(token));
  EXPECT_EQ(stage.token().error(), "no_session");
  EXPECT_EQ(stage.sign_in().error(), "certificate_refused");
  EXPECT_TRUE(stage.audit_says("the clock was set forward by"));
  set(hours(0));
  EXPECT_EQ(problems().find("clock"), std::string::npos) << problems();
  EXPECT_TRUE(stage.audit_says("was put right"));
  const auto session = stage.sign_in();
  EXPECT_EQ(session.status, 201) << session.body;
  EXPECT_EQ(stage.token().status, 200);
}

TEST_F(SetClock, WhatWasOpenedInAWrongFutureEndsWhenTheClockIsPutRight) {
  set(hours(24));
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_TRUE(stage.is_active(token));
  set(hours(0));
  EXPECT_FALSE(stage.is_active(token));
  EXPECT_EQ(stage.token().error(), "no_session");
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(SetClock, BackIsNotBelieved) {
  ASSERT_EQ(stage.sign_in().status, 201);
  set(-hours(48));
  EXPECT_NE(problems().find("The clock was set back by"), std::string::npos) << problems();
  EXPECT_TRUE(stage.audit_says("the clock was set back by"));
  EXPECT_EQ(stage.token().status, 200) << "but nobody is shut out for it";
  set(hours(0));
  EXPECT_EQ(problems().find("clock"), std::string::npos) << problems();
  EXPECT_TRUE(stage.audit_says("is right again"));
}

}  // namespace
}  // namespace cardgate
