// SPDX-License-Identifier: Apache-2.0
// Somebody has no card today: the desk lends one of the pool. Its whole life, and what the world may do meanwhile.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::minutes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class LentCard : public ::testing::Test {
 protected:
  LentCard() : spare(house.make_card("00000000-0000-4000-8000-000000009101", "Pool card 1")) {
    house.sign_in(House::tia());
    EXPECT_EQ(add(spare.id, "Pool card 1").status, 201);
  }
  Reply add(const std::string& card, const std::string& name, const daemon::Peer& who = House::tia()) {
    json::object body{{"uuid", card}, {"reason", "For the desk"}};
    if (!name.empty()) body["certificate_name"] = name;
    return house.ask("POST", "/v1/pool-cards", body, who);
  }
  static json::object loan(const std::string& person, const char* until = "2026-06-01T12:10:00Z") {
    return {{"person", person}, {"ends_at", until}, {"reason", "Forgot the card"}};
  }
  Reply lend(const std::string& person, const daemon::Peer& who = House::tia()) {
    return house.ask("POST", "/v1/cards/" + spare.id + "/lend", loan(person), who);
  }
  Reply give_back() { return house.ask("POST", "/v1/cards/" + spare.id + "/return", {}, House::tia()); }
  /// As the desk gave it out, in the person's reader.
  Reply sign_in_with_spare(const daemon::Peer& who) {
    house.insert_card(House::reader_of(who), spare);
    return house.ask("POST", "/v1/sessions", house.with_card(who, spare), who);
  }
  /// The borrower's first act, with the card in their reader.
  Reply choose_passcode(const daemon::Peer& who, const std::string& fresh) {
    auto body = house.with_card(who, spare);
    body.erase("card");
    body["new_passcode"] = fresh;
    auto reply = house.ask("POST", "/v1/cards/" + spare.id + "/passcode", body, who);
    if (reply.status == 204) spare.passcode = fresh;
    return reply;
  }
  /// Lent to Ada, who has chosen a passcode; her reader is empty.
  void lend_to_ada() {
    ASSERT_EQ(lend("1000").status, 200);
    house.insert_card(House::reader_of(House::ada()), spare);
    ASSERT_EQ(choose_passcode(House::ada(), spare.passcode == "246810" ? "135790" : "246810").status, 204);
    house.remove_card(House::reader_of(House::ada()));
  }
  /// "status of the person's card", of all their cards.
  std::vector<std::string> cards_of(const std::string& person) {
    std::vector<std::string> out;
    const auto record = house.owners().roll.record_of(person);
    for (const auto& card : record->cards) out.push_back(card.status + (card.lent_until ? ", lent" : ""));
    return out;
  }
  /// The one card of the pool.
  std::string status_in_pool() {
    const auto card = house.owners().roll.staff().pool_card(spare.id);
    return !card ? "not there" : card->holder.empty() ? "free" : card->status;
  }
  /// What the audit log says of loans, in their order.
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    for (const auto& record : house.records("loan")) {
      std::string reason(record.contains("reason") ? record.at("reason").as_string() : json::string());
      out.push_back(std::string(record.at("details").at("act").as_string()) +
                    (reason.starts_with("not done") ? ", not done" : ""));
    }
    return out;
  }
  bool has_session(uid_t uid) { return !house.owners().table.of_uid(uid).empty(); }

  House house;
  ScriptedCard spare;
};

