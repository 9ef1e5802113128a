// SPDX-License-Identifier: Apache-2.0
// Sign-in by password and the change of one while the world changes: in the order of their waits.
#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/password.hpp"
#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PasswordWaits : public ::testing::Test {
 protected:
  static constexpr const char* another = "quite another one 77";

  std::shared_ptr<House::Call> sign_in() {
    return house.begin("POST", "/v1/sessions", {{"username", "eve"}, {"password", House::password}},
                       House::eve());
  }
  std::shared_ptr<House::Call> change() {
    return house.begin("POST", "/v1/password",
                       {{"username", "eve"}, {"password", House::password}, {"new_password", another}},
                       House::eve());
  }
  bool fits(const char* password) {
    return house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", password}}, House::eve())
               .status == 201;
  }
  bool compared() {
    return house.owners().recorder.metrics({}).find("password_hashes_total 1") != std::string::npos;
  }
  /// The password was right, and the register does not know that yet.
  Held begin_and_hold_success(const std::function<std::shared_ptr<House::Call>()>& asks) {
    call = asks();
    house.pass_register();  // the try is counted there, and the comparison has begun
    auto held = house.hold_register();
    house.run_until([&] { return compared(); });
    return held;
  }
  Held begin_and_hold_record(const std::function<std::shared_ptr<House::Call>()>& asks) {
    auto held = house.hold_log();
    call = asks();
    house.run_until([&] { return house.waiting_in_log() > 0; });
    return held;
  }
  void remove_eve() {
    house.run_until([&, removing = remove()] { return removing->answered() || removed(); });
  }
  std::shared_ptr<House::Call> remove() {
    return house.begin("POST", "/v1/removals", {{"person", "4000"}, {"reason", "Left"}, {"at_once", true}},
                       House::tia());
  }
  bool removed() {
    const auto eve = house.owners().roll.record_of("4000");
    return eve && eve->removed;
  }
  void expect_refused(Held& held, int status, const char* error) {
    held.release();
    const auto reply = house.finish(call);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.error(), error) << reply.body;
    EXPECT_THAT(house.owners().table.of_uid(4000), IsEmpty()) << "a session opened";
  }
  void take_right_from_client() {
    house.write_config("[{name: other, match: {user: 9}, sign_in: true}]");
    house.reload();
  }

  House house;
  std::shared_ptr<House::Call> call;
};

// ---------------------------------------------------------------- sign-in, while the password is checked

TEST_F(PasswordWaits, ThePersonIsRemovedWhileThePasswordIsCompared) {
  house.sign_in(House::tia());
  auto held = begin_and_hold_success([&] { return sign_in(); });
  remove_eve();
  expect_refused(held, 403, "access_denied");
  for (const auto& record : house.records("sign_in")) EXPECT_NE(record.at("person").as_string(), "4000");
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("not-removed"));
}

TEST_F(PasswordWaits, TheClientLosesItsRightWhileThePasswordIsCompared) {
  auto held = begin_and_hold_success([&] { return sign_in(); });
  take_right_from_client();
  expect_refused(held, 403, "sign_in_not_allowed");
  EXPECT_THAT(house.reasons("sign_in_refused"),
              Contains("not done: the program may no longer sign people in"));
}

TEST_F(PasswordWaits, TheServiceStopsWhileThePasswordIsLookedUp) {
  auto held = house.hold_register();
  call = sign_in();
  house.run_ready();
  house.service().shut_down();
  expect_refused(held, 503, "passwords_busy");
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(PasswordWaits, TheServiceStopsWhileTheTryIsCounted) {
  auto held = begin_and_hold_success([&] { return sign_in(); });
  house.service().shut_down();
  expect_refused(held, 503, "draining");
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("draining"));
}

TEST_F(PasswordWaits, ThePasswordIsChangedWhileItIsCompared) {
  auto held = begin_and_hold_success([&] { return sign_in(); });
  // As when a copy of the register is restored.
  house.owners().passwords.all_changed();
  expect_refused(held, 401, "password_incorrect");
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("not done: the password was changed meanwhile"));
}

// ---------------------------------------------------------------- sign-in, while the record is written

TEST_F(PasswordWaits, ThePersonIsRemovedWhileTheRecordIsWritten) {
  house.sign_in(House::tia());
  auto held = begin_and_hold_record([&] { return sign_in(); });
  remove_eve();
  expect_refused(held, 403, "access_denied");
  EXPECT_THAT(house.reasons("session_ended"), Contains("access_lost"));
}

