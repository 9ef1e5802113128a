// SPDX-License-Identifier: Apache-2.0
// A card of the pool is blocked, and its borrower is not at the desk: a code that is used once, and the key that the service holds.
#include <gmock/gmock.h>

#include <filesystem>

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

class UnblockByCode : public ::testing::Test {
 protected:
  UnblockByCode() : spare(house.make_genuine_card("00000000-0000-4000-8000-000000009101", "Pool card 1")) {
    house.sign_in(House::tia());
    post("/v1/pool-cards", {{"uuid", spare.id}, {"certificate_name", "Pool card 1"}, {"reason", "Desk"}},
         201);
    hand_key(spare.unblocking_key);
    post("/v1/cards/" + spare.id + "/lend",
         {{"person", "1000"}, {"ends_at", "2026-06-01T20:00:00Z"}, {"reason", "Forgot the card"}}, 200);
    spare.tries_left = 0;
    put_in();
    before = house.driver->passcodes_spent();
  }
  /// Passcodes and unblocking keys that cards were given since.
  int spent() { return house.driver->passcodes_spent() - before; }
  Reply post(const std::string& target, const json::object& body, int status) {
    const auto reply = house.ask("POST", target, body, House::tia());
    EXPECT_EQ(reply.status, status) << target << reply.body;
    return reply;
  }
  void hand_key(const std::string& key) {
    post("/v1/pool-cards/" + spare.id + "/unblocking-key", {{"unblocking_key", key}}, 204);
  }
  void put_in() { house.insert_card(House::reader_of(House::ada()), spare); }
  void put_in_again() {
    house.remove_card(House::reader_of(House::ada()));
    put_in();
  }
  std::string code() {
    return post("/v1/staff/1000/unblocking-code", {{"reason", "Rang"}}, 201).text("code");
  }
  json::object body(const std::string& code, const std::string& fresh = "246810") {
    return {{"reader", House::reader_of(House::ada())}, {"code", code}, {"new_passcode", fresh}};
  }
  std::string target() { return "/v1/cards/" + spare.id + "/unblock"; }
  Reply unblock(const std::string& code, const std::string& fresh = "246810") {
    return house.ask("POST", target(), body(code, fresh), House::ada());
  }
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    for (const auto& record : house.records("card_pool"))
      out.emplace_back(record.at("details").at("act").as_string());
    return out;
  }
  /// What the log says became of uses of a code that are not simply done.
  std::vector<std::string> ends() {
    std::vector<std::string> out;
    for (const auto& reason : house.reasons("card_pool")) {
      if (reason.starts_with("not ")) out.push_back(reason);
    }
    return out;
  }
  static constexpr const char* wrong = "0000-0000-0000";

  House house;
  ScriptedCard spare;
  int before = 0;
};

TEST_F(UnblockByCode, TheRightCodeWorksOnce) {
  const auto given = code();
  const auto done = unblock(given);
  ASSERT_EQ(done.status, 204) << done.body;
  auto signing_in = house.with_card(House::ada(), spare);
  signing_in["passcode"] = "246810";
  EXPECT_EQ(house.ask("POST", "/v1/sessions", signing_in, House::ada()).status, 201);
  EXPECT_EQ(unblock(given, "135791").error(), "code_incorrect") << "used";
  EXPECT_EQ(spent(), 2) << "the key, then the new passcode";
  EXPECT_THAT(acts(), ElementsAre("added", "key", "code", "code_used"));
  EXPECT_THAT(ends(), IsEmpty());
  const auto unblocked = house.records("card_unblocked");
  ASSERT_THAT(unblocked, SizeIs(1));
  EXPECT_EQ(unblocked.front().at("person").as_string(), "1000");
  for (const auto& record : house.records("card_pool")) {
    const auto text = json::serialize(record);
    EXPECT_EQ(text.find(given), std::string::npos);
    EXPECT_EQ(text.find(spare.unblocking_key), std::string::npos);
  }
}