TEST_F(LentCard, ItWorksUntilItsEndAndIsNotFreeBeforeItIsBack) {
  const auto lent = lend("1000");
  ASSERT_EQ(lent.status, 200) << lent.body;
  EXPECT_THAT(lent.text("message"), HasSubstr("Ada Example can use card"));
  EXPECT_THAT(lent.text("message"), HasSubstr("cardgate card change-passcode"));
  EXPECT_THAT(cards_of("1000"), ElementsAre("active", "active, lent"));
  house.insert_card(House::reader_of(House::ada()), spare);
  ASSERT_EQ(choose_passcode(House::ada(), "246810").status, 204);
  const auto session = sign_in_with_spare(House::ada());
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_THAT(session.body, HasSubstr("lent to you until 1 June 2026 at 12:10 UTC"));
  const auto token = house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
  ASSERT_EQ(token.status, 200) << token.body;

  house.forward(minutes(9));
  EXPECT_TRUE(has_session(1000));
  const auto last = house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
  EXPECT_LE(last.json().at("expires_in").as_int64(), 60) << "no token outlives the loan";
  house.forward(minutes(1));
  EXPECT_FALSE(has_session(1000)) << "at once, whatever is written";
  house.run_until([&] { return status_in_pool() == "ended"; });
  EXPECT_THAT(cards_of("1000"), ElementsAre("active", "ended, lent"));
  EXPECT_THAT(acts(), ElementsAre("lent", "ended"));
  for (const auto& record : house.records("loan")) {
    EXPECT_EQ(record.at("person").as_string(), "1000");
    EXPECT_EQ(record.at("details").at("card").as_string(), spare.id);
    EXPECT_EQ(record.at("details").at("until").as_string(), "2026-06-01T12:10:00.000Z");
  }
  EXPECT_EQ(house.records("loan").front().at("details").at("by").as_string(), "3000");
  EXPECT_EQ(house.records("loan").back().at("details").at("lent_by").as_string(), "3000");
  const auto over = sign_in_with_spare(House::ada());
  EXPECT_EQ(over.error(), "access_denied");
  EXPECT_THAT(over.text("detail"), HasSubstr("that time is over"));
  EXPECT_NO_THROW(house.sign_in(House::ada())) << "her own card went on working";
  // By its number alone, as somebody who kept it could have it lent again, nobody gets it.
  const auto unseen = house.ask("POST", "/v1/cards/" + spare.id + "/lend",
                                loan("4000", "2026-06-01T12:40:00Z"), House::tia());
  EXPECT_EQ(unseen.status, 422) << unseen.body;
  EXPECT_THAT(unseen.text("detail"), HasSubstr("not back"));
  ASSERT_EQ(give_back().status, 200);
  EXPECT_EQ(status_in_pool(), "free");
  EXPECT_THAT(cards_of("1000"), ElementsAre("active"));
  EXPECT_EQ(sign_in_with_spare(House::ada()).error(), "person_unknown");
  EXPECT_THAT(acts(), ElementsAre("lent", "ended", "returned"));
}

TEST_F(LentCard, InTheReaderOfTheDeskItIsSeenAndLentToTheNext) {
  ASSERT_EQ(lend("1000").status, 200);
  house.forward(minutes(10));
  house.run_until([&] { return status_in_pool() == "ended"; });
  house.insert_card(House::reader_of(House::ada()), spare);
  const auto next = house.ask("POST", "/v1/cards/" + spare.id + "/lend", loan("4000", "2026-06-01T12:40:00Z"),
                              House::tia());
  ASSERT_EQ(next.status, 200) << next.body;
  EXPECT_THAT(cards_of("1000"), ElementsAre("active"));
  EXPECT_EQ(status_in_pool(), "active");
  EXPECT_THAT(acts(), ElementsAre("lent", "ended", "returned", "lent"));
}

TEST_F(LentCard, ACardThatIsNotBackIsTakenOutOnlyWhenItIsLost) {
  ASSERT_EQ(lend("1000").status, 200);
  house.forward(minutes(10));
  house.run_until([&] { return status_in_pool() == "ended"; });
  const auto remove = [&] {
    return house.ask("POST", "/v1/pool-cards/" + spare.id + "/remove", {{"reason", "Gone"}}, House::tia());
  };
  EXPECT_EQ(remove().status, 422);
  const auto lost =
      house.ask("POST", "/v1/staff/1000/cards",
                {{"uuid", spare.id}, {"status", "lost"}, {"reason", "Never came back"}}, House::tia());
  EXPECT_EQ(lost.status, 200) << lost.body;
  EXPECT_EQ(remove().status, 200);
  EXPECT_THAT(cards_of("1000"), ElementsAre("active", "lost, lent"));
}

