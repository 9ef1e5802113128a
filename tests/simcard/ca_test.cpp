// SPDX-License-Identifier: Apache-2.0
// The cards' CA: chains that OpenSSL accepts, revocation, names and uses in certificates.
#include <gmock/gmock.h>
#include <openssl/cms.h>

#include "base/file.hpp"
#include "tests/simcard/card_fixture.hpp"
#include "tests/simcard/openssl.hpp"

namespace cardgate::simcard {
namespace {

using cardgate::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

/// OpenSSL's verdict in its own words, strict and with CRLs of the whole chain.
std::string judge(const Ca& ca, const Bytes& der) {
  const auto leaf = read_certificate(der).value();
  // The texts outlive the memory BIOs that read them.
  const std::array<std::string, 4> texts{read_file(ca.anchors() / "root.pem", 1 << 20).value(),
                                         read_file(ca.intermediates() / "issuing.pem", 1 << 20).value(),
                                         read_file(ca.crls() / "root.crl", 1 << 20).value(),
                                         read_file(ca.crls() / "issuing.crl", 1 << 20).value()};
  const Bio root_pem = memory_bio(as_bytes(texts[0]));
  const Bio issuing_pem = memory_bio(as_bytes(texts[1]));
  const Certificate root(PEM_read_bio_X509(root_pem.get(), nullptr, nullptr, nullptr));
  const Certificate issuing(PEM_read_bio_X509(issuing_pem.get(), nullptr, nullptr, nullptr));
  const Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root.get());
  for (const std::size_t i : {2U, 3U}) {
    const Bio bio = memory_bio(as_bytes(texts[i]));
    const Crl crl(PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
    X509_STORE_add_crl(store.get(), crl.get());
  }
  X509_STORE_set_flags(store.get(),
                       X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_X509_STRICT);
  STACK_OF(X509)* untrusted = sk_X509_new_null();
  sk_X509_push(untrusted, issuing.get());
  const Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), untrusted);
  X509_verify_cert(context.get());
  const std::string verdict = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  sk_X509_free(untrusted);
  ERR_clear_error();
  return verdict;
}

std::string text_of(const Bytes& der) {
  const auto certificate = read_certificate(der).value();
  const Bio bio = memory_bio();
  X509_print(bio.get(), certificate.get());
  return content(bio);
}

class CaTest : public CardTest {};

TEST_F(CaTest, BothCertificatesStandUpToStrictValidation) {
  for (const auto kind : {KeyKind::p256, KeyKind::rsa2048}) {
    EXPECT_EQ(judge(ca(), sample(kind).authentication.certificate), "ok");
    EXPECT_EQ(judge(ca(), sample(kind).card_authentication.certificate), "ok");
  }
}

TEST_F(CaTest, AnRsaCaWorksToo) {
  const TempDir dir;
  CaOptions options;
  options.key = KeyKind::rsa2048;
  Ca rsa = Ca::open_or_create(dir.path(), options).value();
  EXPECT_EQ(judge(rsa, personalise(rsa, {}).value().authentication.certificate), "ok");
}

TEST_F(CaTest, CertificateSaysWhoAndWhatFor) {
  const CardData& card = sample(KeyKind::p256);
  const std::string text = text_of(card.authentication.certificate);
  EXPECT_THAT(text, HasSubstr("CN=Ada Example"));
  EXPECT_THAT(text, HasSubstr("TLS Web Client Authentication, Microsoft Smartcard Login"));
  EXPECT_THAT(text, HasSubstr("Digital Signature"));
  EXPECT_THAT(text, HasSubstr("email:ada.example@example.org"));
  EXPECT_THAT(text, HasSubstr("URI:urn:uuid:" + to_text(card.uuid)));
  EXPECT_THAT(text, HasSubstr("othername: UPN::ada@example.org"));
  const std::string other = text_of(card.card_authentication.certificate);
  EXPECT_THAT(other, HasSubstr("2.16.840.1.101.3.6.8"));
  EXPECT_THAT(other, HasSubstr("URI:urn:uuid:" + to_text(card.uuid)));
  EXPECT_THAT(other, Not(HasSubstr("Ada"))) << "this one is read without a PIN";
}

TEST_F(CaTest, SizeIsAboutWhatWasAskedFor) {
  for (const std::size_t size : {770U, 1500U}) {
    Personalisation what;
    what.certificate_size = size;
    const auto made = personalise(ca(), what).value().authentication.certificate.size();
    EXPECT_NEAR(static_cast<double>(made), static_cast<double>(size), 12) << size;
  }
}

TEST_F(CaTest, RevocationIsInTheNextCrlAndSurvivesReopening) {
  const TempDir dir;
  Ca mine = Ca::open_or_create(dir.path()).value();
  const auto lost = personalise(mine, {}).value();
  const auto kept = personalise(mine, {}).value();
  ASSERT_TRUE(mine.revoke(lost.authentication.certificate));
  EXPECT_EQ(judge(mine, lost.authentication.certificate), "certificate revoked");
  EXPECT_EQ(judge(mine, kept.authentication.certificate), "ok");
  Ca again = Ca::open(dir.path()).value();
  ASSERT_TRUE(again.write_crls());
  EXPECT_EQ(judge(again, lost.authentication.certificate), "certificate revoked");
}

TEST_F(CaTest, StaleCrlAndExpiredCertificateCanBeMade) {
  const TempDir dir;
  Ca mine = Ca::open_or_create(dir.path()).value();
  const auto now = system_clock().wall();
  Personalisation what;
  what.not_before = now - std::chrono::days(10);
  what.not_after = now - std::chrono::days(1);
  EXPECT_EQ(judge(mine, personalise(mine, what).value().authentication.certificate),
            "certificate has expired");
  ASSERT_TRUE(mine.write_crls(now - std::chrono::days(10), now - std::chrono::days(1)));
  EXPECT_EQ(judge(mine, personalise(mine, {}).value().authentication.certificate), "CRL has expired");
}

TEST_F(CaTest, CardOfAnotherCaIsForeign) {
  const TempDir dir;
  Ca other = Ca::open_or_create(dir.path()).value();
  EXPECT_NE(judge(ca(), personalise(other, {}).value().authentication.certificate), "ok");
}

TEST_F(CaTest, ChuidSignatureVerifies) {
  Personalisation what;
  what.signed_chuid = true;
  const CardData card = personalise(ca(), what).value();
  EXPECT_GT(card.chuid_signature.size(), 500U);
  const unsigned char* at = card.chuid_signature.data();
  const Owned<CMS_ContentInfo, CMS_ContentInfo_free> cms(
      d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(card.chuid_signature.size())));
  ASSERT_TRUE(cms);
  const Bytes fields = chuid_fields(card);
  const Bio data = memory_bio(fields);
  constexpr unsigned flags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
  EXPECT_EQ(CMS_verify(cms.get(), nullptr, nullptr, data.get(), nullptr, flags), 1);
}

TEST_F(CaTest, RefusesWhatIsNoPin) {
  for (const char* pin : {"12345", "123456789", "12345a", ""}) {
    Personalisation what;
    what.pin = pin;
    EXPECT_EQ(personalise(ca(), what).error().code, Errc::invalid_argument) << pin;
  }
}

TEST_F(CaTest, OpenNeedsACa) {
  const TempDir dir;
  EXPECT_EQ(Ca::open(dir.path()).error().code, Errc::not_found);
}

}  // namespace
}  // namespace cardgate::simcard
