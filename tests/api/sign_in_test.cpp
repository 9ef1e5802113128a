// SPDX-License-Identifier: Apache-2.0
// Sign-in by card while the world changes: nothing opens that would not open now, and the log says so.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class SignInByCard : public ::testing::Test {
 protected:
  SignInByCard() { house.insert_card(House::ada()); }

  void begin() { call = house.begin("POST", "/v1/sessions", house.with_card(House::ada()), House::ada()); }
  /// The card works, and does not answer yet.
  void begin_and_hold_card() {
    house.driver->hold();
    begin();
    house.run_until([&] { return house.driver->held(); });
  }
  /// The card has signed, and the record is not in the log yet.
  Held begin_and_hold_record() {
    auto held = house.hold_log();
    begin();
    house.run_until([&] { return house.waiting_in_log() > 0; });
    EXPECT_EQ(house.driver->passcodes_spent(), 1);
    return held;
  }
  Reply let_card_go_on() {
    house.driver->release();
    return house.finish(call);
  }
  Reply let_log_go_on(Held& held) {
    held.release();
    return house.finish(call);
  }
  void expect_refused(const Reply& reply, int status, const char* error) {
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.error(), error) << reply.body;
    EXPECT_THAT(house.owners().table.all(), IsEmpty()) << "a session opened";
  }
  /// Recorded as done, and then as not done.
  void expect_taken_back(const char* reason) {
    const auto done = house.records("sign_in");
    ASSERT_THAT(done, SizeIs(1));
    for (const auto& refused : house.records("sign_in_refused")) {
      if (refused.at("reason").as_string() != std::string("not done: ") + reason) continue;
      EXPECT_EQ(refused.at("session").as_string(), done.front().at("session").as_string());
      EXPECT_EQ(refused.at("person").as_string(), "1000");
      return;
    }
    ADD_FAILURE() << "nothing says that the sign-in was not done: "
                  << ::testing::PrintToString(house.reasons("sign_in_refused"));
  }
  House house;
  std::shared_ptr<House::Call> call;
};

// ---------------------------------------------------------------- while the card works

TEST_F(SignInByCard, TheCardIsPulledWhileItSigns) {
  begin_and_hold_card();
  house.remove_card(House::reader_of(House::ada()));
  expect_refused(let_card_go_on(), 404, "no_card");
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("no_card"));
}

TEST_F(SignInByCard, TheCardIsPulledAndPutBackWhileItSigns) {
  begin_and_hold_card();
  house.remove_card(House::reader_of(House::ada()));
  house.driver->put(House::reader_of(House::ada()), house.card_of(House::ada()));
  house.hear(pcsc::ReaderEvent::Kind::card_inserted, House::reader_of(House::ada()), 99);
  expect_refused(let_card_go_on(), 404, "no_card");
  EXPECT_THAT(house.records("sign_in"), IsEmpty()) << "another insertion, so another passcode";
}

