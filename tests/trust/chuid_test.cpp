// SPDX-License-Identifier: Apache-2.0
#include "trust/chuid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/cms.h>

#include "base/file.hpp"
#include "tests/support/process.hpp"
#include "tests/trust/test_ca.hpp"
#include "trust/certificate.hpp"

namespace cardgate::trust {
namespace {

using test::Ca;
using test::day;
using ::testing::HasSubstr;

const Bytes invented_fasc_n(as_bytes("invented-fasc-n-of-25-byt").begin(),
                            as_bytes("invented-fasc-n-of-25-byt").end());
constexpr const char* content_signing = "2.16.840.1.101.3.6.7";
constexpr const char* chuid_type = "2.16.840.1.101.3.6.1";

struct Signer {
  test::Key key;
  Bytes der;
};

const Ca& ca() {
  static const Ca root = Ca::root();
  return root;
}

Signer make_signer(test::Issue issue = {}) {
  if (!issue.key) issue.key = test::new_p256();
  if (issue.subject == test::Issue{}.subject) issue.subject = "/O=Example Trust/CN=Card Signer";
  if (issue.extended_key_usage == test::Issue{}.extended_key_usage)
    issue.extended_key_usage = content_signing;
  const test::Key key = issue.key;
  return {key, ca().issue(std::move(issue))};
}
const Signer& good_signer() {
  static const Signer one = make_signer();
  return one;
}

struct How {
  const char* type = chuid_type;
  const EVP_MD* hash = EVP_sha256();
  unsigned more = 0;  // flags
  int signers = 1;
  bool detached = true;
};

Bytes cms_over(BytesView content, const Signer& signer, const How& how = {}) {
  const unsigned char* at = signer.der.data();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{
      d2i_X509(nullptr, &at, static_cast<long>(signer.der.size())), X509_free};
  const std::unique_ptr<BIO, decltype(&BIO_free)> data{
      BIO_new_mem_buf(content.data(), static_cast<int>(content.size())), BIO_free};
  const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> type{OBJ_txt2obj(how.type, 1),
                                                                       ASN1_OBJECT_free};
  const unsigned flags = CMS_BINARY | CMS_PARTIAL | (how.detached ? CMS_DETACHED : 0U) | how.more;
  const std::unique_ptr<CMS_ContentInfo, decltype(&CMS_ContentInfo_free)> cms{
      CMS_sign(nullptr, nullptr, nullptr, nullptr, flags), CMS_ContentInfo_free};
  EXPECT_EQ(CMS_set1_eContentType(cms.get(), type.get()), 1);
  for (int i = 0; i < how.signers; ++i)
    EXPECT_NE(CMS_add1_signer(cms.get(), certificate.get(), signer.key.get(), how.hash,
                              flags | (i > 0 ? CMS_NOCERTS : 0U)),
              nullptr);
  EXPECT_EQ(CMS_final(cms.get(), data.get(), nullptr, flags), 1);
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(cms.get(), &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

ChuidFields fields(const Signer& signer = good_signer(), const How& how = {}) {
  ChuidFields made;
  made.fasc_n = invented_fasc_n;
  made.guid = from_hex("f81d4fae7dec11d0a76500a0c91e6bf6").value();
  made.expiry = "20261231";
  made.signed_content = Bytes(60, 0x42);
  made.signature = cms_over(made.signed_content, signer, how);
  return made;
}

struct ChuidTest : ::testing::Test {
  testing::TempDir dir;

  Result<ContentSigners> load(const std::vector<Bytes>& certificates) {
    std::string pem;
    for (const auto& der : certificates) pem += test::to_pem(der, "CERTIFICATE");
    EXPECT_TRUE(write_file_atomic(dir / "signers.pem", as_bytes(pem), 0644));
    return ContentSigners::load({dir / "signers.pem"});
  }
  std::string refusal(const ChuidFields& chuid, const Signer& known = good_signer(),
                      WallTime at = test::noon()) {
    const auto outcome = verify_chuid(load({known.der}).value(), chuid, at);
    if (outcome) return "";
    EXPECT_EQ(outcome.error().code, Errc::signature_invalid);
    return outcome.error().context;
  }
};

TEST_F(ChuidTest, ASignedOneIsTakenAndDescribed) {
  const auto other = make_signer({.key = test::new_rsa(2048)});
  const auto signers = load({good_signer().der, other.der}).value();
  EXPECT_FALSE(signers.empty());
  for (const auto* signer : {&good_signer(), &other}) {
    const auto chuid = verify_chuid(signers, fields(*signer), test::noon());
    ASSERT_TRUE(chuid) << chuid.error().context;
    EXPECT_TRUE(chuid->verified);
    EXPECT_EQ(chuid->card_uuid, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    EXPECT_EQ(chuid->fasc_n, to_hex(invented_fasc_n));
  }
}

TEST_F(ChuidTest, ASignerOfOtherIssuersCardsIsAContentSigner) {
  const auto pivi = make_signer({.extended_key_usage = "2.16.840.1.101.3.8.7"});
  EXPECT_EQ(refusal(fields(pivi), pivi), "");
}

TEST_F(ChuidTest, TheLastSecondOfTheSignersCertificateCounts) {
  const auto ending = make_signer({.until = test::noon()});
  EXPECT_EQ(refusal(fields(ending), ending, test::noon() + milliseconds(999)), "");
  EXPECT_THAT(refusal(fields(ending), ending, test::noon() + seconds(1)), HasSubstr("is not valid now"));
}

TEST_F(ChuidTest, APlaceholderIsNoName) {
  for (const std::uint8_t filler : {std::uint8_t{0x00}, std::uint8_t{0xff}}) {
    auto chuid = fields();
    chuid.guid.assign(16, filler);
    chuid.fasc_n.assign(25, filler);
    EXPECT_EQ(describe_chuid(chuid)->card_uuid, "");
    EXPECT_EQ(describe_chuid(chuid)->fasc_n, "");
  }
}

TEST_F(ChuidTest, WhatIsNotSignedByAConfiguredSignerIsRefused) {
  auto unsigned_one = fields();
  unsigned_one.signature.clear();
  EXPECT_THAT(refusal(unsigned_one), HasSubstr("is not signed"));
  EXPECT_THAT(refusal(fields(make_signer())), HasSubstr("is not configured"));
  EXPECT_THAT(verify_chuid({}, fields(), test::noon()).error().context, HasSubstr("no content-signing"));
}

TEST_F(ChuidTest, WhatWasChangedIsRefused) {
  for (std::size_t i = 0; i < 60; i += 13) {
    auto changed = fields();
    changed.signed_content[i] ^= 1;
    EXPECT_THAT(refusal(changed), HasSubstr("is wrong"));
  }
  const auto good = fields();
  auto forged = good;
  forged.signature.back() ^= 1;
  EXPECT_THAT(refusal(forged), HasSubstr("is wrong"));
  for (std::size_t i = 0; i < good.signature.size(); i += 5) {
    auto damaged = good;
    damaged.signature.resize(i);
    EXPECT_NE(refusal(damaged), "") << i;
  }
  auto longer = good;
  longer.signature.push_back(0);
  EXPECT_THAT(refusal(longer), HasSubstr("cannot be read"));
}

TEST_F(ChuidTest, OtherFormsOfSignatureAreRefused) {
  EXPECT_THAT(refusal(fields(good_signer(), {.type = "1.2.840.113549.1.7.1"})),
              HasSubstr("not one over a CHUID"));
  EXPECT_THAT(refusal(fields(good_signer(), {.hash = EVP_sha1()})), HasSubstr("weak kind"));
  EXPECT_THAT(refusal(fields(good_signer(), {.more = CMS_NOATTR})), HasSubstr("weak kind"));
  EXPECT_THAT(refusal(fields(good_signer(), {.signers = 2})), HasSubstr("exactly one signer"));
  EXPECT_THAT(refusal(fields(good_signer(), {.detached = false})), HasSubstr("not one over a CHUID"));
  const auto weak = make_signer({.key = test::new_rsa(1024)});
  EXPECT_THAT(refusal(fields(weak), weak), HasSubstr("is weak"));
}

TEST_F(ChuidTest, TheSignersCertificateMustBeValid) {
  const auto lapsed = make_signer({.from = test::noon() - 9 * day, .until = test::noon() - day});
  EXPECT_THAT(refusal(fields(lapsed), lapsed), HasSubstr("is not valid now"));
  EXPECT_EQ(refusal(fields(lapsed), lapsed, test::noon() - 2 * day), "");
}

TEST_F(ChuidTest, AnExpiredOneIsRefusedFromTheNextDayOn) {
  auto chuid = fields();
  chuid.expiry = "20260601";
  EXPECT_EQ(refusal(chuid), "");
  EXPECT_THAT(refusal(chuid, good_signer(), test::noon() + day), HasSubstr("expired on 2026-06-01"));
  for (const char* none : {"", "20261301", "2026-6-1", "2026060a", "99999999"}) {
    chuid.expiry = none;
    EXPECT_THAT(refusal(chuid), HasSubstr("no date of expiry")) << none;
  }
}

TEST_F(ChuidTest, LengthsAreChecked) {
  auto chuid = fields();
  chuid.guid.pop_back();
  EXPECT_EQ(describe_chuid(chuid).error().code, Errc::malformed);
  chuid = fields();
  chuid.fasc_n.push_back(0);
  EXPECT_EQ(describe_chuid(chuid).error().code, Errc::malformed);
  chuid.fasc_n.clear();
  chuid.guid.assign(16, 0);
  EXPECT_EQ(describe_chuid(chuid).value().card_uuid, "");
  EXPECT_EQ(describe_chuid(chuid).value().fasc_n, "");
  EXPECT_FALSE(describe_chuid(chuid).value().verified);
}

TEST_F(ChuidTest, OnlyContentSignersAreConfigured) {
  const auto plain = load({ca().issue({})});
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error().context, HasSubstr("signers.pem"));
  EXPECT_THAT(plain.error().context, HasSubstr("not a certificate for content signing"));
  std::filesystem::create_directory(dir / "empty");
  EXPECT_THAT(ContentSigners::load({dir / "empty"}).error().context, HasSubstr("holds no content-signing"));
  EXPECT_EQ(ContentSigners::load({dir / "none"}).error().code, Errc::not_found);
  EXPECT_TRUE(ContentSigners::load({}).value().empty());
}

}  // namespace
}  // namespace cardgate::trust