TEST_F(UnblockByCode, WrongCodesSpendNothingOfTheCardAndVoidTheCode) {
  const auto given = code();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(unblock(wrong).error(), "code_incorrect");
    put_in_again();
  }
  EXPECT_EQ(unblock(given).error(), "code_incorrect") << "after five, none works";
  EXPECT_EQ(spent(), 0);
  EXPECT_THAT(house.reasons("card_refused"), Contains("code_incorrect"));
  EXPECT_THAT(acts(), Not(Contains("code_used")));
  put_in_again();
  EXPECT_EQ(unblock(code()).status, 204) << "a new one does";
}

TEST_F(UnblockByCode, AfterTwoWrongCodesTheCardMustBePutInAgain) {
  EXPECT_EQ(unblock(wrong).error(), "code_incorrect");
  EXPECT_EQ(unblock(wrong).error(), "code_incorrect");
  EXPECT_EQ(unblock(wrong).error(), "reinsert_card");
}

TEST_F(UnblockByCode, ItLivesForAnHourAndANewOneVoidsIt) {
  const auto old = code();
  const auto given = code();
  EXPECT_EQ(unblock(old).error(), "code_incorrect");
  house.forward(minutes(60));
  EXPECT_EQ(unblock(given).error(), "code_incorrect");
  EXPECT_EQ(spent(), 0);
}

TEST_F(UnblockByCode, TheCardIsPulledBeforeItGetsTheKey) {
  const auto given = code();
  house.driver->hold();
  const auto call = house.begin("POST", target(), body(given), House::ada());
  house.run_until([&] { return house.driver->held(); });
  house.remove_card(House::reader_of(House::ada()));
  house.driver->release();
  EXPECT_EQ(house.finish(call).error(), "no_card");
  EXPECT_EQ(spent(), 0);
  EXPECT_THAT(ends(), ElementsAre(HasSubstr("not known whether it was done: the code is used up")));
  put_in();
  EXPECT_EQ(unblock(given).error(), "code_incorrect") << "used up, whatever came of it";
}

TEST_F(UnblockByCode, WithoutItsRecordNothingIsSpent) {
  const auto given = code();
  auto log = house.hold_log();
  const auto call = house.begin("POST", target(), body(given), House::ada());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  House::break_disks();
  log.release();
  const auto reply = house.finish(call);
  House::mend_disks();
  EXPECT_EQ(reply.error(), "audit_unavailable") << reply.body;
  EXPECT_EQ(spent(), 0);
}

TEST_F(UnblockByCode, TheCardIsReturnedWhileTheUseIsRecorded) {
  const auto given = code();
  auto log = house.hold_log();
  const auto call = house.begin("POST", target(), body(given), House::ada());
  house.run_until([&] { return house.waiting_in_log() > 0; });
  const auto returning = house.begin("POST", "/v1/cards/" + spare.id + "/return", {}, House::tia());
  house.run_until([&] { return house.owners().roll.record_of("1000")->cards.size() == 1; });
  log.release();
  const auto reply = house.finish(call);
  EXPECT_TRUE(reply.status == 403 || reply.status == 422) << reply.body;
  EXPECT_EQ(house.finish(returning).status, 200);
  EXPECT_EQ(spent(), 0);
  EXPECT_THAT(ends(), ElementsAre(HasSubstr("not done: the code was not used up")));
}

TEST_F(UnblockByCode, ACodeEndsWithItsLoan) {
  const auto given = code();
  post("/v1/cards/" + spare.id + "/return", {}, 200);
  // The same card, to the same person, until the same time.
  post("/v1/cards/" + spare.id + "/lend",
       {{"person", "1000"}, {"ends_at", "2026-06-01T20:00:00Z"}, {"reason", "Forgot the card"}}, 200);
  EXPECT_EQ(unblock(given).error(), "code_incorrect");
  EXPECT_EQ(spent(), 0);
  EXPECT_EQ(unblock(code()).status, 204) << "a new one does";
}

