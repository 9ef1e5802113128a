// SPDX-License-Identifier: Apache-2.0
// What the team changes about staff: dates, and cards, of which some take two people.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StaffChanges : public ::testing::Test {
 protected:
  static constexpr const char* new_card = "00000000-0000-4000-8000-000000009999";

  StaffChanges() { house.sign_in(House::tia()); }

  Reply change(const daemon::Peer& by, const char* person, json::object what) {
    what["reason"] = "Asked by HR";
    return house.ask("POST", std::string("/v1/staff/") + person + "/changes", what, by);
  }
  std::shared_ptr<House::Call> begin_card(const daemon::Peer& by, const char* person, json::object what) {
    what["reason"] = "Old card broke";
    return house.begin("POST", std::string("/v1/staff/") + person + "/cards", what, by);
  }
  Reply card(const daemon::Peer& by, const char* person, json::object what) {
    return house.finish(begin_card(by, person, std::move(what)));
  }
  std::vector<reg::Card> cards_of(const char* person) { return house.owners().roll.record_of(person)->cards; }
  House house;
};

TEST_F(StaffChanges, ALastDayThatIsOverEndsTheSession) {
  house.sign_in(House::ada());
  const auto reply = change(House::tia(), "1000", {{"employed_until", "2026-05-31"}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(house.owners().table.of_uid(1000), IsEmpty());
  EXPECT_THAT(house.records("register_changed"), SizeIs(1));
}

TEST_F(StaffChanges, ALineManagerChangesNothing) {
  house.sign_in(House::max());
  const auto reply = change(House::max(), "1000", {{"employed_until", "2026-05-31"}});
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(reply.error(), "role_needed");
  EXPECT_FALSE(house.owners().roll.record_of("1000")->employed_until);
}

TEST_F(StaffChanges, NobodyChangesTheirOwnRecord) {
  const auto reply = change(House::tia(), "3000", {{"line_manager", "2000"}});
  EXPECT_EQ(reply.status, 403) << reply.body;
  EXPECT_EQ(reply.error(), "not_yours_to_do");
  EXPECT_TRUE(house.owners().roll.record_of("3000")->line_manager.empty());
}

TEST_F(StaffChanges, ALostCardEndsItsSession) {
  house.sign_in(House::ada());
  const auto reply = card(House::tia(), "1000", {{"status", "lost"}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(house.owners().table.of_uid(1000), IsEmpty());
  EXPECT_EQ(cards_of("1000").front().status, "lost");
}

TEST_F(StaffChanges, ACardOfSomebodyWhoDecidesTakesTwoPeople) {
  const auto first = card(House::tia(), "2000", {{"uuid", new_card}});
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(cards_of("2000").back().status, "waiting");
  const auto same = card(House::tia(), "2000", {{"uuid", new_card}});
  EXPECT_EQ(same.status, 403) << same.body;
  EXPECT_EQ(cards_of("2000").back().status, "waiting");
  house.sign_in(House::uma());
  const auto second = card(House::uma(), "2000", {{"uuid", new_card}});
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(cards_of("2000").back().status, "active");
  EXPECT_EQ(cards_of("2000").back().confirmed_by, "3100");
}

TEST_F(StaffChanges, ACardThatNamesSomebodyElseIsRegisteredOnlyWhenThatIsSaid) {
  const auto reader = House::reader_of(House::ada());
  house.insert_card(reader, house.make_card(new_card, "Ada Maiden"));
  const auto refused = card(House::tia(), "1000", {{"uuid", new_card}});
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(refused.error(), "certificate_name_differs");
  EXPECT_EQ(refused.text("certificate_name"), "Ada Maiden");
  EXPECT_THAT(cards_of("1000"), SizeIs(1));
  EXPECT_THAT(house.reasons("client_refused"),
              Contains("register_changed: the card's certificate names somebody else"));

  const auto said = card(House::tia(), "1000", {{"uuid", new_card}, {"certificate_name", "Ada Maiden"}});
  EXPECT_EQ(said.status, 200) << said.body;
  auto signing = house.with_card(House::ada());
  signing["card"] = new_card;
  EXPECT_EQ(house.ask("POST", "/v1/sessions", signing, House::ada()).status, 201);
}

TEST_F(StaffChanges, TheTeamMemberSignsOutWhileACardIsRecorded) {
  auto held = house.hold_log();
  const auto call = begin_card(House::tia(), "1000", {{"uuid", new_card}});
  house.run_until([&] { return house.waiting_in_log() > 0; });
  house.remove_card(House::reader_of(House::tia()));
  held.release();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "no_session");
  EXPECT_THAT(cards_of("1000"), SizeIs(1));
  EXPECT_THAT(house.reasons("register_changed"),
              Contains("not done: the session, or the right to do it, ended meanwhile"));
}

}  // namespace
}  // namespace cardgate::testing
