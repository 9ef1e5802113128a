// SPDX-License-Identifier: Apache-2.0
// What people see of themselves and of others. Each look at somebody else is on record.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SeeingPeople : public ::testing::Test {
 protected:
  Reply see(const std::string& target, const daemon::Peer& who) { return house.ask("GET", target, who); }
  static std::vector<std::string> ids(const Reply& reply) {
    std::vector<std::string> out;
    const auto body = reply.json();
    for (const auto& person : body.at("people").as_array()) {
      const auto* id = find_string(person.as_object(), "id");
      out.push_back(id == nullptr ? std::string() : std::string(*id));
    }
    return out;
  }
  static bool allowed(const Reply& reply) {
    const auto body = reply.json();
    return body.contains("allowed") && body.at("allowed").as_bool();
  }
  House house;
};

TEST_F(SeeingPeople, EverybodySeesTheirOwnAccess) {
  house.sign_in(House::ada());
  const auto reply = see("/v1/access?role=core", House::ada());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("person").at("id").as_string(), "1000");
  const auto body = reply.json();
  ASSERT_THAT(body.at("roles").as_array(), SizeIs(1));
  EXPECT_TRUE(body.at("roles").as_array().front().at("allowed").as_bool());
}

TEST_F(SeeingPeople, WithoutASessionThereIsNothingToSee) {
  for (const char* target : {"/v1/access", "/v1/team", "/v1/staff", "/v1/staff/1000"})
    EXPECT_EQ(see(target, House::ada()).error(), "no_session") << target;
}

TEST_F(SeeingPeople, TheTeamSeesARecordAndThatIsRecorded) {
  house.sign_in(House::tia());
  const auto reply = see("/v1/staff/1000", House::tia());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.json().at("forms").as_array(), SizeIs(1));
  const auto looks = house.records("looked_at");
  ASSERT_THAT(looks, SizeIs(1));
  EXPECT_EQ(looks.front().at("person").as_string(), "1000");
  EXPECT_EQ(looks.front().at("details").at("by").as_string(), "3000");
  EXPECT_EQ(looks.front().at("reason").as_string(), "record");
}

TEST_F(SeeingPeople, ALineManagerSeesNobodyElsesStaff) {
  house.sign_in(House::max());
  EXPECT_EQ(see("/v1/staff/1000", House::max()).status, 200);
  const auto others = see("/v1/staff/4000", House::max());
  EXPECT_EQ(others.status, 403) << others.body;
  EXPECT_EQ(others.error(), "record_not_yours");
  EXPECT_THAT(house.records("looked_at"), SizeIs(1));
}

TEST_F(SeeingPeople, APersonsOwnRecordIsNoLook) {
  house.sign_in(House::ada());
  EXPECT_EQ(see("/v1/staff/1000", House::ada()).status, 200);
  EXPECT_EQ(see("/v1/staff/2000", House::ada()).status, 403);
  EXPECT_THAT(house.records("looked_at"), IsEmpty());
}

TEST_F(SeeingPeople, ALineManagerSeesTheirTeamAndThatIsRecorded) {
  house.sign_in(House::max());
  const auto reply = see("/v1/team", House::max());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(ids(reply), ElementsAre("1000"));
  EXPECT_FALSE(reply.json().at("names_only").as_bool());
  const auto looks = house.records("looked_at");
  ASSERT_THAT(looks, SizeIs(1));
  EXPECT_EQ(looks.front().at("details").at("people"), json::value(json::array{"1000"}));
}

TEST_F(SeeingPeople, TheCardIsPulledWhileTheTeamIsRead) {
  house.sign_in(House::max());
  house.run_ready();
  const auto call = house.begin("GET", "/v1/team", {}, House::max());
  // One step: the list is asked for on another thread, and what that found has not come back.
  int steps = 0;
  house.run_until([&] { return steps++ == 1; });
  house.remove_card(House::reader_of(House::max()));
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_THAT(house.records("looked_at"), IsEmpty());
}

TEST_F(SeeingPeople, OnlyTheTeamListsAllStaff) {
  house.sign_in(House::max());
  house.sign_in(House::tia());
  EXPECT_EQ(see("/v1/staff", House::max()).error(), "record_not_yours");
  const auto reply = see("/v1/staff", House::tia());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(ids(reply), SizeIs(7));
  EXPECT_THAT(ids(see("/v1/staff?manager=2000", House::tia())), ElementsAre("1000"));
  EXPECT_THAT(house.records("looked_at"), SizeIs(2));
}

TEST_F(SeeingPeople, ASystemAsksWhichRecordsASessionOpens) {
  house.sign_in(House::max());
  const auto own_staff = see("/v1/records/1000/allowed?role=manager-self-service", House::max());
  EXPECT_EQ(own_staff.status, 200) << own_staff.body;
  EXPECT_TRUE(allowed(own_staff));
  const auto others = see("/v1/records/4000/allowed?role=manager-self-service", House::max());
  EXPECT_EQ(others.status, 200) << others.body;
  EXPECT_FALSE(allowed(others));
  const auto nobody = see("/v1/records/7777/allowed?role=manager-self-service", House::max());
  EXPECT_EQ(nobody.body, others.body) << "somebody unknown and somebody else's staff are answered alike";
  EXPECT_THAT(house.reasons("record_asked"), Contains("out of scope"));
}

TEST_F(SeeingPeople, ASystemAsksByTokenUntilTheCardIsOut) {
  house.sign_in(House::max());
  const auto token =
      house.ask("POST", "/v1/token", {{"role", "manager-self-service"}, {"audience", "esr"}}, House::max());
  ASSERT_EQ(token.status, 200) << token.body;
  const auto asks = [&](const char* person) {
    return house.ask_by_token(std::string("/v1/records/") + person + "/allowed", token.text("access_token"),
                              House::peer(9000));
  };
  EXPECT_TRUE(allowed(asks("1000")));
  EXPECT_FALSE(allowed(asks("4000")));
  house.remove_card(House::reader_of(House::max()));
  const auto late = asks("1000");
  EXPECT_EQ(late.status, 401) << late.body;
}

}  // namespace
}  // namespace cardgate::testing
