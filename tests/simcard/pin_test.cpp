// SPDX-License-Identifier: Apache-2.0
// PIN, PUK, their counters, and what survives what.
#include "tests/simcard/card_fixture.hpp"

namespace cardgate::simcard {
namespace {

using cardgate::testing::TempDir;

constexpr const char* unblock = "00 2C 00 80 10 3132333435363738 323232323232FFFF";  // PUK, new PIN 222222
constexpr const char* unblock_wrong = "00 2C 00 80 10 3837363534333231 323232323232FFFF";  // wrong PUK
constexpr const char* change_pin = "00 24 00 80 10 313233343536FFFF 323232323232FFFF";
constexpr const char* verify_new = "00 20 00 80 08 323232323232FFFF";

class PinTest : public CardTest {
 protected:
  void SetUp() override { insert(sample(KeyKind::p256)); }
};

TEST_F(PinTest, ProbeSpendsNothing) {
  EXPECT_EQ(send(verify_probe), "63c3");
  EXPECT_EQ(send("00 20 00 80 00"), "63c3") << "as OpenSC asks, with Le";
  EXPECT_EQ(send(verify_right), "9000");
  EXPECT_EQ(send(verify_probe), "9000");
  EXPECT_EQ(card_->pin_tries(), 3);
}

TEST_F(PinTest, CountsDownBlocksAndStaysBlocked) {
  EXPECT_EQ(send(verify_wrong), "63c2");
  EXPECT_EQ(send(verify_probe), "63c2");
  EXPECT_EQ(send(verify_wrong), "63c1");
  EXPECT_EQ(send(verify_wrong), "63c0");
  EXPECT_EQ(send(verify_wrong), "6983");
  EXPECT_EQ(send(verify_right), "6983");
  EXPECT_EQ(send(verify_probe), "6983");
}

TEST_F(PinTest, TheRightPinRestoresTheCounter) {
  EXPECT_EQ(send(verify_wrong), "63c2");
  EXPECT_EQ(send(verify_right), "9000");
  EXPECT_EQ(card_->pin_tries(), 3);
}

TEST_F(PinTest, AWrongPinEndsWhatTheRightOneOpened) {
  EXPECT_EQ(send(verify_right), "9000");
  EXPECT_EQ(send(verify_wrong), "63c2");
  EXPECT_FALSE(card_->pin_verified());
}

TEST_F(PinTest, MalformedPinsSpendNoTry) {
  for (const char* apdu : {
           "00 20 00 80 08 3132333435FFFFFF",  // five digits
           "00 20 00 80 08 313233343541FFFF",  // a letter
           "00 20 00 80 06 313233343536",      // not padded
           "00 20 00 80 08 31323334353600FF",  // padded otherwise
           "00 20 00 80 08 FFFFFFFFFFFFFFFF",
       })
    EXPECT_EQ(send(apdu), "6a80") << apdu;
  EXPECT_EQ(card_->pin_tries(), 3);
  EXPECT_EQ(send("00 20 00 00 08 313233343536FFFF"), "6a88") << "there is no global PIN";
}

TEST_F(PinTest, EightDigits) {
  CardData data = sample(KeyKind::p256);
  data.pin = "12345678";
  insert(data);
  EXPECT_EQ(send("00 20 00 80 08 3132333435363738"), "9000");
}

TEST_F(PinTest, ResetAndPowerOffAndLogoutEndIt) {
  EXPECT_EQ(send(verify_right), "9000");
  EXPECT_EQ(sw(select_piv), "9000");
  EXPECT_TRUE(card_->pin_verified()) << "a second SELECT keeps it";
  EXPECT_EQ(send("00 20 FF 80"), "9000");
  EXPECT_FALSE(card_->pin_verified());
  EXPECT_EQ(send(verify_right), "9000");
  card_->reset();
  EXPECT_FALSE(card_->pin_verified());
  EXPECT_EQ(sw(select_piv), "9000");
  EXPECT_EQ(send(verify_right), "9000");
  card_->power_off();
  EXPECT_FALSE(card_->pin_verified());
}

TEST_F(PinTest, PukUnblocksAndSetsANewPin) {
  for (int i = 0; i < 3; ++i) send(verify_wrong);
  EXPECT_EQ(send(unblock), "9000");
  EXPECT_FALSE(card_->pin_verified());
  EXPECT_EQ(send(verify_new), "9000");
  EXPECT_EQ(card_->pin_tries(), 3);
}

TEST_F(PinTest, PukHasItsOwnCounter) {
  EXPECT_EQ(send(unblock_wrong), "63c2");
  EXPECT_EQ(card_->pin_tries(), 3);
  EXPECT_EQ(send(unblock_wrong), "63c1");
  EXPECT_EQ(send(unblock_wrong), "63c0");
  EXPECT_EQ(send(unblock), "6983");
  EXPECT_EQ(send(verify_right), "9000") << "the PIN still works";
}

TEST_F(PinTest, AMalformedNewPinSpendsNoPukTry) {
  EXPECT_EQ(send("00 2C 00 80 10 3837363534333231 3232FFFFFFFFFFFF"), "6a80");
  EXPECT_EQ(card_->data().puk_tries, 3);
}

TEST_F(PinTest, ChangeReferenceData) {
  EXPECT_EQ(send("00 24 00 80 10 363534333231FFFF 323232323232FFFF"), "63c2");
  EXPECT_EQ(send(change_pin), "9000");
  EXPECT_TRUE(card_->pin_verified());
  EXPECT_EQ(send(verify_new), "9000");
  EXPECT_EQ(send("00 24 00 81 10 3132333435363738 3131313131313131"), "9000");
  EXPECT_EQ(card_->data().puk, "11111111");
}

TEST_F(PinTest, CountersAndPinSurviveOnDisk) {
  const TempDir dir;
  ASSERT_TRUE(save_card(dir.path(), sample(KeyKind::p256)));
  {
    auto card = Card::open(dir.path()).value();
    card->power_on();
    card->process(from_hex(select_piv).value());
    EXPECT_EQ(to_hex(card->process(from_hex(verify_wrong).value())), "63c2");
  }
  auto card = Card::open(dir.path()).value();
  EXPECT_EQ(card->pin_tries(), 2);
  card->power_on();
  card->process(from_hex(select_piv).value());
  EXPECT_EQ(to_hex(card->process(from_hex(change_pin).value())), "9000");
  const auto again = load_card(dir.path()).value();
  EXPECT_EQ(again.pin, "222222");
  EXPECT_EQ(again.pin_tries, 3);
}

TEST_F(PinTest, ACounterThatCannotBeStoredIsNotSpent) {
  auto dir = std::make_unique<TempDir>();
  const auto folder = *dir / "card";
  ASSERT_TRUE(save_card(folder, sample(KeyKind::p256)));
  card_ = Card::open(folder).value();
  EXPECT_EQ(sw(select_piv), "9000");
  dir.reset();
  EXPECT_EQ(send(verify_wrong), "6581");
  EXPECT_EQ(card_->pin_tries(), 3);
}

}  // namespace
}  // namespace cardgate::simcard