TEST_F(LentCard, ItOpensNothingBeforeItHasANewPasscode) {
  ASSERT_EQ(lend("1000").status, 200);
  const auto before = house.driver->passcodes_spent();
  const auto refused = sign_in_with_spare(House::ada());
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.error(), "passcode_change_required");
  EXPECT_THAT(refused.text("detail"), HasSubstr("cardgate card change-passcode"));
  EXPECT_THAT(house.reasons("sign_in_refused"), Contains("passcode_change_required"));
  EXPECT_THAT(house.ask("GET", "/v1/status", House::ada()).body, HasSubstr("\"must_change_passcode\":true"));
  EXPECT_EQ(choose_passcode(House::ada(), spare.passcode).error(), "passcode_format") << "the same again";
  EXPECT_EQ(house.driver->passcodes_spent(), before) << "no try was spent";

  // A change that fails, or that another program made, is none.
  const auto right = std::exchange(spare.passcode, "000000");
  EXPECT_EQ(choose_passcode(House::ada(), "246810").error(), "passcode_incorrect");
  spare.passcode = right;
  EXPECT_EQ(sign_in_with_spare(House::ada()).error(), "passcode_change_required");

  ASSERT_EQ(choose_passcode(House::ada(), "246810").status, 204);
  EXPECT_EQ(house.records("passcode_changed").back().at("person").as_string(), "1000");
  EXPECT_THAT(house.ask("GET", "/v1/status", House::ada()).body, Not(HasSubstr("must_change_passcode")));
  house.restart();
  EXPECT_EQ(sign_in_with_spare(House::ada()).status, 201) << "the register knows it";

  // For the next borrower the passcode of this one is the one that others know.
  house.sign_in(House::tia());
  ASSERT_EQ(give_back().status, 200);
  ASSERT_EQ(lend("1000").status, 200);
  EXPECT_EQ(sign_in_with_spare(House::ada()).error(), "passcode_change_required");
}

TEST_F(LentCard, APasscodeOfALoanThatIsOverCountsForNoOther) {
  ASSERT_EQ(lend("1000").status, 200);
  house.insert_card(House::reader_of(House::ada()), spare);
  house.driver->hold();
  auto body = house.with_card(House::ada(), spare);
  body.erase("card");
  body["new_passcode"] = "246810";
  const auto changing = house.begin("POST", "/v1/cards/" + spare.id + "/passcode", body, House::ada());
  house.run_until([&] { return house.driver->held(); });
  ASSERT_EQ(give_back().status, 200);
  ASSERT_EQ(lend("1000").status, 200);
  house.driver->release();
  EXPECT_EQ(house.finish(changing).status, 204);
  spare.passcode = "246810";
  EXPECT_EQ(sign_in_with_spare(House::ada()).error(), "passcode_change_required");
}

TEST_F(LentCard, ANewPasscodeThatCannotBeNotedIsTold) {
  ASSERT_EQ(lend("1000").status, 200);
  house.insert_card(House::reader_of(House::ada()), spare);
  auto body = house.with_card(House::ada(), spare);
  body.erase("card");
  body["new_passcode"] = "246810";
  auto held = house.hold_register();
  const auto changing = house.begin("POST", "/v1/cards/" + spare.id + "/passcode", body, House::ada());
  house.run_until([&] { return !house.records("passcode_changed").empty(); });
  House::break_disks();
  held.release();
  const auto reply = house.finish(changing);
  House::mend_disks();
  EXPECT_EQ(reply.error(), "register_unavailable") << reply.body;
  EXPECT_THAT(reply.text("detail"), HasSubstr("The card has its new passcode"));
  EXPECT_TRUE(house.owners().roll.staff().pool_card(spare.id)->must_change_passcode);
}