TEST_F(UnblockByCode, ALostSealingKeyIsSaidAndCostsNoCode) {
  const auto given = code();
  const auto key = house.dir / "state" / "card-key";
  ASSERT_TRUE(std::filesystem::exists(key));
  std::filesystem::rename(key, house.dir / "kept");
  const auto reply = unblock(given);
  EXPECT_EQ(reply.error(), "not_possible") << reply.body;
  EXPECT_THAT(reply.text("detail"), HasSubstr("The code was not used up"));
  EXPECT_FALSE(std::filesystem::exists(key)) << "none is made in its place";
  EXPECT_THAT(ends(), ElementsAre(HasSubstr("not done: the code was not used up")));
  house.restart();
  EXPECT_THAT(house.ask("GET", "/v1/status", House::ada()).body, HasSubstr("card-key, is missing"));
  std::filesystem::rename(house.dir / "kept", key);
  put_in();
  EXPECT_EQ(unblock(given).status, 204) << "it is back";
}

TEST_F(UnblockByCode, TheKeyIsUsedOnce) {
  EXPECT_EQ(unblock(code()).status, 204);
  post("/v1/staff/1000/unblocking-code", {{"reason", "Rang"}}, 422);
  hand_key(spare.unblocking_key);
  code();
}

TEST_F(UnblockByCode, ACardThatMayBeACopyIsNotGivenTheKey) {
  const auto given = code();
  spare.presence_certificate.clear();  // it has the certificate, which anybody can read
  put_in_again();
  const auto reply = unblock(given);
  EXPECT_EQ(reply.error(), "access_denied") << reply.body;
  EXPECT_EQ(spent(), 0);
  EXPECT_THAT(house.reasons("card_refused"), Contains("not_genuine"));
  EXPECT_THAT(acts(), Not(Contains("code_used")));
}

TEST_F(UnblockByCode, NobodyUnblocksAloneForWhoeverDecidesForOthers) {
  // The loan of a member of the team waits for a second member; a code would make one of them the other.
  post("/v1/cards/" + spare.id + "/return", {}, 200);
  post("/v1/cards/" + spare.id + "/lend",
       {{"person", "3100"}, {"ends_at", "2026-06-01T20:00:00Z"}, {"reason", "Forgot the card"}}, 200);
  post("/v1/staff/3100/unblocking-code", {{"reason", "Rang"}}, 422);
}

TEST_F(UnblockByCode, AKeyThatTheCardRefusesIsNotTriedAgain) {
  hand_key("00000000");
  EXPECT_EQ(unblock(code()).error(), "unblocking_key_incorrect");
  EXPECT_EQ(spent(), 1);
  EXPECT_THAT(ends(), ElementsAre(HasSubstr("not done: the code is used up")));
  post("/v1/staff/1000/unblocking-code", {{"reason", "Rang"}}, 422);
  hand_key(spare.unblocking_key);
  put_in_again();
  EXPECT_EQ(unblock(code()).status, 204);
}

TEST_F(UnblockByCode, APasscodeThatNoCardTakesSpendsNoCode) {
  const auto given = code();
  for (const char* bad : {"12345", "123456789", "abcdef"})
    EXPECT_EQ(unblock(given, bad).error(), "passcode_format");
  EXPECT_EQ(unblock(given).status, 204);
}

TEST_F(UnblockByCode, OnlyALentCardIsUnblockedSo) {
  const auto given = code();
  house.insert_card(House::ada());
  const auto own = house.ask("POST", "/v1/cards/" + house.card_of(House::ada()).id + "/unblock", body(given),
                             House::ada());
  EXPECT_EQ(own.status, 422) << own.body;
  post("/v1/cards/" + spare.id + "/return", {}, 200);
  put_in_again();
  EXPECT_EQ(unblock(given).status, 422);
  EXPECT_EQ(spent(), 0);
}

TEST_F(UnblockByCode, TheDeskGivesNoneToItselfNorWithoutALoan) {
  post("/v1/staff/3000/unblocking-code", {{"reason", "Mine"}}, 403);
  post("/v1/staff/4000/unblocking-code", {{"reason", "No card"}}, 422);
  house.sign_in(House::max());
  const auto other = house.ask("POST", "/v1/staff/1000/unblocking-code", {{"reason", "x"}}, House::max());
  EXPECT_EQ(other.status, 403) << other.body;
}

TEST_F(UnblockByCode, ItIsNotForWhoeverWasRemoved) {
  const auto given = code();
  post("/v1/removals", {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, 200);
  EXPECT_EQ(unblock(given).error(), "access_denied");
  EXPECT_EQ(spent(), 0);
}

}  // namespace
}  // namespace cardgate::testing
