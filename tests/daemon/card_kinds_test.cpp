// SPDX-License-Identifier: Apache-2.0
// Cards of every kind of key and length against the whole service: how many exchanges a person waits for, and
// that a card which is not what it says gets nobody in.
#include <gtest/gtest.h>

#include "tests/daemon/stage.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/simcard/exchange_log.hpp"

namespace cardgate::daemon {
namespace {

using simcard::ExchangeLog;
using simcard::KeyKind;
using testing::Stage;

struct Exchanges {
  int on_insertion, with_passcode;
};

Exchanges sign_in_once(Stage& stage, const ExchangeLog& log) {
  const int before = log.counted();
  stage.insert_and_wait();
  const int inserted = log.counted();
  const auto session = stage.sign_in();
  EXPECT_EQ(session.status, 201) << session.body;
  const int done = log.counted();
  EXPECT_EQ(stage.token().status, 200);
  return {inserted - before, done - inserted};
}

class CardKinds : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
};

struct Want {
  KeyKind key;
  bool extended;
  int cold, known, with_passcode;
};
class RoundTrips : public CardKinds, public ::testing::WithParamInterface<Want> {};

TEST_P(RoundTrips, OfACardSeenForTheFirstTimeAndAgain) {
  const Want& want = GetParam();
  Stage stage;
  stage.up(want.key);
  ASSERT_TRUE(stage.card->change([&](simcard::CardData& data) { data.extended_length = want.extended; }));
  const ExchangeLog log(*stage.card);
  // The live look at the tries, which people are shown before they type, is among those on insertion.
  const auto cold = sign_in_once(stage, log);
  EXPECT_LE(cold.on_insertion, want.cold);
  EXPECT_LE(cold.with_passcode, want.with_passcode);
  stage.pull();
  const auto known = sign_in_once(stage, log);
  EXPECT_LE(known.on_insertion, want.known);
  EXPECT_LE(known.with_passcode, want.with_passcode);
}

// SELECT, tries left, certificate in 4 parts of 256 bytes | SELECT, tries left, VERIFY, and a signature:
// chained twice and answered in two parts for RSA-2048, of 384 bytes for RSA-3072. With extended length the first part, which
// would do for a known card, and then the whole at once.
INSTANTIATE_TEST_SUITE_P(
    Keys, RoundTrips,
    ::testing::Values(Want{KeyKind::rsa2048, false, 6, 3, 6}, Want{KeyKind::p256, false, 6, 3, 4},
                      Want{KeyKind::rsa3072, false, 7, 3, 6}, Want{KeyKind::p384, false, 6, 3, 4},
                      Want{KeyKind::rsa2048, true, 4, 3, 4}, Want{KeyKind::p256, true, 4, 3, 4}),
    [](const auto& one) {
      return std::string(simcard::name(one.param.key)) + (one.param.extended ? "_extended" : "_short");
    });

TEST_F(CardKinds, ACardThatBreaksItsPromiseOfExtendedLengthIsServedAllTheSame) {
  Stage stage;
  stage.up();
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.extended_length = true; }));
  auto faults = stage.card->faults();
  faults.short_only = true;
  stage.card->set_faults(faults);
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(CardKinds, TheGlobalPasscodeIsAskedForWhereTheCardSaysSo) {
  Stage stage;
  stage.up();
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.global_pin = true; }));
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("tries_left"), 3);
  const auto wrong = stage.sign_in("654321");
  EXPECT_EQ(wrong.error(), "passcode_incorrect") << wrong.body;
  EXPECT_EQ(stage.card_status().at("tries_left"), 2);
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(CardKinds, AGenuineCardSaysSoAndOneWithoutThatKeyIsNotRefused) {
  Stage stage;
  stage.up();
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("genuine"), "shown");
  EXPECT_EQ(stage.card_status().at("transaction"), "guaranteed");
  stage.pull();
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.card_authentication = {}; }));
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("genuine"), "not shown");
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(CardKinds, ACopiedCardIsRefusedBeforeAnybodyTypes) {
  Stage stage;
  stage.up();
  // All that can be read of a card, with keys of the copier's own.
  const auto key = simcard::generate_key(KeyKind::p256);
  ASSERT_TRUE(key);
  ASSERT_TRUE(stage.card->change(
      [&](simcard::CardData& data) { data.card_authentication.private_key = key->private_key; }));
  stage.insert_and_wait();
  const auto status = stage.card_status();
  EXPECT_EQ(status.at("state"), "unusable");
  EXPECT_NE(std::string(status.at("problem").as_string()).find("genuine"), std::string::npos);
}

TEST_F(CardKinds, TheCertificatesOfTwoCardsInOneAreRefused) {
  Stage stage;
  stage.up();
  simcard::Personalisation another;
  const auto other = simcard::personalise(*stage.ca, another);
  ASSERT_TRUE(other);
  ASSERT_TRUE(stage.card->change(
      [&](simcard::CardData& data) { data.card_authentication = other->card_authentication; }));
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("state"), "unusable");
}

TEST_F(CardKinds, ACardThatSwapsItsCertificateAfterTheCheckGetsNobodyIn) {
  Stage stage;
  stage.up();
  stage.insert_and_wait();
  simcard::Personalisation another;
  another.person = "Eve Example";
  const auto other = simcard::personalise(*stage.ca, another);
  ASSERT_TRUE(other);
  // Ada's certificate was checked; Eve's key answers.
  ASSERT_TRUE(stage.card->change(
      [&](simcard::CardData& data) { data.authentication.private_key = other->authentication.private_key; }));
  const auto answer = stage.sign_in();
  EXPECT_EQ(answer.error(), "certificate_refused") << answer.body;
  EXPECT_TRUE(stage.audit_says("possession_not_proved"));
  EXPECT_EQ(stage.token().error(), "no_session");
}

}  // namespace
}  // namespace cardgate::daemon
