// SPDX-License-Identifier: Apache-2.0
// A forged card can show whatever its maker read from a colleague's: none of it may count against the
// colleague's own card.
#include <gtest/gtest.h>

#include "tests/daemon/stage.hpp"
#include "tests/simcard/exchange_log.hpp"

namespace cardgate::daemon {
namespace {

using simcard::ExchangeLog;
using testing::eventually;
using testing::Stage;

class Forged : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
  }
  /// The first card in the reader is this one; Ada's own was never there.
  void show(const simcard::CardData& data) {
    simcard::Card card(data);
    simcard::VpcdLink link(card);
    ASSERT_TRUE(link.insert());
    ASSERT_TRUE(eventually(seconds(15), [&] {
      const auto status = stage.card_status();
      return status.contains("state") && status.at("state") != "reading";
    }));
    link.pull();
    ASSERT_TRUE(eventually(seconds(10), [&] { return stage.card_status().empty(); }));
  }
  std::string state(const std::string& reader) const {
    const auto status = stage.card_status(reader);
    return status.contains("state") ? std::string(status.at("state").as_string()) : std::string();
  }
  /// Ada's card as a forger makes it: all that can be read of it, but for its keys.
  simcard::CardData copy() const {
    auto data = stage.card->data();
    const auto key = simcard::generate_key(data.authentication.kind);
    EXPECT_TRUE(key);
    data.authentication.private_key = key->private_key;
    data.card_authentication = {};
    return data;
  }
  /// The last byte of a certificate is its signature's: whoever reads the first part alone sees no difference.
  static void spoil(simcard::KeySlot& slot) { slot.certificate.back() ^= 1; }
  Stage stage;
};

TEST_F(Forged, ACertificateThatWasOnlyShownIsNotTakenForTheOriginals) {
  auto forged = copy();
  spoil(forged.authentication);
  show(forged);
  stage.insert_and_wait();
  const auto session = stage.sign_in();
  EXPECT_EQ(session.status, 201) << session.body;
}

TEST_F(Forged, ACardAuthenticationThatWasOnlyShownIsNotTakenForTheOriginals) {
  auto forged = stage.card->data();
  spoil(forged.card_authentication);
  show(forged);
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("genuine"), "shown");
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Forged, ACardThatWasRefusedIsReadWholeTheNextTime) {
  const ExchangeLog log(*stage.card);
  stage.insert_and_wait();
  const int cold = log.counted();
  ASSERT_EQ(stage.sign_in().status, 201);
  stage.pull();
  int before = log.counted();
  stage.insert_and_wait();
  EXPECT_LT(log.counted() - before, cold) << "it proved itself, so it is known";
  auto faults = stage.card->faults();
  const auto other = simcard::generate_key(simcard::KeyKind::p256);
  ASSERT_TRUE(other);
  faults.sign_with = other->private_key;
  stage.card->set_faults(faults);
  EXPECT_EQ(stage.sign_in().error(), "certificate_refused");
  faults.sign_with.clear();
  stage.card->set_faults(faults);
  stage.pull();
  before = log.counted();
  stage.insert_and_wait();
  EXPECT_EQ(log.counted() - before, cold);
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Forged, ACopyInAnotherReaderDoesNotKeepTheOriginalOut) {
  simcard::Card copied(copy());
  simcard::VpcdLink second(copied, simcard::second_reader);
  ASSERT_TRUE(second.insert());
  ASSERT_TRUE(eventually(seconds(15), [&] { return state(testing::Pcscd::second_name) == "ready"; }))
      << "nothing shows yet that it is one";
  stage.insert_and_wait();
  EXPECT_EQ(state(Stage::reader), "ready") << stage.card_status();
  EXPECT_EQ(state(testing::Pcscd::second_name), "unusable") << "the other one has shown that it is genuine";
  EXPECT_TRUE(stage.audit_says("the same card answers in two readers"));
  EXPECT_EQ(stage.sign_in().status, 201);
  second.pull();
}

TEST_F(Forged, OfTwoThatShowNothingTheOneThatSignsStays) {
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.card_authentication = {}; }));
  simcard::Card copied(copy());
  simcard::VpcdLink second(copied, simcard::second_reader);
  ASSERT_TRUE(second.insert());
  ASSERT_TRUE(eventually(seconds(15), [&] { return state(testing::Pcscd::second_name) == "ready"; }));
  stage.insert_and_wait();
  EXPECT_EQ(state(Stage::reader), "ready");
  EXPECT_TRUE(stage.audit_says("the same card answers in two readers"));
  EXPECT_EQ(stage.sign_in().status, 201);
  EXPECT_EQ(state(testing::Pcscd::second_name), "unusable");
  second.pull();
}

}  // namespace
}  // namespace cardgate::daemon
