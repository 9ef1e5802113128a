// SPDX-License-Identifier: Apache-2.0
// The card's side of a cold sign-in through the real pcscd, with its round trips counted.
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/pcsc/reader_fixture.hpp"

namespace cardgate::pcsc {
namespace {

using piv::Algorithm;
using piv::Slot;

using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

KeyPointer public_key(const Bytes& certificate) {
  const unsigned char* at = certificate.data();
  const std::unique_ptr<X509, decltype(&X509_free)> parsed(
      d2i_X509(nullptr, &at, static_cast<long>(certificate.size())), X509_free);
  return {parsed ? X509_get_pubkey(parsed.get()) : nullptr, EVP_PKEY_free};
}

/// Whether the certificate's key made this signature of this block.
bool made_by(const Bytes& certificate, Algorithm algorithm, const Bytes& block, const Bytes& signature) {
  const KeyPointer key = public_key(certificate);
  if (!key) return false;
  const KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr), EVP_PKEY_CTX_free);
  if (algorithm == Algorithm::p256)
    return EVP_PKEY_verify_init(context.get()) == 1 &&
           EVP_PKEY_verify(context.get(), signature.data(), signature.size(), block.data(), block.size()) ==
               1;
  Bytes recovered(256);
  std::size_t size = recovered.size();
  return EVP_PKEY_verify_recover_init(context.get()) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1 &&
         EVP_PKEY_verify_recover(context.get(), recovered.data(), &size, signature.data(),
                                 signature.size()) == 1 &&
         recovered == block;
}

class SignIn : public ReaderTest {
 protected:
  void signs_in(Algorithm algorithm, const Bytes& block, int expected_to_sign) {
    insert();
    card_->clear_exchanges();
    auto context = Context::establish();
    ASSERT_TRUE(context);
    auto card = context->connect(first_reader);
    ASSERT_TRUE(card) << card.error().message();
    EXPECT_EQ(card->atr(), card_->atr());

    Bytes certificate;
    {
      auto transaction = card->begin(patience);
      ASSERT_TRUE(transaction) << transaction.error().message();
      ASSERT_TRUE(piv::select(*transaction));
      EXPECT_EQ(piv::tries_left(*transaction).value(), 3);
      certificate = piv::read_certificate(*transaction, Slot::authentication).value();
      EXPECT_EQ(transaction->round_trips(), 6);
    }
    EXPECT_EQ(certificate, card_->data().authentication.certificate);
    EXPECT_GT(certificate.size(), 700U);
    {
      auto transaction = card->begin(patience);
      ASSERT_TRUE(transaction) << transaction.error().message();
      ASSERT_TRUE(piv::select(*transaction));
      EXPECT_EQ(piv::tries_left(*transaction).value(), 3);
      ASSERT_TRUE(piv::verify_pin(*transaction, Secret(std::string_view("123456"))));
      const auto signature = piv::sign(*transaction, Slot::authentication, algorithm, block);
      ASSERT_TRUE(signature) << signature.error().message();
      EXPECT_EQ(transaction->round_trips(), expected_to_sign);
      EXPECT_TRUE(made_by(certificate, algorithm, block, *signature));
      EXPECT_TRUE(card_->pin_verified());
      EXPECT_TRUE(transaction->end());
      EXPECT_FALSE(card_->pin_verified()) << "nobody inherits an unlocked card";
    }
    EXPECT_EQ(card_->exchanges(), 6 + expected_to_sign) << "what the card counted";
  }
};

TEST_F(SignIn, WithP256TakesTenRoundTrips) {
  signs_in(Algorithm::p256, Bytes(32, 0x5A), 4);
}

TEST_F(SignIn, WithRsa2048TakesTwelveRoundTrips) {
  make_card(simcard::KeyKind::rsa2048);
  Bytes block(256, 0xFF);  // PKCS#1 v1.5 in form; what it holds is the caller's business
  block[0] = 0x00;
  block[1] = 0x01;
  block[200] = 0x00;
  signs_in(Algorithm::rsa2048, block, 6);
}

TEST_F(SignIn, TheCardIsIdentifiedInTwoRoundTrips) {
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction) << transaction.error().message();
  ASSERT_TRUE(piv::select(*transaction));
  const auto chuid = piv::read_chuid(*transaction);
  ASSERT_TRUE(chuid) << chuid.error().message();
  EXPECT_EQ(chuid->card_uuid(), simcard::to_text(card_->data().uuid));
  EXPECT_EQ(transaction->round_trips(), 2);
  ASSERT_TRUE(piv::select(*transaction)) << "what was left unread is in nobody's way";
}

TEST_F(SignIn, AWrongPasscodeSpendsOneTryAndSaysWhatIsLeft) {
  insert();
  for (const int left : {2, 1}) {
    auto transaction = begin();
    ASSERT_TRUE(transaction) << transaction.error().message();
    ASSERT_TRUE(piv::select(*transaction));
    const auto refused = piv::verify_pin(*transaction, Secret(std::string_view("654321")));
    EXPECT_EQ(code_of(refused), Errc::pin_incorrect);
    EXPECT_EQ(tries_left(refused.error()), left);
    EXPECT_EQ(piv::tries_left(*transaction).value(), left);
    EXPECT_EQ(card_->pin_tries(), left);
  }
  auto transaction = begin();
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(piv::select(*transaction));
  EXPECT_EQ(code_of(piv::verify_pin(*transaction, Secret(std::string_view("654321")))), Errc::pin_blocked);
  EXPECT_EQ(piv::tries_left(*transaction).value(), 0);
}

TEST_F(SignIn, SigningWithoutThePasscodeIsRefused) {
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction);
  ASSERT_TRUE(piv::select(*transaction));
  EXPECT_EQ(code_of(piv::sign(*transaction, Slot::authentication, Algorithm::p256, Bytes(32, 1))),
            Errc::permission_denied);
}

TEST_F(SignIn, AForeignCardIsNotPiv) {
  simcard::Faults faults;
  faults.not_piv = true;
  card_->set_faults(faults);
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction);
  EXPECT_EQ(code_of(piv::select(*transaction)), Errc::card_not_piv);
}

TEST_F(SignIn, NonsenseIsAnErrorOfTheCards) {
  simcard::Faults faults;
  faults.nonsense = true;
  card_->set_faults(faults);
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction);
  EXPECT_FALSE(piv::select(*transaction));
  EXPECT_FALSE(piv::tries_left(*transaction));
  EXPECT_FALSE(piv::read_certificate(*transaction, Slot::authentication));
}

}  // namespace
}  // namespace cardgate::pcsc
