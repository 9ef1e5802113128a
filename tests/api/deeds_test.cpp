// SPDX-License-Identifier: Apache-2.0
// People's work while the world changes: a form on its way into the register, and a removal, which waits for nothing.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DeedWaits : public ::testing::Test {
 protected:
  DeedWaits() : session(house.sign_in(House::ada())) {}

  void begin() {
    call = house.begin("POST", "/v1/forms", {{"role", "supervisor-self-service"}, {"reason", "Ward 7"}},
                       House::ada());
  }
  Held begin_and_hold_number() {
    auto held = house.hold_register();
    begin();
    house.run_ready();
    return held;
  }
  Held begin_and_hold_record() {
    auto held = house.hold_log();
    begin();
    house.run_until([&] { return house.waiting_in_log() > 0; });
    return held;
  }
  /// The record is in the log, and the register has not been asked.
  Held begin_and_hold_change() {
    auto log = begin_and_hold_record();
    auto held = house.hold_register();
    log.release();
    EXPECT_THAT(house.records("form"), SizeIs(1));
    house.run_ready();
    EXPECT_FALSE(call->answered());
    return held;
  }
  void sign_out() {
    leaving = house.begin("DELETE", "/v1/sessions/" + session, {}, House::ada());
    house.run_ready();
  }
  void remove_ada() {
    removing = house.begin("POST", "/v1/removals",
                           {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
    house.run_until([&] { return house.owners().table.of_uid(1000).empty(); });
  }
  void expect_not_done(Held& held, int status, const char* error, const char* reason) {
    held.release();
    const auto reply = house.finish(call);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.error(), error) << reply.body;
    expect_no_form();
    const auto records = house.records("form");
    ASSERT_THAT(records, SizeIs(2)) << "as begun, and as not done";
    EXPECT_EQ(records[0].at("details").at("deed"), records[1].at("details").at("deed"));
    EXPECT_THAT(std::string(records[1].at("reason").as_string()), HasSubstr(reason));
  }
  /// Ada holds the form that she came with, and no other.
  void expect_no_form() {
    const auto ada = house.owners().roll.record_of("1000");
    ASSERT_TRUE(ada);
    EXPECT_THAT(ada->forms, SizeIs(1));
  }

  static constexpr const char* meanwhile = "not done: the session, or the right to do it, ended meanwhile";
  House house;
  std::string session;
  std::shared_ptr<House::Call> call, leaving, removing;
};

TEST_F(DeedWaits, NothingHappens) {
  begin();
  EXPECT_EQ(house.finish(call).status, 201);
  EXPECT_THAT(house.records("form"), SizeIs(1));
  EXPECT_THAT(house.owners().roll.record_of("1000")->forms, SizeIs(2));
}

TEST_F(DeedWaits, ThePersonSignsOutWhileTheFormGetsItsNumber) {
  auto held = begin_and_hold_number();
  sign_out();
  expect_not_done(held, 401, "no_session", meanwhile);
}

TEST_F(DeedWaits, ThePersonSignsOutWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  sign_out();
  expect_not_done(held, 401, "no_session", meanwhile);
}

TEST_F(DeedWaits, TheCardIsPulledWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  house.remove_card(House::reader_of(House::ada()));
  expect_not_done(held, 401, "no_session", meanwhile);
}

TEST_F(DeedWaits, ThePersonIsRemovedWhileTheRecordIsWritten) {
  house.sign_in(House::tia());
  auto held = begin_and_hold_record();
  remove_ada();
  expect_not_done(held, 401, "no_session", meanwhile);
  EXPECT_EQ(house.finish(removing).status, 200);
}

TEST_F(DeedWaits, TheLogFails) {
  auto held = begin_and_hold_record();
  House::break_disks();
  held.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_EQ(reply.error(), "audit_unavailable");
  EXPECT_THAT(house.records("form"), IsEmpty());
  expect_no_form();
}

TEST_F(DeedWaits, ThePersonSignsOutWhileTheRegisterIsBusy) {
  auto held = begin_and_hold_change();
  sign_out();
  expect_not_done(held, 401, "no_session", "not done: ");
}

