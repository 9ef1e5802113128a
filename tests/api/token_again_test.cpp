// SPDX-License-Identifier: Apache-2.0
// The same token again: while most of its life is left and nothing that it says has changed.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class TokenAgain : public ::testing::Test {
 protected:
  TokenAgain() { session = house.sign_in(House::ada()); }
  Reply ask(json::object more = {}, const char* role = "core") {
    json::object body{{"role", role}, {"audience", "esr"}};
    for (auto& [member, value] : more) body[member] = value;
    return house.ask("POST", "/v1/token", body, House::ada());
  }
  std::string token(json::object more = {}, const char* role = "core") {
    const auto reply = ask(std::move(more), role);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.text("access_token");
  }
  House house;
  std::string session;
};

TEST_F(TokenAgain, ComesWhileMoreThanHalfOfItsLifeIsLeft) {
  const auto first = ask();
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json().at("expires_in").as_int64(), 300);
  house.forward(minutes(2));
  const auto again = ask();
  EXPECT_EQ(again.text("access_token"), first.text("access_token"));
  EXPECT_EQ(again.json().at("expires_in").as_int64(), 180) << "what is left of it";
  house.forward(seconds(31));
  const auto renewed = ask();
  EXPECT_NE(renewed.text("access_token"), first.text("access_token"));
  EXPECT_EQ(renewed.json().at("expires_in").as_int64(), 300);
  EXPECT_EQ(token(), renewed.text("access_token")) << "from now on that one";
}

TEST_F(TokenAgain, IsCountedAndNotRecordedEachTime) {
  const auto first = token();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(token(), first);
  EXPECT_THAT(house.records("token"), SizeIs(1));
  house.owners().recorder.flush();  // as ten seconds later
  const auto counts = house.records("repeated");
  ASSERT_THAT(counts, SizeIs(1));
  const auto& count = counts.front();
  EXPECT_EQ(count.at("person").as_string(), "1000");
  EXPECT_EQ(count.at("role").as_string(), "core");
  EXPECT_EQ(count.at("session").as_string(), session);
  EXPECT_EQ(count.at("details").at("event").as_string(), "token");
  EXPECT_EQ(count.at("details").at("count").as_int64(), 5);
  EXPECT_EQ(count.at("details").at("jti"), house.records("token").front().at("details").at("jti"));
  EXPECT_THAT(house.ask("GET", "/metrics", House::root()).body, HasSubstr("cardgate_tokens_again_total 5"));
}

TEST_F(TokenAgain, ANewOneComesToWhoeverAsksForIt) {
  const auto first = token();
  const auto fresh = token({{"fresh", true}});
  EXPECT_NE(fresh, first);
  EXPECT_EQ(token(), fresh) << "the newest";
  EXPECT_EQ(ask({{"fresh", "yes"}}).error(), "bad_request");
}

TEST_F(TokenAgain, IsForOneRoleAndOneAudience) {
  const auto first = token();
  EXPECT_NE(token({}, "employee-self-service"), first);
  EXPECT_EQ(token(), first);
}

TEST_F(TokenAgain, NeverComesAfterItWasRevoked) {
  const auto first = token();
  ASSERT_EQ(house.ask_form("/v1/revoke", "token=" + first, House::ada()).status, 200);
  EXPECT_NE(token(), first);
}

TEST_F(TokenAgain, NeverComesInAnotherSession) {
  const auto first = token();
  ASSERT_EQ(house.ask("DELETE", "/v1/sessions/" + session, House::ada()).status, 204);
  house.sign_in(House::ada());
  EXPECT_NE(token(), first);
}

TEST_F(TokenAgain, NeverComesUnderAnotherPolicy) {
  const auto first = token();
  house.change_policy("title: Core ESR", "title: Core records");
  house.reload();
  EXPECT_NE(token(), first) << "each token names the policy that allowed it";
}

TEST_F(TokenAgain, NeverOutlivesWhatANewOneWould) {
  const auto first = token();
  house.write_config(House::usual_clients() + "downtime: {drain: 1m}\n");
  house.reload();
  const json::object soon{{"begins_at", "2026-06-01T12:01:00Z"},
                          {"ends_at", "2026-06-01T13:00:00Z"},
                          {"text", "ESR is upgraded"}};
  ASSERT_EQ(house.ask("POST", "/v1/downtime", soon, House::root()).status, 201);
  const auto shorter = ask();
  EXPECT_NE(shorter.text("access_token"), first);
  EXPECT_LE(shorter.json().at("expires_in").as_int64(), 120);
}

TEST_F(TokenAgain, NeverComesToWhomTheRoleWasTaken) {
  token();
  house.sign_in(House::tia());
  ASSERT_LT(house
                .ask("POST", "/v1/removals",
                     {{"person", "1000"}, {"reason", "Lost laptop"}, {"at_once", true}}, House::tia())
                .status,
            300);
  EXPECT_EQ(ask().status, 401);
}

}  // namespace
}  // namespace cardgate::testing
