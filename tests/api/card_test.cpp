// SPDX-License-Identifier: Apache-2.0
// A card's passcode: changed by the person, unblocked at the help desk.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CardPasscode : public ::testing::Test {
 protected:
  static constexpr const char* fresh = "867530";
  static constexpr const char* unblocking_key = "12345678";

  std::shared_ptr<House::Call> begin_change(const char* passcode = House::passcode, int tries_left = 3) {
    return house.begin(
        "POST", "/v1/cards/" + house.card_of(House::ada()).id + "/passcode",
        {{"reader", reader}, {"tries_left", tries_left}, {"passcode", passcode}, {"new_passcode", fresh}},
        House::ada());
  }
  std::shared_ptr<House::Call> begin_unblock(const char* key = unblocking_key) {
    return house.begin("POST", "/v1/cards/" + house.card_of(House::ada()).id + "/unblock",
                       {{"reader", reader}, {"unblocking_key", key}, {"new_passcode", fresh}}, House::ada());
  }
  void insert_blocked() {
    auto card = house.card_of(House::ada());
    card.tries_left = 0;
    house.insert_card(reader, card);
  }
  /// Begins and comes to where the card works.
  std::shared_ptr<House::Call> held(const std::function<std::shared_ptr<House::Call>()>& begins) {
    house.driver->hold();
    auto call = begins();
    house.run_until([&] { return house.driver->held(); });
    return call;
  }
  Reply let_card_go_on(const std::shared_ptr<House::Call>& call) {
    house.driver->release();
    return house.finish(call);
  }
  Reply sign_in(const char* passcode) {
    return house.ask("POST", "/v1/sessions", house.with_card(House::ada(), passcode), House::ada());
  }

  House house;
  const std::string reader = House::reader_of(House::ada());
};

TEST_F(CardPasscode, IsChanged) {
  house.insert_card(House::ada());
  const auto reply = house.finish(begin_change());
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(sign_in(fresh).status, 201);
  EXPECT_THAT(house.records("passcode_changed"), SizeIs(1));
}

TEST_F(CardPasscode, AWrongOneChangesNothing) {
  house.insert_card(House::ada());
  const auto reply = house.finish(begin_change("654321"));
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "passcode_incorrect");
  EXPECT_EQ(reply.json().at("tries_left").as_int64(), 2);
  EXPECT_EQ(sign_in(House::passcode).status, 201);
  EXPECT_THAT(house.reasons("card_refused"), Contains("passcode_incorrect"));
  EXPECT_THAT(house.records("passcode_changed"), IsEmpty());
}

TEST_F(CardPasscode, NoTryIsSpentWhenThePersonWasShownAnotherNumberOfThem) {
  house.insert_card(House::ada());
  const auto reply = house.finish(begin_change(House::passcode, 2));
  EXPECT_EQ(reply.status, 409) << reply.body;
  EXPECT_EQ(reply.error(), "card_changed");
  EXPECT_EQ(house.driver->passcodes_spent(), 0);
}

TEST_F(CardPasscode, TheCardIsPulledWhileItChanges) {
  house.insert_card(House::ada());
  const auto call = held([&] { return begin_change(); });
  house.remove_card(reader);
  const auto reply = let_card_go_on(call);
  EXPECT_EQ(reply.status, 404) << reply.body;
  EXPECT_EQ(reply.error(), "no_card");
  EXPECT_THAT(house.reasons("card_refused"), Contains("no_card"));
  EXPECT_THAT(house.records("passcode_changed"), IsEmpty());
}

TEST_F(CardPasscode, TheCardIsPulledAfterItChanged) {
  house.insert_card(House::ada());
  const auto call = held([&] { return begin_change(); });
  house.hear(pcsc::ReaderEvent::Kind::card_removed, reader, 1);
  const auto reply = let_card_go_on(call);
  EXPECT_EQ(reply.status, 204) << "the card has its new passcode, and the person must hear of it: "
                               << reply.body;
  EXPECT_THAT(house.records("passcode_changed"), SizeIs(1));
}

TEST_F(CardPasscode, WhoeverAskedLeavesBeforeThePasscodeIsGiven) {
  house.insert_card(House::ada());
  const auto call = held([&] { return begin_change(); });
  call->leave();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 408) << reply.body;
  EXPECT_EQ(house.driver->passcodes_spent(), 0);
  house.driver->release();
  EXPECT_EQ(sign_in(House::passcode).status, 201) << "the card is free again";
}

TEST_F(CardPasscode, ABlockedCardIsUnblocked) {
  insert_blocked();
  const auto reply = house.finish(begin_unblock());
  EXPECT_EQ(reply.status, 204) << reply.body;
  EXPECT_EQ(sign_in(fresh).status, 201);
  EXPECT_THAT(house.records("card_unblocked"), SizeIs(1));
}

TEST_F(CardPasscode, AWrongUnblockingKeyUnblocksNothing) {
  insert_blocked();
  const auto reply = house.finish(begin_unblock("87654321"));
  EXPECT_EQ(reply.status, 401) << reply.body;
  EXPECT_EQ(reply.error(), "unblocking_key_incorrect");
  EXPECT_EQ(reply.json().at("tries_left").as_int64(), 2);
  EXPECT_EQ(sign_in(fresh).error(), "passcode_blocked");
  EXPECT_THAT(house.records("card_unblocked"), IsEmpty());
}

TEST_F(CardPasscode, TheCardIsPulledWhileItIsUnblocked) {
  insert_blocked();
  const auto call = held([&] { return begin_unblock(); });
  house.remove_card(reader);
  const auto reply = let_card_go_on(call);
  EXPECT_EQ(reply.status, 404) << reply.body;
  EXPECT_EQ(reply.error(), "no_card");
  EXPECT_THAT(house.records("card_unblocked"), IsEmpty());
}

}  // namespace
}  // namespace cardgate::testing