TEST_F(LentCard, WhatHasEndedStaysSoWhateverTheClockShowsLater) {
  lend_to_ada();
  house.forward(minutes(10));
  house.run_until([&] { return status_in_pool() == "ended"; });
  house.clock.forward(-minutes(9));
  house.restart();
  EXPECT_EQ(sign_in_with_spare(House::ada()).error(), "access_denied");
  EXPECT_EQ(status_in_pool(), "ended");
}

TEST_F(LentCard, AStartWithAClockFromBeforeTheLoanEndsIt) {
  lend_to_ada();
  house.clock.slip(-minutes(30));
  house.restart();
  EXPECT_EQ(sign_in_with_spare(House::ada()).status, 403);
  house.run_until([&] { return status_in_pool() == "ended"; });
  EXPECT_THAT(house.reasons("loan"), Contains(HasSubstr("the clock shows a time before")));
}

TEST_F(LentCard, ItIsFreeForTheNextPerson) {
  ASSERT_EQ(lend("1000").status, 200);
  ASSERT_EQ(give_back().status, 200);
  const auto next = house.ask("POST", "/v1/cards/" + spare.id + "/lend", loan("4000"), House::tia());
  EXPECT_EQ(next.status, 200) << next.body;
  house.insert_card(House::reader_of(House::ada()), spare);
  ASSERT_EQ(choose_passcode(House::ada(), "246810").status, 204);
  EXPECT_EQ(sign_in_with_spare(House::ada()).status, 201) << "Eve's session, at that reader";
  EXPECT_EQ(house.owners().table.of_uid(1000).front()->person, "4000");
  EXPECT_THAT(acts(), ElementsAre("lent", "returned", "lent"));
}

TEST_F(LentCard, OneLoanForACardAndOneForAPerson) {
  ASSERT_EQ(lend("1000").status, 200);
  EXPECT_EQ(lend("4000").status, 422);
  EXPECT_EQ(lend("1000").status, 422) << "it is lent to her already";
  const std::string second = "00000000-0000-4000-8000-000000009102";
  ASSERT_EQ(add(second, "Pool card 2").status, 201);
  const auto two = house.ask("POST", "/v1/cards/" + second + "/lend", loan("1000"), House::tia());
  EXPECT_EQ(two.status, 422) << two.body;
  EXPECT_THAT(two.body, HasSubstr("on loan until"));
  EXPECT_THAT(acts(), ElementsAre("lent"));
}

TEST_F(LentCard, NobodyLendsToThemselvesOrWithoutTheRole) {
  EXPECT_EQ(lend("3000").error(), "not_yours_to_do");
  house.sign_in(House::ada());
  EXPECT_EQ(lend("4000", House::ada()).error(), "role_needed");
  EXPECT_EQ(add("00000000-0000-4000-8000-000000009102", "x", House::ada()).error(), "role_needed");
  EXPECT_EQ(house.ask("GET", "/v1/pool-cards", House::ada()).error(), "role_needed");
  EXPECT_THAT(acts(), IsEmpty());
}

TEST_F(LentCard, WhoeverDecidesForOthersNeedsASecondPerson) {
  ASSERT_EQ(lend("2000").status, 200);
  EXPECT_THAT(cards_of("2000"), ElementsAre("active", "waiting, lent"));
  EXPECT_EQ(sign_in_with_spare(House::max()).error(), "access_denied");
  EXPECT_EQ(choose_passcode(House::max(), "135790").status, 204) << "whoever lent it alone could do that";
  EXPECT_EQ(lend("2000").error(), "not_yours_to_do") << "the same person again";
  house.sign_in(House::uma());
  const auto confirmed = lend("2000", House::uma());
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  EXPECT_THAT(cards_of("2000"), ElementsAre("active", "active, lent"));
  EXPECT_EQ(sign_in_with_spare(House::max()).error(), "passcode_change_required");
  EXPECT_EQ(choose_passcode(House::max(), "246810").status, 204);
  EXPECT_EQ(sign_in_with_spare(House::max()).status, 201);
  EXPECT_THAT(acts(), ElementsAre("lent", "confirmed"));
}