TEST_F(PasswordWaits, TheClientLosesItsRightWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record([&] { return sign_in(); });
  take_right_from_client();
  expect_refused(held, 403, "sign_in_not_allowed");
  EXPECT_THAT(house.reasons("sign_in_refused"),
              Contains("not done: the program may no longer sign people in"));
}

TEST_F(PasswordWaits, ThePasswordIsChangedWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record([&] { return sign_in(); });
  house.owners().passwords.all_changed();
  expect_refused(held, 401, "password_incorrect");
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("not done: the password was changed meanwhile"));
}

TEST_F(PasswordWaits, TheServiceStopsWhileTheRecordIsWritten) {
  auto held = begin_and_hold_record([&] { return sign_in(); });
  house.service().shut_down();
  expect_refused(held, 503, "draining");
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("not done: the service stopped"));
}

TEST_F(PasswordWaits, TheLogFailsAtSignIn) {
  auto held = begin_and_hold_record([&] { return sign_in(); });
  House::break_disks();
  expect_refused(held, 503, "audit_unavailable");
  House::mend_disks();
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(PasswordWaits, ThePersonSignsOutWhileTheirSessionIsResumed) {
  call = sign_in();
  const auto session = house.finish(call).text("id");
  ASSERT_EQ(
      house.ask("POST", "/v1/token", {{"role", "employee-self-service"}, {"audience", "esr"}}, House::eve())
          .status,
      200);
  house.forward(std::chrono::minutes(16));
  ASSERT_TRUE(house.owners().table.find(session)->locked);
  auto held = begin_and_hold_record([&] {
    return house.begin("POST", "/v1/sessions/" + session + "/resume",
                       {{"username", "eve"}, {"password", House::password}}, House::eve());
  });
  const auto out = house.begin("DELETE", "/v1/sessions/" + session, {}, House::eve());
  house.run_ready();
  expect_refused(held, 404, "not_found");
  EXPECT_EQ(house.finish(out).status, 204);
  EXPECT_THAT(house.reasons("sign_in_refused"),
              Contains("not done: the session ended while it was being resumed"));
}

// ---------------------------------------------------------------- changing it

TEST_F(PasswordWaits, APasswordIsChanged) {
  call = change();
  EXPECT_EQ(house.finish(call).status, 204);
  EXPECT_TRUE(fits(another));
  EXPECT_FALSE(fits(House::password));
  EXPECT_THAT(house.records("password_changed"), SizeIs(1));
}

TEST_F(PasswordWaits, ThePersonIsRemovedBeforeTheirPasswordIsChanged) {
  house.sign_in(House::tia());
  auto held = begin_and_hold_success([&] { return change(); });
  remove_eve();
  expect_refused(held, 403, "access_denied");
  EXPECT_THAT(house.records("password_changed"), IsEmpty());
}

TEST_F(PasswordWaits, TheServiceStopsBeforeThePasswordIsChanged) {
  auto held = house.hold_register();
  call = change();
  house.run_ready();
  house.service().shut_down();
  expect_refused(held, 503, "passwords_busy");
  EXPECT_THAT(house.records("password_changed"), IsEmpty());
}

TEST_F(PasswordWaits, TheLogFailsBeforeThePasswordIsChanged) {
  auto held = begin_and_hold_record([&] { return change(); });
  House::break_disks();
  expect_refused(held, 503, "audit_unavailable");
  House::mend_disks();
  EXPECT_THAT(house.records("password_changed"), IsEmpty());
}

TEST_F(PasswordWaits, AnotherChangeComesFirst) {
  auto held = begin_and_hold_record([&] { return change(); });
  const auto hash = hash_password(Secret(std::string_view("the first of two")), {1, 8U << 20U}).value();
  std::function<Result<void>(reg::Credentials&)> save = [hash,
                                                         at = house.clock.wall()](reg::Credentials& file) {
    return file.set_password({"4000", hash, false, {}}, {}, at);
  };
  boost::asio::co_spawn(house.owners().io, house.owners().register_threads.on_file<void>(std::move(save)),
                        boost::asio::detached);
  house.pass_register();
  expect_refused(held, 409, "password_changed");
  EXPECT_TRUE(fits("the first of two"));
  const auto reasons = house.reasons("password_changed");
  ASSERT_THAT(reasons, SizeIs(2));
  EXPECT_THAT(reasons.back(), HasSubstr("not done: "));
}

}  // namespace
}  // namespace cardgate::testing
