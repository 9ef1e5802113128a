// SPDX-License-Identifier: Apache-2.0
// A token is entered at once and leaves only when its record is in the log. What changes in between takes it back.
#include <gmock/gmock.h>

#include <set>

#include "proto/token.hpp"
#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// With so many threads that sign beside the service's own.
class TokenWaits : public ::testing::TestWithParam<std::size_t> {
 protected:
  TokenWaits() : house(GetParam()), session(house.sign_in(House::ada())) {}

  Held begin_and_hold_record() {
    auto held = house.hold_log();
    call = house.begin("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
    house.run_until([&] { return house.waiting_in_log() > 0; });
    EXPECT_EQ(house.owners().table.token_count(), 1U);
    return held;
  }
  void expect_refused(Held& held, int status, const char* error) {
    held.release();
    const auto reply = house.finish(call);
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.error(), error) << reply.body;
    EXPECT_EQ(reply.body.find("access_token"), std::string::npos);
    EXPECT_EQ(house.owners().table.token_count(), 0U) << "a token lives";
  }
  /// Recorded as issued, and then as not sent, with the same number.
  void expect_taken_back(const std::string& reason) {
    const auto issued = house.records("token");
    ASSERT_THAT(issued, SizeIs(1));
    const auto refused = house.records("token_refused");
    ASSERT_THAT(refused, SizeIs(1));
    EXPECT_EQ(refused.front().at("reason").as_string(), reason);
    EXPECT_EQ(refused.front().at("details").at("jti"), issued.front().at("details").at("jti"));
  }

  static constexpr const char* ended = "not done: the session ended while the token was being recorded";
  House house;
  std::string session;
  std::shared_ptr<House::Call> call;
};

TEST_P(TokenWaits, ThePersonSignsOut) {
  auto held = begin_and_hold_record();
  const auto out = house.begin("DELETE", "/v1/sessions/" + session, {}, House::ada());
  house.run_ready();
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
  EXPECT_EQ(house.finish(out).status, 204);
}

TEST_P(TokenWaits, TheCardIsPulled) {
  auto held = begin_and_hold_record();
  house.remove_card(House::reader_of(House::ada()));
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
}

TEST_P(TokenWaits, TheReaderIsUnplugged) {
  auto held = begin_and_hold_record();
  house.hear(pcsc::ReaderEvent::Kind::reader_removed, House::reader_of(House::ada()));
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
}

TEST_P(TokenWaits, ThePersonIsRemoved) {
  house.sign_in(House::tia());
  auto held = begin_and_hold_record();
  const auto removing = house.begin(
      "POST", "/v1/removals", {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  house.run_until([&] { return house.owners().table.of_uid(1000).empty(); });
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
  EXPECT_EQ(house.finish(removing).status, 200);
}

TEST_P(TokenWaits, TheClientLosesTheRole) {
  auto held = begin_and_hold_record();
  house.write_config(R"([{name: desktop, match: {group: 5000}, sign_in: true,
    tokens: [{audience: esr, roles: [employee-self-service]}]}])");
  house.reload();
  expect_refused(held, 403, "role_not_allowed");
  expect_taken_back("role_not_allowed");
}

TEST_P(TokenWaits, TheRoleNeedsMoreThanBefore) {
  auto held = begin_and_hold_record();
  house.change_policy("version: \"2026-1\"", "version: \"2026-2\"");
  house.reload();
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
}

TEST_P(TokenWaits, TheTokensTimeIsOver) {
  auto held = begin_and_hold_record();
  house.forward(std::chrono::minutes(6));
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
}

TEST_P(TokenWaits, TheServiceStops) {
  auto held = begin_and_hold_record();
  house.service().shut_down();
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
}

TEST_P(TokenWaits, TheLogFails) {
  auto held = begin_and_hold_record();
  House::break_disks();
  expect_refused(held, 503, "audit_unavailable");
  House::mend_disks();
  EXPECT_THAT(house.records("token"), IsEmpty());
  EXPECT_THAT(house.owners().table.all(), SizeIs(1)) << "the session itself goes on";
}

TEST_P(TokenWaits, ItsKeyIsTakenAway) {
  auto held = begin_and_hold_record();
  const auto kid = house.owners().tokens.keys().signing().shown.kid;
  ASSERT_TRUE(house.owners().tokens.revoke_key(kid));
  expect_refused(held, 401, "no_session");
  expect_taken_back(ended);
}

TEST_P(TokenWaits, ManyAtOnceAreEachAskersOwn) {
  std::vector<std::shared_ptr<House::Call>> calls;
  for (int i = 0; i < 40; ++i) {
    calls.push_back(house.begin(
        "POST", "/v1/token",
        {{"role", i % 2 == 0 ? "core" : "employee-self-service"}, {"audience", "esr"}, {"fresh", true}},
        House::ada()));
  }
  std::set<std::string> numbers;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto reply = house.finish(calls[i]);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const auto claims =
        proto::check_signature(reply.text("access_token"), house.owners().tokens.verifying_keys());
    ASSERT_TRUE(claims) << claims.error().message();
    EXPECT_EQ(claims->role, i % 2 == 0 ? "core" : "employee-self-service");
    EXPECT_TRUE(numbers.insert(claims->jti).second) << "each has a number of its own";
    EXPECT_EQ(house.ask_form("/v1/introspect", "token=" + reply.text("access_token"), House::ada())
                  .json()
                  .at("active"),
              true);
  }
}

TEST_P(TokenWaits, NothingHappens) {
  auto held = begin_and_hold_record();
  EXPECT_FALSE(call->answered());
  held.release();
  EXPECT_EQ(house.finish(call).status, 200);
  EXPECT_THAT(house.records("token_refused"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Threads, TokenWaits, ::testing::Values(0U, 2U),
                         [](const auto& threads) { return threads.param == 0 ? "None" : "Two"; });

}  // namespace
}  // namespace cardgate::testing