TEST_F(LentCard, ItsTimeIsOverWhileTheServiceIsOff) {
  lend_to_ada();
  house.clock.forward(minutes(30));
  house.restart();
  EXPECT_EQ(sign_in_with_spare(House::ada()).status, 403);
  house.run_until([&] { return status_in_pool() == "ended"; });
  EXPECT_THAT(acts(), ElementsAre("lent", "ended"));
}

TEST_F(LentCard, ItRunsOnOverARestart) {
  lend_to_ada();
  house.restart();
  EXPECT_EQ(sign_in_with_spare(House::ada()).status, 201);
  house.forward(minutes(10));
  EXPECT_FALSE(has_session(1000));
  house.run_until([&] { return status_in_pool() == "ended"; });
}

TEST_F(LentCard, ItEndsAlthoughTheRegisterIsBusy) {
  lend_to_ada();
  ASSERT_EQ(sign_in_with_spare(House::ada()).status, 201);
  auto held = house.hold_register();
  house.forward(minutes(10));
  EXPECT_FALSE(has_session(1000));
  EXPECT_EQ(status_in_pool(), "active") << "not written yet";
  EXPECT_EQ(sign_in_with_spare(House::ada()).status, 403);
  house.forward(minutes(1));
  held.release();
  house.run_until([&] { return status_in_pool() == "ended"; });
  EXPECT_THAT(acts(), ElementsAre("lent", "ended")) << "once";
}

TEST_F(LentCard, ThePersonIsRemovedWhileItRuns) {
  lend_to_ada();
  ASSERT_EQ(sign_in_with_spare(House::ada()).status, 201);
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  EXPECT_FALSE(has_session(1000));
  EXPECT_EQ(status_in_pool(), "active") << "she still has it in her pocket";
  house.forward(minutes(10));
  house.run_until([&] { return status_in_pool() == "ended"; });
}

