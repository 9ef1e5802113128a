// SPDX-License-Identifier: Apache-2.0
// What a card shows beside its certificate to sign in with, and what that means: judged without a reader.
#include "daemon/cards/card_work.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trust/test_ca.hpp"

namespace cardgate::daemon {
namespace {

using test::Ca;
using test::noon;
using ::testing::HasSubstr;

constexpr std::string_view ada = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a21";
constexpr std::string_view ben = "22222222-2d5a-4d0e-9a53-0c2f7b6f1a22";
constexpr std::string_view adas_number = "adas-fasc-n-of-twenty-5-b";
constexpr std::string_view bens_number = "bens-fasc-n-of-twenty-5-b";
constexpr const char* card_authentication = "2.16.840.1.101.3.6.8";

/// Shows what a test gives it.
class ShowingDriver final : public CardDriver {
 public:
  std::string_view name() const override { return "showing"; }
  bool transaction_guaranteed() const override { return true; }
  Result<CardContents> read(const std::string&, BytesView message, ChuidPart,
                            std::stop_token) const override {
    CardContents shown = contents;
    if (presence_key) shown.presence_signature = test::sign(presence_key, message);
    if (alter) alter(shown);
    return shown;
  }
  Result<int> count_tries(const std::string&, int, std::stop_token) const override { return 3; }
  Result<Bytes> sign(PasscodeUse, const trust::CertificateInfo&, BytesView, std::stop_token) const override {
    return Errc::internal;
  }
  Result<void> change_passcode(PasscodeUse, Secret, std::stop_token) const override { return Errc::internal; }
  Result<void> unblock(UnblockUse, Secret, std::stop_token) const override { return Errc::internal; }
  void remember(BytesView mark, const Bytes&) const override { remembered = !mark.empty(); }

  CardContents contents;
  test::Key presence_key;  // signs the presence message
  std::function<void(CardContents&)> alter;
  mutable bool remembered = false;
};

class CardWork : public ::testing::Test {
 protected:
  CardWork() {
    driver->contents.certificate = issue(ada, adas_number);
    driver->contents.tries_left = 3;
    driver->contents.presence_mark = Bytes{1};
    driver->presence_key = test::new_p256();
    driver->contents.presence_certificate = presence(ada, adas_number);
  }
  static std::vector<std::string> names(std::string_view uuid, std::string_view number) {
    std::vector<std::string> out;
    if (!uuid.empty()) out.push_back("URI:urn:uuid:" + std::string(uuid));
    if (!number.empty()) out.push_back("otherName:2.16.840.1.101.3.6.6;OCT:" + std::string(number));
    return out;
  }
  Bytes issue(std::string_view uuid, std::string_view number) const {
    return ca.issue({.alternative_names = names(uuid, number)});
  }
  /// A card authentication certificate of the key that signs.
  Bytes presence(std::string_view uuid, std::string_view number,
                 WallTime until = noon() + 30 * test::day) const {
    return ca.issue({.subject = "/O=Example Trust/CN=Card",
                     .key = driver->presence_key,
                     .until = until,
                     .extended_key_usage = card_authentication,
                     .alternative_names = names(uuid, number)});
  }
  Result<CardFacts> read(bool required = false) const {
    CardRules rules;
    rules.require_presence = required;
    const CertificateJudge judge(test::authorities({ca.der()}, {}, {ca.crl()}), {}, rules, {},
                                 std::make_shared<trust::Answers>());
    return read_card({driver}, "reader", judge, noon(), {});
  }
  /// 9A decides; where cards must show that they are genuine, this one is refused with these words.
  void expect_not_shown(const char* words) const {
    const auto checked = read();
    ASSERT_TRUE(checked) << checked.error().message();
    EXPECT_TRUE(checked->verdict.valid);
    EXPECT_FALSE(checked->present);
    const auto required = read(true);
    ASSERT_FALSE(required);
    EXPECT_EQ(required.error().code, Errc::signature_invalid);
    EXPECT_THAT(required.error().context, HasSubstr(words));
  }
  void expect_refused(const char* words) const {
    for (const bool required : {false, true}) {
      const auto refused = read(required);
      ASSERT_FALSE(refused) << required;
      EXPECT_EQ(refused.error().code, Errc::signature_invalid);
      EXPECT_THAT(refused.error().context, HasSubstr(words));
    }
  }

