// SPDX-License-Identifier: Apache-2.0
// The care that is taken of passcodes: what is spent, what is not, and what people are told. And that a
// passcode stays nowhere.
#include <gtest/gtest.h>

#include "tests/daemon/stage.hpp"

namespace cardgate::daemon {
namespace {

using testing::HttpAnswer;
using testing::Stage;

class Passcode : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
    stage.insert_and_wait();
  }
  HttpAnswer post(const std::string& what, json::object body) const {
    body["reader"] = Stage::reader;
    const auto id = std::string(stage.card_status().at("id").as_string());
    return stage.ask("POST", "/v1/cards/" + id + "/" + what, json::serialize(body),
                     {"Content-Type: application/json"});
  }
  HttpAnswer change(const std::string& now, const std::string& fresh, bool spend_last_try = false) const {
    json::object body{{"tries_left", tries()}, {"passcode", now}, {"new_passcode", fresh}};
    if (spend_last_try) body["spend_last_try"] = true;
    return post("passcode", body);
  }
  HttpAnswer unblock(const std::string& key, const std::string& fresh) const {
    return post("unblock", {{"unblocking_key", key}, {"new_passcode", fresh}});
  }
  std::int64_t tries() const { return stage.card_status().at("tries_left").as_int64(); }
  void reinsert() {
    stage.pull();
    stage.insert_and_wait();
  }
  Stage stage;
};

TEST_F(Passcode, IsChangedAndTheSessionGoesOn) {
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  const auto changed = change(Stage::pin, "246810");
  EXPECT_EQ(changed.status, 204) << changed.body;
  EXPECT_TRUE(stage.is_active(token));
  EXPECT_TRUE(stage.audit_says("passcode_changed"));
  reinsert();
  EXPECT_EQ(stage.sign_in().error(), "passcode_incorrect");
  EXPECT_EQ(stage.sign_in("246810").status, 201);
  EXPECT_EQ(stage.audit_text().find("246810"), std::string::npos);
}

TEST_F(Passcode, AWrongOneIsNotChangedAndItsTryIsCounted) {
  const auto refused = change("999999", "246810");
  EXPECT_EQ(refused.error(), "passcode_incorrect") << refused.body;
  EXPECT_EQ(refused.json().at("tries_left"), 2);
  EXPECT_EQ(tries(), 2);
  EXPECT_TRUE(stage.audit_says("card_refused"));
}

TEST_F(Passcode, OfAFormThatCannotBeRightSpendsNothing) {
  for (const char* bad : {"12345", "123456789", "abcdef", "12345a", ""}) {
    EXPECT_EQ(change(bad, "246810").error(), "passcode_format") << bad;
    EXPECT_EQ(change(Stage::pin, bad).error(), "passcode_format") << bad;
    EXPECT_EQ(stage.sign_in(bad).error(), "passcode_format") << bad;
  }
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(Passcode, TheLastTryIsSpentOnlyWhenThePersonSaysSo) {
  ASSERT_EQ(change("999999", "246810").status, 401);
  reinsert();
  ASSERT_EQ(change("999999", "246810").status, 401);
  reinsert();
  ASSERT_EQ(tries(), 1);
  EXPECT_EQ(change(Stage::pin, "246810").error(), "last_try");
  EXPECT_EQ(stage.card->pin_tries(), 1);
  EXPECT_EQ(change(Stage::pin, "246810", true).status, 204);
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(Passcode, ABlockedCardIsExplainedAndUnblockedAtTheHelpDesk) {
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.pin_tries = 0; }));
  reinsert();
  EXPECT_EQ(tries(), 0);
  EXPECT_NE(std::string(stage.card_status().at("problem").as_string()).find("help desk"), std::string::npos);
  EXPECT_EQ(stage.sign_in(Stage::pin).error(), "passcode_blocked");
  const auto wrong = unblock("00000000", "246810");
  EXPECT_EQ(wrong.error(), "unblocking_key_incorrect") << wrong.body;
  EXPECT_EQ(wrong.json().at("tries_left"), 2);
  const auto right = unblock("12345678", "246810");
  EXPECT_EQ(right.status, 204) << right.body;
  EXPECT_TRUE(stage.audit_says("card_unblocked"));
  EXPECT_TRUE(testing::eventually(seconds(5), [&] { return tries() == 3; }));
  EXPECT_EQ(stage.sign_in("246810").status, 201);
}

TEST_F(Passcode, TheUnblockingKeyIsNotTriedAThirdTimeWithoutTakingTheCardOut) {
  ASSERT_EQ(unblock("00000000", "246810").status, 401);
  ASSERT_EQ(unblock("00000000", "246810").status, 401);
  EXPECT_EQ(unblock("00000000", "246810").error(), "reinsert_card");
  EXPECT_EQ(stage.card->data().puk_tries, 1);
}

TEST_F(Passcode, OfAnotherCardOrFromAnotherCountSpendsNothing) {
  const auto stale =
      post("passcode", {{"tries_left", 2}, {"passcode", "999999"}, {"new_passcode", "246810"}});
  EXPECT_EQ(stale.error(), "card_changed") << stale.body;
  json::object body{{"reader", Stage::reader}, {"unblocking_key", "00000000"}, {"new_passcode", "246810"}};
  const auto other = stage.ask("POST", "/v1/cards/00000000-0000-4000-8000-000000000000/unblock",
                               json::serialize(body), {"Content-Type: application/json"});
  EXPECT_EQ(other.error(), "card_changed") << other.body;
  EXPECT_EQ(stage.card->pin_tries(), 3);
  EXPECT_EQ(stage.card->data().puk_tries, 3);
}

TEST_F(Passcode, TheCommandShowsChangesAndUnblocks) {
  const auto shown = stage.cardgate({"card", "status"});
  EXPECT_EQ(shown.status, 0) << shown.all;
  EXPECT_NE(shown.all.find("3 tries left"), std::string::npos) << shown.all;
  const auto changed = stage.cardgate({"card", "change-passcode", "--passcode-stdin"}, "123456\n246810\n");
  EXPECT_EQ(changed.status, 0) << changed.all;
  EXPECT_EQ(stage.cardgate({"login", "--passcode-stdin"}, "246810\n").status, 0);
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.pin_tries = 0; }));
  reinsert();
  const auto blocked = stage.cardgate({"card", "status"});
  EXPECT_EQ(blocked.status, 1) << blocked.all;
  EXPECT_NE(blocked.all.find("help desk"), std::string::npos) << blocked.all;
  const auto unblocked = stage.cardgate({"card", "unblock", "--passcode-stdin"}, "12345678\n135790\n");
  EXPECT_EQ(unblocked.status, 0) << unblocked.all;
  EXPECT_EQ(stage.cardgate({"login", "--passcode-stdin"}, "135790\n").status, 0);
}

TEST_F(Passcode, NothingOfItIsLeftInTheServicesMemory) {
  // Digits that nothing else is likely to spell.
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) {
    data.pin = "97531864";
    data.puk = "86420975";
  }));
  ASSERT_EQ(stage.sign_in("97531864").status, 201);
  ASSERT_EQ(change("97531864", "75319864").status, 204);
  ASSERT_EQ(unblock("86420975", "53197864").status, 204);
  for (const char* secret : {"97531864", "75319864", "86420975", "53197864"})
    EXPECT_EQ(testing::occurrences_in_memory(stage.daemon->pid(), secret), 0U) << secret;
}

}  // namespace
}  // namespace cardgate::daemon