TEST_F(SignInByCard, TheReaderServiceGoesWhileTheCardSigns) {
  begin_and_hold_card();
  house.hear(pcsc::ReaderEvent::Kind::service_down, {}, 0, {Errc::pcsc_no_service, "pcscd hangs"});
  expect_refused(house.finish(call), 503, "pcscd_unavailable");
  EXPECT_EQ(house.driver->passcodes_spent(), 0);
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(SignInByCard, WhoeverAskedLeavesWhileTheCardSigns) {
  begin_and_hold_card();
  call->leave();
  expect_refused(house.finish(call), 408, "request_timeout");
  EXPECT_EQ(house.driver->passcodes_spent(), 0);
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(SignInByCard, ASecondAttemptWithTheSameCardWaitsForNothing) {
  begin_and_hold_card();
  const auto second = house.ask("POST", "/v1/sessions", house.with_card(House::ada()), House::ada());
  EXPECT_EQ(second.status, 409) << second.body;
  EXPECT_EQ(second.error(), "busy");
  const auto first = let_card_go_on();
  EXPECT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(house.driver->passcodes_spent(), 1);
  EXPECT_THAT(house.records("sign_in"), SizeIs(1));
}

TEST_F(SignInByCard, TheServiceStopsWhileTheCardSigns) {
  begin_and_hold_card();
  house.service().shut_down();
  expect_refused(house.finish(call), 503, "draining");
  EXPECT_EQ(house.driver->passcodes_spent(), 0);
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(SignInByCard, TheClientLosesItsRightWhileTheCardSigns) {
  begin_and_hold_card();
  house.write_config("[{name: other, match: {user: 9}, sign_in: true}]");
  house.reload();
  expect_refused(let_card_go_on(), 403, "sign_in_not_allowed");
  expect_taken_back("the program or the seat lost its right meanwhile");
}

TEST_F(SignInByCard, ThePersonIsRemovedWhileTheCardSigns) {
  house.sign_in(House::tia());
  begin_and_hold_card();
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  const auto reply = let_card_go_on();
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(house.owners().table.of_uid(1000).size(), 0U);
  EXPECT_THAT(house.reasons("sign_in_refused"),
              Contains("not done: access ended while the sign-in was being recorded"));
}

// ---------------------------------------------------------------- while the record is written

TEST_F(SignInByCard, TheCardIsPulledWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  house.remove_card(House::reader_of(House::ada()));
  expect_refused(let_log_go_on(held), 404, "no_card");
  expect_taken_back("the card was taken out while the sign-in was being recorded");
}

TEST_F(SignInByCard, WhoeverAskedLeavesWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  call->leave();
  expect_refused(let_log_go_on(held), 408, "request_timeout");
  expect_taken_back("the program that asked left while the sign-in was being recorded");
}

TEST_F(SignInByCard, TheServiceStopsWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  house.service().shut_down();
  expect_refused(let_log_go_on(held), 503, "draining");
  expect_taken_back("the service stopped");
}

TEST_F(SignInByCard, TheClientLosesItsRightWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  house.write_config("[{name: other, match: {user: 9}, sign_in: true}]");
  house.reload();
  expect_refused(let_log_go_on(held), 403, "sign_in_not_allowed");
  expect_taken_back("the program or the seat lost its right meanwhile");
}

TEST_F(SignInByCard, TheLogFails) {
  auto held = begin_and_hold_record();
  House::break_disks();
  const auto reply = let_log_go_on(held);
  House::mend_disks();
  expect_refused(reply, 503, "audit_unavailable");
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(SignInByCard, TheSameCardSignsInAgainWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  const auto first = call;
  begin();
  house.run_until([&] { return house.waiting_in_log() > 1; });
  held.release();
  EXPECT_EQ(house.finish(first).status, 201);
  const auto second = house.finish(call);
  EXPECT_EQ(second.status, 201) << second.body;
  const auto open = house.owners().table.all();
  ASSERT_THAT(open, SizeIs(1)) << "one session a card";
  EXPECT_EQ(open.front()->id, second.text("id"));
  EXPECT_THAT(house.records("sign_in"), SizeIs(2));
  EXPECT_THAT(house.reasons("session_ended"), Contains("signed_in_again"));
}

TEST_F(SignInByCard, AnotherUserSignsInWithTheCardWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record();
  const auto others = house.begin("POST", "/v1/sessions", house.with_card(House::ada()), House::max());
  house.run_until([&] { return house.waiting_in_log() > 1; });
  held.release();
  EXPECT_EQ(house.finish(call).status, 201);
  const auto second = house.finish(others);
  EXPECT_EQ(second.status, 409) << second.body;
  EXPECT_EQ(second.error(), "card_in_use");
  EXPECT_THAT(house.owners().table.of_uid(2000), IsEmpty());
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains(StartsWith("not done: ")));
}

// ---------------------------------------------------------------- resuming a locked session

class ResumeByCard : public SignInByCard {
 protected:
  ResumeByCard() {
    begin();
    session = house.finish(call).text("id");
    const auto token = house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
    EXPECT_EQ(token.status, 200) << token.body;
    house.forward(std::chrono::minutes(16));
    EXPECT_TRUE(house.owners().table.find(session)->locked);
  }
  void begin_resuming() {
    call = house.begin("POST", "/v1/sessions/" + session + "/resume", house.with_card(House::ada()),
                       House::ada());
  }
  Held resume_and_hold_record() {
    auto held = house.hold_log();
    begin_resuming();
    house.run_until([&] { return house.waiting_in_log() > 0; });
    return held;
  }
  void expect_taken_back_in_session(const char* reason) {
    EXPECT_THAT(house.owners().table.all(), IsEmpty());
    EXPECT_THAT(house.records("session_resumed"), SizeIs(1));
    EXPECT_THAT(house.reasons("sign_in_refused"), Contains(std::string("not done: ") + reason));
  }
  std::string session;
};

TEST_F(ResumeByCard, NothingHappens) {
  begin_resuming();
  EXPECT_EQ(house.finish(call).status, 200);
  EXPECT_FALSE(house.owners().table.find(session)->locked);
}

TEST_F(ResumeByCard, ThePersonSignsOutWhileTheRecordIsWritten) {
  auto held = resume_and_hold_record();
  const auto out = house.begin("DELETE", "/v1/sessions/" + session, {}, House::ada());
  house.run_ready();
  EXPECT_EQ(let_log_go_on(held).status, 404);
  EXPECT_EQ(house.finish(out).status, 204);
  expect_taken_back_in_session("the session ended while it was being resumed");
}

TEST_F(ResumeByCard, TheCardIsPulledWhileTheRecordIsWritten) {
  auto held = resume_and_hold_record();
  house.remove_card(House::reader_of(House::ada()));
  EXPECT_EQ(let_log_go_on(held).error(), "no_card");
  expect_taken_back_in_session("the card was taken out while the sign-in was being recorded");
}

TEST_F(ResumeByCard, TheLogFailsAndTheSessionStaysLocked) {
  auto held = resume_and_hold_record();
  House::break_disks();
  const auto reply = let_log_go_on(held);
  House::mend_disks();
  EXPECT_EQ(reply.error(), "audit_unavailable");
  EXPECT_TRUE(house.owners().table.find(session)->locked);
}

}  // namespace
}  // namespace cardgate::testing