TEST_F(DeedWaits, TheCardIsPulledWhileTheRegisterIsBusy) {
  auto held = begin_and_hold_change();
  house.remove_card(House::reader_of(House::ada()));
  expect_not_done(held, 401, "no_session", "not done: ");
}

TEST_F(DeedWaits, ThePersonIsRemovedWhileTheRegisterIsBusy) {
  house.sign_in(House::tia());
  auto held = begin_and_hold_change();
  remove_ada();
  expect_not_done(held, 401, "no_session", "not done: ");
  EXPECT_EQ(house.finish(removing).status, 200);
}

TEST_F(DeedWaits, TheRulesChangeWhileTheRegisterIsBusy) {
  auto held = begin_and_hold_change();
  house.change_policy("token_life: 5m", "token_life: 4m");
  house.reload();
  expect_not_done(held, 403, "not_yours_to_do", "not done: ");
}

// ---------------------------------------------------------------- whoever decides loses the right to

class DecisionWaits : public DeedWaits {
 protected:
  DecisionWaits() {
    house.sign_in(House::max());
    house.sign_in(House::tia());
    begin();
    const auto asked = house.finish(call);
    form = "/v1/forms/" + std::to_string(asked.json().at("id").as_int64());
    const auto verified = house.ask("POST", form + "/verify", House::max());
    EXPECT_EQ(verified.status, 200) << verified.body;
  }
  bool approved() {
    return house.owners().roll.record_of("1000")->forms.back().state == reg::Form::State::approved;
  }
  std::string form;
};

TEST_F(DecisionWaits, TheTeamMayApproveNoMore) {
  auto log = house.hold_log();
  call = house.begin("POST", form + "/approve", {}, House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  house.change_policy("approve-forms, ", "");
  house.reload();
  log.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_FALSE(approved());
  EXPECT_THAT(house.reasons("form"), Contains(meanwhile));
}

TEST_F(DecisionWaits, TheFormIsWithdrawnWhileItsApprovalIsRecorded) {
  auto log = house.hold_log();
  call = house.begin("POST", form + "/approve", {}, House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  const auto withdrawing = house.begin("POST", form + "/withdraw", {{"reason", "Not needed"}}, House::ada());
  house.run_until([&] {
    return house.owners().roll.record_of("1000")->forms.back().state == reg::Form::State::withdrawn;
  });
  log.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(house.finish(withdrawing).status, 200);
  EXPECT_FALSE(approved());
  EXPECT_THAT(house.reasons("form"), Contains(HasSubstr("not done: ")));
}

// ---------------------------------------------------------------- taking access away waits for nothing

class RemovalWaits : public DeedWaits {
 protected:
  RemovalWaits() { house.sign_in(House::tia()); }
};

TEST_F(RemovalWaits, ItIsInForceBeforeTheLogAndTheRegisterHaveIt) {
  auto log = house.hold_log();
  auto registered = house.hold_register();
  remove_ada();
  EXPECT_FALSE(removing->answered());
  log.release();
  registered.release();
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_THAT(house.records("removal"), SizeIs(1));
}

TEST_F(RemovalWaits, ItIsDoneAlthoughWhoeverAskedForItSignsOut) {
  auto registered = house.hold_register();
  remove_ada();
  house.remove_card(House::reader_of(House::tia()));
  registered.release();
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_THAT(house.records("removal"), SizeIs(1));
}

TEST_F(RemovalWaits, TheSameAgainIsToldToWait) {
  auto registered = house.hold_register();
  remove_ada();
  const auto again = house.ask("POST", "/v1/removals",
                               {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_EQ(again.error(), "busy");
  registered.release();
  EXPECT_EQ(house.finish(removing).status, 200);
}

TEST_F(RemovalWaits, ItIsInForceWhenTheLogFails) {
  auto log = house.hold_log();
  auto registered = house.hold_register();
  remove_ada();
  house.run_until([&] { return house.waiting_in_log() > 1; });
  House::break_disks();
  log.release();
  house.run_until([&] { return !house.owners().recorder.health().ok; });
  House::mend_disks();
  registered.release();
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_TRUE(house.owners().roll.record_of("1000")->removed);
}

}  // namespace
}  // namespace cardgate::testing