  Ca ca = Ca::root();
  std::shared_ptr<ShowingDriver> driver = std::make_shared<ShowingDriver>();
};

TEST_F(CardWork, ACardThatShowsThatItIsGenuine) {
  for (const bool required : {false, true}) {
    const auto facts = read(required);
    ASSERT_TRUE(facts) << facts.error().message();
    EXPECT_TRUE(facts->present);
    EXPECT_EQ(facts->id, ada);
  }
}

TEST_F(CardWork, WithoutCardAuthenticationTheCertificateDecides) {
  driver->contents.presence_certificate.clear();
  driver->presence_key.reset();
  expect_not_shown("it has no card authentication");
}

TEST_F(CardWork, WhatCannotBeHadOfCardAuthenticationSaysNothingAgainstTheCertificate) {
  for (const char* problem : {"its card authentication wants a passcode", "cannot be read"}) {
    for (const bool with_certificate : {false, true}) {
      driver->alter = [&](CardContents& shown) {
        if (!with_certificate) shown.presence_certificate.clear();
        shown.presence_signature.clear();
        shown.presence_problem = problem;
      };
      expect_not_shown(problem);
      EXPECT_EQ(read()->presence_problem, problem) << "for the journal";
    }
  }
  EXPECT_FALSE(driver->remembered) << "nothing was proved";
}

TEST_F(CardWork, ACardAuthenticationCertificateThatEndedShowsNothing) {
  driver->contents.presence_certificate = presence(ada, adas_number, noon() - test::day);
  expect_not_shown("not good");
}

TEST_F(CardWork, AWrongSignatureOfCardAuthenticationIsACopy) {
  driver->presence_key = test::new_p256();
  expect_refused("does not hold the key");
}

TEST_F(CardWork, CardAuthenticationOfAnotherCardIsRefused) {
  struct Other {
    std::string_view uuid, number;
  };
  for (const Other other : {Other{ben, bens_number}, Other{ben, adas_number}, Other{ada, bens_number},
                            Other{ben, {}}, Other{{}, bens_number}}) {
    driver->contents.presence_certificate = presence(other.uuid, other.number);
    SCOPED_TRACE(std::string(other.uuid) + " " + std::string(other.number));
    driver->alter = {};
    expect_refused("belong to two cards");
    // Whether its key answers or not.
    driver->alter = [](CardContents& shown) {
      shown.presence_signature.clear();
      shown.presence_problem = "the key does not answer";
    };
    expect_refused("belong to two cards");
    // And good or not.
    driver->alter = {};
    driver->contents.presence_certificate = presence(other.uuid, other.number, noon() - test::day);
    expect_refused("belong to two cards");
  }
}

// Issuers outside the federal government give all their cards agency 9999, which names no card in the register.
TEST_F(CardWork, NumbersThatNameNoCardStillDifferFromCardToCard) {
  const auto number = [](std::string_view hex) { return std::string(as_text(from_hex(hex).value())); };
  const auto one = number("d4e739da739ced39ce739d836858210842108421c84210c3eb");
  const auto other = number("d4e739da739ced39ce739d836858210842108421c84211c3eb");
  const std::string nothing(25, 'A');
  driver->contents.certificate = issue(ada, one);
  driver->contents.presence_certificate = presence(ada, one);
  EXPECT_TRUE(read()->present);
  driver->contents.presence_certificate = presence(ada, nothing);
  EXPECT_TRUE(read()->present) << "one byte throughout says nothing";
  driver->contents.presence_certificate = presence(ada, other);
  expect_refused("belong to two cards");
}

// SP 800-73-5 lets a certificate name its cardholder by a UUID, too.
TEST_F(CardWork, OfSeveralUuidsTheCardsMustBeInBothCertificates) {
  const auto two = [&](std::string_view card) {
    auto both = names(card, {});
    both.push_back("URI:urn:uuid:11111111-2222-4333-8444-555555555555");
    return both;
  };
  driver->contents.certificate = ca.issue({.alternative_names = two(ada)});
  driver->contents.presence_certificate = presence(ben, {});
  expect_refused("belong to two cards");
  driver->contents.presence_certificate = presence(ada, {});
  EXPECT_TRUE(read());
}

}  // namespace
}  // namespace cardgate::daemon