TEST_F(LentCard, TheLenderIsRemovedWhileTheLoanIsRecorded) {
  house.sign_in(House::uma());
  auto log = house.hold_log();
  const auto lending = house.begin("POST", "/v1/cards/" + spare.id + "/lend", loan("1000"), House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  const auto removing = house.begin(
      "POST", "/v1/removals", {{"person", "3000"}, {"reason", "Left"}, {"at_once", true}}, House::uma());
  house.run_until([&] { return !has_session(3000); });
  log.release();
  EXPECT_EQ(house.finish(lending).status, 401);
  EXPECT_EQ(house.finish(removing).status, 200);
  EXPECT_THAT(cards_of("1000"), ElementsAre("active"));
  EXPECT_THAT(acts(), ElementsAre("lent", "lent, not done"));
}

TEST_F(LentCard, TheLogFails) {
  auto log = house.hold_log();
  const auto lending = house.begin("POST", "/v1/cards/" + spare.id + "/lend", loan("1000"), House::tia());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  House::break_disks();
  log.release();
  const auto reply = house.finish(lending);
  House::mend_disks();
  EXPECT_EQ(reply.error(), "audit_unavailable");
  EXPECT_THAT(cards_of("1000"), ElementsAre("active"));
}

TEST_F(LentCard, ReturnedByHandItIsOverAtOnce) {
  lend_to_ada();
  ASSERT_EQ(sign_in_with_spare(House::ada()).status, 201);
  auto log = house.hold_log();
  auto registered = house.hold_register();
  const auto returning = house.begin("POST", "/v1/cards/" + spare.id + "/return", {}, House::tia());
  house.run_until([&] { return !has_session(1000); });
  log.release();
  registered.release();
  EXPECT_EQ(house.finish(returning).status, 200);
  EXPECT_EQ(status_in_pool(), "free");
  EXPECT_EQ(give_back().status, 422) << "nobody has it";
  house.forward(minutes(10));
  house.run_ready();
  EXPECT_THAT(acts(), ElementsAre("lent", "returned"));
}

TEST_F(LentCard, LostMeanwhileItIsNeverLentAgain) {
  ASSERT_EQ(lend("1000").status, 200);
  const auto stopped =
      house.ask("POST", "/v1/staff/1000/cards",
                {{"uuid", spare.id}, {"status", "lost"}, {"reason", "Left on a bus"}}, House::tia());
  ASSERT_EQ(stopped.status, 200) << stopped.body;
  house.forward(minutes(10));
  house.run_ready();
  EXPECT_EQ(status_in_pool(), "lost");
  EXPECT_EQ(lend("4000").status, 422);
  const auto out =
      house.ask("POST", "/v1/pool-cards/" + spare.id + "/remove", {{"reason", "Lost"}}, House::tia());
  EXPECT_EQ(out.status, 200) << out.body;
  EXPECT_EQ(status_in_pool(), "not there");
}

TEST_F(LentCard, NotForLongerThanADayNorForThePast) {
  for (const char* until : {"2026-06-02T12:00:01Z", "2026-06-01T11:59:00Z", "2026-06-01T12:00:00Z"}) {
    const auto refused =
        house.ask("POST", "/v1/cards/" + spare.id + "/lend", loan("1000", until), House::tia());
    EXPECT_EQ(refused.status, 422) << until << refused.body;
  }
  EXPECT_EQ(
      house.ask("POST", "/v1/cards/" + spare.id + "/lend", loan("1000", "tonight"), House::tia()).status,
      400);
  EXPECT_THAT(acts(), IsEmpty());
}

TEST_F(LentCard, ThePoolTakesNoCardOfAPersonAndNoOtherName) {
  EXPECT_EQ(add(house.card_of(House::ada()).id, "x").status, 422) << "Ada's own";
  EXPECT_EQ(add(spare.id, "Pool card 1").status, 422) << "in it already";
  const std::string second = "00000000-0000-4000-8000-000000009102";
  EXPECT_EQ(add(second, "").status, 422) << "nobody knows what its certificate says";
  house.insert_card(House::reader_of(House::ada()),
                    house.make_card("00000000-0000-4000-8000-000000009102", "Pool card 2"));
  EXPECT_EQ(add(second, "Ada Example").error(), "certificate_name_differs");
  const auto added = add(second, "");
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.text("certificate_name"), "Pool card 2");
  ASSERT_EQ(lend("1000").status, 200);
  const auto kept =
      house.ask("POST", "/v1/pool-cards/" + spare.id + "/remove", {{"reason", "Old"}}, House::tia());
  EXPECT_EQ(kept.status, 422) << "it is lent";
  const auto own =
      house.ask("POST", "/v1/staff/4000/cards",
                {{"uuid", second}, {"certificate_name", "Pool card 2"}, {"reason", "New"}}, House::tia());
  EXPECT_EQ(own.status, 422) << own.body;
  EXPECT_THAT(house.records("card_pool"), Contains(::testing::Truly([](const json::object& record) {
                return record.at("details").at("act").as_string() == "added";
              })));
}

TEST_F(LentCard, TheListSaysWhoHasWhat) {
  ASSERT_EQ(lend("1000").status, 200);
  const auto list = house.ask("GET", "/v1/pool-cards", House::tia());
  ASSERT_EQ(list.status, 200) << list.body;
  const auto body = list.json();
  const auto& row = body.at("cards").as_array().at(0).as_object();
  EXPECT_EQ(row.at("status").as_string(), "active");
  EXPECT_EQ(row.at("lent_to").at("name").as_string(), "Ada Example");
  EXPECT_EQ(row.at("lent_by").at("id").as_string(), "3000");
  EXPECT_THAT(house.reasons("looked_at"), Contains("cards on loan"));
}

}  // namespace
}  // namespace cardgate::testing
