// SPDX-License-Identifier: Apache-2.0
// Delegating to an administrator, and naming a stand-in: Max manages Ada.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class DelegationCalls : public ::testing::Test {
 protected:
  DelegationCalls() {
    house.sign_in(House::ada());
    house.sign_in(House::max());
  }
  std::shared_ptr<House::Call> begin_to_give(const daemon::Peer& who, const char* to) {
    return house.begin("POST", "/v1/delegations",
                       {{"person", to},
                        {"role", "administrator-self-service"},
                        {"valid_until", "2026-07-31"},
                        {"reason", "Rota"}},
                       who);
  }
  Reply give(const daemon::Peer& who, const char* to) { return house.finish(begin_to_give(who, to)); }
  Reply appoint(const daemon::Peer& who, const char* stand_in) {
    return house.ask("POST", "/v1/acting",
                     {{"person", stand_in}, {"valid_until", "2026-06-30"}, {"reason", "On leave"}}, who);
  }
  reg::Person record_of(const char* id) { return house.owners().roll.record_of(id).value(); }
  static std::string number_in(const Reply& reply) {
    return std::to_string(reply.json().at("id").as_int64());
  }
  House house;
};

TEST_F(DelegationCalls, ALineManagerDelegates) {
  const auto given = give(House::max(), "1000");
  ASSERT_EQ(given.status, 201) << given.body;
  EXPECT_EQ(given.text("valid_until"), "2026-07-31");
  const auto list = house.ask("GET", "/v1/delegations", House::ada());
  EXPECT_THAT(list.json().at("held").as_array(), SizeIs(1)) << list.body;
  const auto notices = house.ask("GET", "/v1/notices", House::ada());
  EXPECT_THAT(notices.body, HasSubstr("Max Invented (2000) lets you act in Administrator Self Service"));
  const auto records = house.records("delegation");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records.front().at("details").at("by").as_string(), "2000");
}

TEST_F(DelegationCalls, WhoeverManagesNobodyDelegatesNothing) {
  const auto core = give(House::ada(), "2000");
  EXPECT_EQ(core.status, 403) << core.body;
  EXPECT_EQ(core.error(), "role_needed");
  // The team may delegate by its role, but has no staff of its own to let anybody act for.
  house.sign_in(House::tia());
  const auto team = give(House::tia(), "1000");
  EXPECT_EQ(team.status, 403) << team.body;
  EXPECT_EQ(team.error(), "not_yours_to_do");
  EXPECT_THAT(record_of("1000").delegations, IsEmpty());
  EXPECT_THAT(house.records("delegation"), IsEmpty());
}

TEST_F(DelegationCalls, TheGiversSessionEndsWhileItIsRecorded) {
  auto held = house.hold_log();
  const auto call = begin_to_give(House::max(), "1000");
  house.run_until([&] { return house.waiting_in_log() > 0; });
  house.remove_card(House::reader_of(House::max()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "no_session");
  EXPECT_THAT(record_of("1000").delegations, IsEmpty());
  EXPECT_THAT(house.reasons("delegation"),
              Contains("not done: the session, or the right to do it, ended meanwhile"));
}

TEST_F(DelegationCalls, ADelegationEndsBeforeTheRegisterHasIt) {
  const auto given = give(House::max(), "1000");
  ASSERT_EQ(given.status, 201) << given.body;
  auto held = house.hold_register();
  const auto ending = house.begin("DELETE", "/v1/delegations/" + number_in(given), {}, House::max());
  house.run_until([&] { return record_of("1000").delegations.front().revoked; });
  EXPECT_FALSE(ending->answered());
  held.release();
  EXPECT_EQ(house.finish(ending).status, 204);
  EXPECT_TRUE(record_of("1000").delegations.front().revoked);
}

TEST_F(DelegationCalls, OnlyTheTwoOfItAndTheTeamEndADelegation) {
  const auto target = "/v1/delegations/" + number_in(give(House::max(), "3100"));
  const auto stranger = house.ask("DELETE", target, House::ada());
  EXPECT_EQ(stranger.status, 403) << stranger.body;
  EXPECT_FALSE(record_of("3100").delegations.front().revoked);
  house.sign_in(House::tia());
  EXPECT_EQ(house.ask("DELETE", target, House::tia()).status, 204);
  EXPECT_TRUE(record_of("3100").delegations.front().revoked);
  EXPECT_EQ(house.ask("DELETE", target, House::max()).status, 422) << "it has ended already";
}

TEST_F(DelegationCalls, AStandInVerifiesFormsUntilItEnds) {
  house.sign_in(House::uma());
  const auto ask = [&](const char* role) {
    const auto asked = house.ask("POST", "/v1/forms", {{"role", role}, {"reason", "Ward 7"}}, House::ada());
    EXPECT_EQ(asked.status, 201) << asked.body;
    return "/v1/forms/" + number_in(asked) + "/verify";
  };
  const auto first = ask("supervisor-self-service");
  const auto second = ask("administrator-self-service");
  EXPECT_EQ(house.ask("POST", first, House::uma()).status, 403);
  const auto appointed = appoint(House::max(), "3100");
  ASSERT_EQ(appointed.status, 201) << appointed.body;
  EXPECT_EQ(house.ask("POST", first, House::uma()).status, 200);
  const auto ended = house.ask("DELETE", "/v1/acting/" + number_in(appointed), House::max());
  EXPECT_EQ(ended.status, 204) << ended.body;
  EXPECT_EQ(house.ask("POST", second, House::uma()).status, 403);
  EXPECT_THAT(house.records("acting_manager"), SizeIs(2));
}

TEST_F(DelegationCalls, NobodyNamesThemselvesAsStandIn) {
  house.sign_in(House::tia());
  const auto reply = house.ask(
      "POST", "/v1/acting",
      {{"person", "3000"}, {"manager", "2000"}, {"valid_until", "2026-06-30"}, {"reason", "On leave"}},
      House::tia());
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(reply.error(), "not_yours_to_do");
  EXPECT_THAT(record_of("3000").acting, IsEmpty());
}

TEST_F(DelegationCalls, TheManagerIsRemovedWhileTheirStandInIsRecorded) {
  house.sign_in(House::tia());
  auto held = house.hold_log();
  const auto call = house.begin(
      "POST", "/v1/acting",
      {{"person", "3100"}, {"manager", "2000"}, {"valid_until", "2026-06-30"}, {"reason", "On leave"}},
      House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  const auto removing = house.begin(
      "POST", "/v1/removals", {{"person", "2000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  house.run_until([&] { return house.owners().roll.staff().person("2000").value().removed; });
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_THAT(record_of("3100").acting, IsEmpty());
}

}  // namespace
}  // namespace cardgate::testing
