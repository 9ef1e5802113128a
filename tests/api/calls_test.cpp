// SPDX-License-Identifier: Apache-2.0
// Calls in process when nothing comes between: one that goes well and one that is refused, of each group.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Calls : public ::testing::Test {
 protected:
  Reply token(const daemon::Peer& who, const char* role) {
    return house.ask("POST", "/v1/token", {{"role", role}, {"audience", "esr"}}, who);
  }
  bool is_active(const std::string& token_text) {
    auto asking = house.ask_form("/v1/introspect", "token=" + token_text, House::ada());
    return asking.json().at("active").as_bool();
  }
  House house;
};

TEST_F(Calls, ACardSignsIn) {
  house.insert_card(House::ada());
  const auto reply = house.ask("POST", "/v1/sessions", house.with_card(House::ada()), House::ada());
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.json().at("person").at("id").as_string(), "1000");
  const auto records = house.records("sign_in");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records.front().at("session").as_string(), reply.text("id"));
  EXPECT_EQ(records.front().at("client").as_string(), "desktop");
  EXPECT_EQ(house.ask("GET", "/v1/sessions/" + reply.text("id"), House::ada()).status, 200);
  EXPECT_EQ(house.ask("GET", "/v1/sessions/" + reply.text("id"), House::max()).status, 404)
      << "another uid's";
}

TEST_F(Calls, AWrongPasscodeIsCountedAndRecorded) {
  house.insert_card(House::ada());
  const auto reply = house.ask("POST", "/v1/sessions", house.with_card(House::ada(), "654321"), House::ada());
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.error(), "passcode_incorrect");
  EXPECT_EQ(reply.json().at("tries_left").as_int64(), 2);
  EXPECT_EQ(house.driver->passcodes_spent(), 1);
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("passcode_incorrect"));
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(Calls, ATokenIsIssuedAndRecorded) {
  house.sign_in(House::ada());
  const auto reply = token(House::ada(), "core");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(is_active(reply.text("access_token")));
  const auto records = house.records("token");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records.front().at("role").as_string(), "core");
  house.remove_card(House::reader_of(House::ada()));
  EXPECT_FALSE(is_active(reply.text("access_token"))) << "the card is out";
}

TEST_F(Calls, ATokenForARoleThatIsNotHeldIsRefused) {
  house.sign_in(House::ada());
  const auto reply = token(House::ada(), "manager-self-service");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.error(), "access_denied");
  EXPECT_THAT(house.reasons("token_refused"), Contains("access_denied"));
  EXPECT_THAT(house.records("token"), IsEmpty());
}

TEST_F(Calls, ATokenIsOverWithItsTime) {
  house.sign_in(House::ada());
  const auto reply = token(House::ada(), "core");
  house.forward(std::chrono::minutes(4));
  EXPECT_TRUE(is_active(reply.text("access_token")));
  house.forward(std::chrono::minutes(2));
  EXPECT_FALSE(is_active(reply.text("access_token")));
}

TEST_F(Calls, APasswordSignsIn) {
  const auto reply =
      house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", House::password}}, House::eve());
  ASSERT_EQ(reply.status, 201) << reply.body;
  EXPECT_EQ(reply.json().at("person").at("id").as_string(), "4000");
  EXPECT_EQ(token(House::eve(), "employee-self-service").status, 200);
  EXPECT_THAT(house.records("sign_in"), SizeIs(1));
}

TEST_F(Calls, AWrongPasswordIsRefused) {
  const auto reply =
      house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", "wrong"}}, House::eve());
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.error(), "password_incorrect");
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("password_incorrect"));
  EXPECT_THAT(house.records("sign_in"), IsEmpty());
}

TEST_F(Calls, AFormFromAskingToApproval) {
  for (const auto* who : {&House::ada(), &House::max(), &House::tia()}) house.sign_in(*who);
  const auto asked = house.ask("POST", "/v1/forms",
                               {{"role", "supervisor-self-service"}, {"reason", "Ward 7"}}, House::ada());
  ASSERT_EQ(asked.status, 201) << asked.body;
  const auto form = fmt::format("/v1/forms/{}", asked.json().at("id").as_int64());
  const auto own = house.ask("POST", form + "/verify", House::ada());
  EXPECT_EQ(own.status, 403) << own.body;
  EXPECT_EQ(own.error(), "not_yours_to_do");
  const auto verified = house.ask("POST", form + "/verify", House::max());
  ASSERT_EQ(verified.status, 200) << verified.body;
  const auto not_hers = house.ask("POST", form + "/approve", House::ada());
  EXPECT_EQ(not_hers.status, 403) << not_hers.body;
  EXPECT_EQ(not_hers.error(), "role_needed");
  const auto approved = house.ask("POST", form + "/approve", House::tia());
  ASSERT_EQ(approved.status, 200) << approved.body;
  EXPECT_EQ(approved.text("state"), "approved");
  EXPECT_THAT(house.records("form"), SizeIs(3));
  EXPECT_THAT(house.records("client_refused"), SizeIs(1));
}

TEST_F(Calls, AnUrgentRemovalEndsSessionsAtOnce) {
  const auto session = house.sign_in(House::ada());
  house.sign_in(House::tia());
  house.sign_in(House::max());
  const json::object ask{{"person", "1000"}, {"reason", "Left in anger"}, {"at_once", true}};
  const auto refused = house.ask("POST", "/v1/removals", ask, House::max());
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.error(), "role_needed");
  EXPECT_EQ(house.ask("GET", "/v1/sessions/" + session, House::ada()).status, 200);
  const auto removed = house.ask("POST", "/v1/removals", ask, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  EXPECT_EQ(house.ask("GET", "/v1/sessions/" + session, House::ada()).status, 404);
  EXPECT_THAT(house.records("removal"), SizeIs(1));
  EXPECT_THAT(house.reasons("session_ended"), Contains("access_lost"));
  const auto again = house.ask("POST", "/v1/sessions", house.with_card(House::ada()), House::ada());
  EXPECT_EQ(again.status, 403) << again.body;
  EXPECT_EQ(again.error(), "access_denied");
  EXPECT_EQ(house.driver->passcodes_spent(), 3) << "no try is spent on somebody who is removed";
}

}  // namespace
}  // namespace cardgate::testing
