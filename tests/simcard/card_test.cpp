// SPDX-License-Identifier: Apache-2.0
// SELECT, data objects, signing, chaining, GET RESPONSE, lengths, faults.
#include <gmock/gmock.h>
#include <openssl/rsa.h>

#include "base/crypto.hpp"
#include "tests/simcard/card_fixture.hpp"
#include "tests/simcard/openssl.hpp"
#include "tests/simcard/tlv.hpp"

namespace cardgate::simcard {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr const char* get_chuid = "00 CB 3F FF 05 5C 03 5FC102 00";
constexpr const char* get_certificate = "00 CB 3F FF 05 5C 03 5FC105 00";

Bytes challenge_template(BytesView block) {
  return tlv(0x7C, join({Bytes{0x82, 0x00}, tlv(0x81, block)}));
}

Bytes short_command(std::uint8_t cla, std::uint8_t algorithm, std::uint8_t key, BytesView data) {
  Bytes apdu{cla, 0x87, algorithm, key, static_cast<std::uint8_t>(data.size())};
  append(apdu, data);
  if (cla == 0) apdu.push_back(0);
  return apdu;
}

/// PKCS#1 v1.5 of a SHA-256 hash, as the host pads.
Bytes pkcs1_block(BytesView hash) {
  const Bytes info = from_hex("3031300d060960864801650304020105000420").value();
  Bytes block{0, 1};
  block.resize(256 - 1 - info.size() - hash.size(), 0xFF);
  block.push_back(0);
  append(block, info);
  append(block, hash);
  return block;
}

bool verifies(const KeySlot& slot, BytesView message, BytesView signature) {
  const auto certificate = read_certificate(slot.certificate).value();
  const Key key(X509_get_pubkey(certificate.get()));
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

Bytes signature_of(const Bytes& answer) {
  const auto outer = read_tlvs(answer);
  if (!outer || outer->size() != 1 || outer->front().first != 0x7C) return {};
  const auto inner = read_tlvs(outer->front().second);
  return inner && inner->size() == 1 && inner->front().first == 0x82 ? inner->front().second : Bytes{};
}

TEST_F(CardTest, AtrChecksumIsRight) {
  insert(sample(KeyKind::p256));
  EXPECT_EQ(to_hex(card_->atr()), "3b8b800180f9a00000030800001000c8");
}

TEST_F(CardTest, NothingWorksBeforeSelect) {
  insert(sample(KeyKind::p256));
  card_->reset();
  EXPECT_EQ(send(get_chuid), "6d00");
  EXPECT_EQ(send(verify_right), "6d00");
  EXPECT_EQ(card_->pin_tries(), 3);
}

TEST_F(CardTest, SelectTakesTruncatedNamesAndRefusesOthers) {
  insert(sample(KeyKind::p256));
  for (const char* name : {"00 A4 04 00 0B A000000308000010000100 00", "00 A4 04 00 05 A000000308"}) {
    const Bytes answer = whole(name);
    const auto tlvs = read_tlvs(answer);
    ASSERT_TRUE(tlvs);
    EXPECT_THAT(to_hex(answer), StartsWith("61")) << name;
    EXPECT_THAT(to_hex(tlvs->front().second), StartsWith("4f06000010000100"
                                                         "79074f05a000000308"));
  }
  EXPECT_EQ(send("00 A4 04 00 08 A000000527200101 00"), "6a82");
  EXPECT_EQ(send("00 A4 04 00 0C A00000030800001000010000 00"), "6a82");
  EXPECT_EQ(send("00 A4 00 00 02 3F00"), "6a86");
  EXPECT_EQ(sw(get_chuid), "9000") << "a foreign name leaves PIV selected";
}

TEST_F(CardTest, ChuidCarriesTheCardUuid) {
  insert(sample(KeyKind::p256));
  const auto outer = read_tlvs(whole(get_chuid));
  ASSERT_TRUE(outer);
  const auto inner = read_tlvs(outer->front().second);
  ASSERT_TRUE(inner);
  std::vector<int> tags;
  for (const auto& [tag, value] : *inner) tags.push_back(tag);
  EXPECT_THAT(tags, ElementsAre(0x30, 0x34, 0x35, 0x3E, 0xFE));
  EXPECT_EQ((*inner)[0].second.size(), 25U);
  EXPECT_EQ(to_hex((*inner)[1].second), to_hex(card_->data().uuid));
}

TEST_F(CardTest, DiscoveryObjectIsTheStandards) {
  insert(sample(KeyKind::p256));
  EXPECT_EQ(to_hex(whole("00 CB 3F FF 03 5C 01 7E 00")), "7e124f0ba0000003080000100001005f2f024000");
}

TEST_F(CardTest, ObjectsThatAreNotThere) {
  insert(sample(KeyKind::p256));
  EXPECT_EQ(send("00 CB 3F FF 05 5C 03 5FC10A 00"), "6a82");
  EXPECT_EQ(send("00 CB 00 00 05 5C 03 5FC102 00"), "6a86");
  EXPECT_EQ(send("00 CB 3F FF 05 5D 03 5FC102 00"), "6a80");
  EXPECT_EQ(send("00 CB 3F FF 05 5C 04 5FC102 00"), "6a80");
}

TEST_F(CardTest, CertificateComesInPieces) {
  insert(sample(KeyKind::p256));
  std::string answer = send(get_certificate);
  EXPECT_EQ(answer.size(), 2 * 258U);
  EXPECT_EQ(answer.substr(512), "6100") << "256 and more wait";
  const auto object = read_tlvs(whole(get_certificate));
  ASSERT_TRUE(object);
  const auto parts = read_tlvs(object->front().second);
  ASSERT_TRUE(parts);
  EXPECT_EQ(to_hex((*parts)[0].second), to_hex(card_->data().authentication.certificate));
  EXPECT_EQ(to_hex((*parts)[1].second), "00");
}

TEST_F(CardTest, ShortLeIsHonouredAndTheRestWaits) {
  insert(sample(KeyKind::p256));
  const std::string first = send("00 CB 3F FF 05 5C 03 5FC102 08");
  EXPECT_EQ(first.size(), 2 * 10U);
  EXPECT_EQ(first.substr(16), "6135");
  EXPECT_EQ(send("00 C0 00 00 35").substr(2 * 0x35), "9000");
  EXPECT_EQ(send("00 C0 00 00 00"), "6985") << "nothing waits any more";
}

TEST_F(CardTest, AnotherCommandForgetsWhatWaits) {
  insert(sample(KeyKind::p256));
  send(get_certificate);
  EXPECT_EQ(send(verify_probe), "63c3");
  EXPECT_EQ(send("00 C0 00 00 00"), "6985");
}

TEST_F(CardTest, ExtendedLengthInOneAnswer) {
  insert(sample(KeyKind::p256));
  const Bytes pieces = whole(get_certificate);
  EXPECT_EQ(send("00 CB 3F FF 000005 5C 03 5FC105 0000"), to_hex(pieces) + "9000");
  Faults faults;
  faults.short_only = true;
  card_->set_faults(faults);
  EXPECT_EQ(send("00 CB 3F FF 000005 5C 03 5FC105 0000"), "6700");
}

TEST_F(CardTest, GzipCertificateSaysSo) {
  CardData data = sample(KeyKind::rsa2048);
  data.gzip_certificates = true;
  insert(data);
  const auto object = read_tlvs(whole(get_certificate));
  ASSERT_TRUE(object);
  const auto parts = read_tlvs(object->front().second);
  ASSERT_TRUE(parts);
  EXPECT_THAT(to_hex((*parts)[0].second), StartsWith("1f8b"));
  EXPECT_EQ(to_hex((*parts)[1].second), "01");
}

TEST_F(CardTest, SignsWithP256AfterThePinOnly) {
  insert(sample(KeyKind::p256));
  const Digest hash = sha256(as_bytes("a challenge"));
  const Bytes command = short_command(0, 0x11, 0x9A, challenge_template(hash));
  EXPECT_EQ(send(command), "6982");
  EXPECT_EQ(send(verify_right), "9000");
  EXPECT_TRUE(verifies(card_->data().authentication, as_bytes("a challenge"), signature_of(whole(command))));
}

TEST_F(CardTest, CardAuthenticationKeyNeedsNoPin) {
  insert(sample(KeyKind::p256));
  const Digest hash = sha256(as_bytes("a challenge"));
  const Bytes answer = whole(short_command(0, 0x11, 0x9E, challenge_template(hash)));
  EXPECT_TRUE(verifies(card_->data().card_authentication, as_bytes("a challenge"), signature_of(answer)));
}

TEST_F(CardTest, SignsWithRsaThroughAChain) {
  insert(sample(KeyKind::rsa2048));
  EXPECT_EQ(send(verify_right), "9000");
  const Bytes data = challenge_template(pkcs1_block(sha256(as_bytes("a challenge"))));
  ASSERT_EQ(data.size(), 266U);
  EXPECT_EQ(send(short_command(0x10, 0x07, 0x9A, BytesView(data).first(255))), "9000");
  const Bytes answer = whole(short_command(0x00, 0x07, 0x9A, BytesView(data).subspan(255)));
  EXPECT_TRUE(verifies(card_->data().authentication, as_bytes("a challenge"), signature_of(answer)));
}

TEST_F(CardTest, SignsWithRsaInOneExtendedCommand) {
  insert(sample(KeyKind::rsa2048));
  EXPECT_EQ(send(verify_right), "9000");
  const Bytes data = challenge_template(pkcs1_block(sha256(as_bytes("a challenge"))));
  Bytes apdu{0, 0x87, 0x07, 0x9A, 0, 0x01, 0x0A};
  append(apdu, data);
  append(apdu, Bytes{0, 0});
  EXPECT_TRUE(verifies(card_->data().authentication, as_bytes("a challenge"), signature_of(whole(apdu))));
}

TEST_F(CardTest, AnInterruptedChainChangesNothing) {
  insert(sample(KeyKind::rsa2048));
  EXPECT_EQ(send(verify_right), "9000");
  const Bytes data = challenge_template(pkcs1_block(sha256(as_bytes("a challenge"))));
  EXPECT_EQ(send(short_command(0x10, 0x07, 0x9A, BytesView(data).first(255))), "9000");
  EXPECT_EQ(sw(get_chuid), "9000");
  EXPECT_EQ(sw(short_command(0x00, 0x07, 0x9A, BytesView(data).subspan(255))), "6a80")
      << "the first part is gone";
}

TEST_F(CardTest, AnEndlessChainIsStopped) {
  insert(sample(KeyKind::rsa2048));
  const Bytes part(255, 0);
  std::string last;
  for (int i = 0; i < 40 && (last.empty() || last == "9000"); ++i)
    last = send(short_command(0x10, 0x07, 0x9A, part));
  EXPECT_EQ(last, "6700");
}

TEST_F(CardTest, RefusesWhatItCannotSign) {
  insert(sample(KeyKind::rsa2048));
  EXPECT_EQ(send(verify_right), "9000");
  const Bytes hash(32, 1);
  EXPECT_EQ(sw(short_command(0, 0x11, 0x9A, challenge_template(hash))), "6a86") << "key is of another kind";
  EXPECT_EQ(sw(short_command(0, 0x07, 0x9A, challenge_template(hash))), "6a80") << "not the modulus' length";
  EXPECT_EQ(sw(short_command(0, 0x07, 0x9C, challenge_template(hash))), "6a86") << "no such key";
  Bytes above(256, 0xFF);
  Bytes apdu{0, 0x87, 0x07, 0x9A, 0, 0x01, 0x0A};
  append(apdu, challenge_template(above));
  append(apdu, Bytes{0, 0});
  EXPECT_EQ(sw(apdu), "6a80") << "not below the modulus";
}

TEST_F(CardTest, TruncatedSigningCommandsAreRefusedAtEveryLength) {
  insert(sample(KeyKind::p256));
  EXPECT_EQ(send(verify_right), "9000");
  const Bytes data = challenge_template(Bytes(32, 1));
  for (std::size_t size = 1; size < data.size(); ++size)
    EXPECT_EQ(sw(short_command(0, 0x11, 0x9A, BytesView(data).first(size))), "6a80") << size;
}

TEST_F(CardTest, LengthsThatDoNotFitAreRefused) {
  insert(sample(KeyKind::p256));
  for (const char* apdu : {"00", "00 CB 3F", "00 CB 3F FF 05 5C", "00 CB 3F FF 05 5C 03 5FC102 00 00",
                           "00 CB 3F FF 00 00", "00 CB 3F FF 00 0005 5C", "00 CB 3F FF 00 0001 5C 00"})
    EXPECT_EQ(send(apdu), "6700") << apdu;
  EXPECT_EQ(send(Bytes{}), "6700");
}

TEST_F(CardTest, UnknownInstructionsAndClasses) {
  insert(sample(KeyKind::p256));
  EXPECT_EQ(send("00 DB 3F FF 01 00"), "6d00");
  EXPECT_EQ(send("80 CB 3F FF 05 5C 03 5FC102 00"), "6e00");
}

TEST_F(CardTest, FaultsAreWhatTheySay) {
  insert(sample(KeyKind::p256));
  const auto with = [&](auto set) {
    Faults faults;
    set(faults);
    card_->set_faults(faults);
  };
  with([](Faults& f) { f.mute = true; });
  EXPECT_EQ(send(get_chuid), "");
  with([](Faults& f) { f.no_certificate = true; });
  EXPECT_EQ(send(get_certificate), "6a82");
  with([](Faults& f) { f.not_piv = true; });
  EXPECT_EQ(send(select_piv), "6a82");
  with([](Faults& f) { f.strict_le = true; });
  EXPECT_EQ(send("00 CB 3F FF 05 5C 03 5FC102"), "613d");
  with([](Faults& f) { f.foreign_certificate = Bytes{1, 2, 3}; });
  EXPECT_EQ(send(get_certificate),
            "530a"
            "7003010203"
            "710100"
            "fe00"
            "9000");
  with([](Faults& f) { f.intercept = [](BytesView) { return Bytes{0x6F, 0x00}; }; });
  EXPECT_EQ(send(get_chuid), "6f00");
  with([](Faults& f) {
    f.alter = [](BytesView, Bytes answer) {
      answer.resize(answer.size() - 1);
      return answer;
    };
  });
  EXPECT_EQ(send(verify_probe), "63");
  with([](Faults& f) { f.no_atr = true; });
  EXPECT_TRUE(card_->power_on().empty());
}

TEST_F(CardTest, SignsWithAnotherKeyWhenToldTo) {
  insert(sample(KeyKind::p256));
  Faults faults;
  faults.sign_with = generate_key(KeyKind::p256).value().private_key;
  card_->set_faults(faults);
  EXPECT_EQ(send(verify_right), "9000");
  const Digest hash = sha256(as_bytes("a challenge"));
  const Bytes signature = signature_of(whole(short_command(0, 0x11, 0x9A, challenge_template(hash))));
  EXPECT_FALSE(signature.empty());
  EXPECT_FALSE(verifies(card_->data().authentication, as_bytes("a challenge"), signature));
}

TEST_F(CardTest, CountsItsExchanges) {
  insert(sample(KeyKind::p256));
  card_->clear_exchanges();
  whole(get_certificate);
  EXPECT_EQ(card_->exchanges(), 4) << "a certificate of about 770 bytes in short APDUs";
}

}  // namespace
}  // namespace cardgate::simcard
