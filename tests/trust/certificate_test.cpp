// SPDX-License-Identifier: Apache-2.0
#include "trust/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/trust/raw_list.hpp"
#include "tests/trust/test_ca.hpp"
#include "trust/possession.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {
namespace {

using test::Ca;
using testing::ElementsAre;

constexpr std::string_view uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

const Ca& ca() {
  static const Ca root = Ca::root();
  return root;
}

Bytes full_certificate() {
  return ca().issue(
      {.subject = "/O=Example Trust/OU=Ward 7/OU=Nights/CN=Zoë Quinn/UID=10001/serialNumber=A-17",
       .alternative_names = {"URI:urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "URI:https://example.org/z",
                             "email:Zoe.Quinn@Example.org", "otherName:msUPN;UTF8:Zoe@EXAMPLE.org",
                             "otherName:msUPN;UTF8:z.quinn@example.org"}});
}

Errc describe_error(const Bytes& der) {
  auto info = describe(der);
  return info ? Errc::ok : info.error().code;
}

TEST(Describe, ReadsWhatStandsInIt) {
  const auto info = describe(full_certificate()).value();
  EXPECT_EQ(info.subject, "serialNumber=A-17,UID=10001,CN=Zoë Quinn,OU=Nights,OU=Ward 7,O=Example Trust");
  EXPECT_EQ(info.issuer, "CN=Example Root,O=Example Trust");
  EXPECT_EQ(info.serial.size(), 26U);
  EXPECT_EQ(info.not_before, test::noon() - 30 * test::day);
  EXPECT_EQ(info.not_after, test::noon() + 30 * test::day);
  EXPECT_EQ(info.key, KeyKind::p256);
  EXPECT_EQ(info.card_uuid, uuid);
  EXPECT_THAT(info.upn, ElementsAre("Zoe@EXAMPLE.org", "z.quinn@example.org"));
  EXPECT_THAT(info.email, ElementsAre("Zoe.Quinn@Example.org"));
  EXPECT_EQ(info.uri.size(), 2U);
  EXPECT_EQ(info.subject_fields.count("OU"), 2U);
  EXPECT_EQ(info.subject_fields.find("UID")->second, "10001");
}

TEST(Describe, RefusesAnIssuerWhoseNameIsNoUtf8) {
  Bytes der = full_certificate();
  const auto root = as_bytes("Root");
  const auto place = std::ranges::search(der, root).begin();  // the issuer stands before the subject
  ASSERT_NE(place, der.end());
  *(place + 1) = 0xE9;
  EXPECT_EQ(describe_error(der), Errc::certificate_malformed) << "OpenSSL takes no such name";
}

TEST(Describe, KnowsEveryKindOfKey) {
  const auto kind = [](test::Key key) { return describe(ca().issue({.key = std::move(key)})).value().key; };
  EXPECT_EQ(kind(test::new_rsa(2048)), KeyKind::rsa2048);
  EXPECT_EQ(kind(test::new_rsa(1024)), KeyKind::other);
  EXPECT_EQ(kind(test::new_p384()), KeyKind::p384);
}

TEST(Describe, RefusesEveryTruncation) {
  const Bytes der = full_certificate();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(describe_error(Bytes(der.begin(), der.begin() + static_cast<std::ptrdiff_t>(size))),
              Errc::certificate_malformed);
  }
}

TEST(Describe, RefusesTrailingBytesHugeInputAndOtherEncodings) {
  Bytes trailing = full_certificate();
  trailing.push_back(0);
  EXPECT_EQ(describe_error(trailing), Errc::certificate_malformed);
  EXPECT_EQ(describe_error(Bytes(max_certificate_bytes + 1, 0x30)), Errc::certificate_malformed);
  // The outer length in one byte more than DER needs.
  Bytes ber = full_certificate();
  ASSERT_EQ(ber[1], 0x82);
  ber[1] = 0x83;
  ber.insert(ber.begin() + 2, 0x00);
  EXPECT_EQ(describe_error(ber), Errc::certificate_malformed);
}

/// A certificate with these alternative names, octet by octet.
Bytes with_names(std::initializer_list<BytesView> names) {
  return ca().issue({.subject = "/O=Example Trust/CN=Jo Bloggs/UID=10001",
                     .more = {{"subjectAltName", "DER:" + to_hex(test::element(0x30, names))}}});
}
Bytes mail(std::string_view text) {
  return test::element(0x81, {as_bytes(text)});
}
Bytes uri(std::string_view text) {
  return test::element(0x86, {as_bytes(text)});
}
Bytes other_name(std::string_view oid_hex, BytesView value) {
  const Bytes oid = from_hex(oid_hex).value();
  return test::element(0xa0, {test::element(0x06, {oid}), test::element(0xa0, {value})});
}
Bytes principal(std::uint8_t string_tag, BytesView text) {
  return other_name("2b060104018237140203", test::element(string_tag, {text}));
}
Bytes fasc_n(BytesView value, std::uint8_t tag = 0x04) {
  return other_name("6086480165030606", test::element(tag, {value}));
}
const Bytes good_uri = uri("urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6");

struct OddName {
  std::string what;
  Bytes name;
  std::string kind;  // of the mapping that it concerns
};

/// However odd one name is, the others stay.
TEST(Describe, OneOddNameSpoilsNoOther) {
  const std::string control{"jo\x01@example.org"};
  const std::string nul{"jo@example.org\0.evil.example", 28};
  for (const auto& [what, name, kind] : std::vector<OddName>{
           {"no address", mail("nobody"), "email"},
           {"no address", mail("@example.org"), "email"},
           {"no address", mail("jo@"), "email"},
           {"two addresses", mail("jo@example.org,max@example.org"), "email"},
           {"an address with its person", mail("Jo <jo@example.org>"), "email"},
           {"two signs", mail("jo@max@example.org"), "email"},
           {"nothing", mail(""), "email"},
           {"a control character", mail(control), "email"},
           {"a NUL", mail(nul), "email"},
           {"no ASCII", mail("zo\xc3\xab@example.org"), "email"},
           {"a NUL", uri(nul), "uri"},
           {"a control character", test::element(0x82, {as_bytes(control)}), "dns"},
           {"a NUL", principal(0x0c, as_bytes(nul)), "upn"},
           {"no UTF-8", principal(0x0c, Bytes{'j', 'o', 0xff, '@', 'x'}), "upn"},
           {"no ASCII", principal(0x16, as_bytes("zo\xc3\xab@x.org")), "upn"},
           {"no text", principal(0x04, as_bytes("jo@example.org")), "upn"},
           {"a number", principal(0x02, Bytes{1}), "upn"},
           {"nothing", principal(0x0c, {}), "upn"},
           {"too short", fasc_n(Bytes(24, 0x42)), "fasc_n"},
           {"text", fasc_n(Bytes(25, 0x42), 0x0c), "fasc_n"},
           {"zeros", fasc_n(Bytes(25, 0x00)), "fasc_n"},
           {"all FF", fasc_n(Bytes(25, 0xff)), "fasc_n"},
           {"agency 9999", fasc_n(from_hex("d4e739da739ced39ce739d836858210842108421c84210c3eb").value()),
            "fasc_n"},
           {"the nil UUID", uri("urn:uuid:00000000-0000-0000-0000-000000000000"), "card_uuid"},
           {"all F", uri("urn:uuid:FFFFFFFF-ffff-ffff-ffff-ffffffffffff"), "card_uuid"}}) {
    const Bytes der = with_names({name, good_uri, mail("jo@example.org")});
    const auto info = describe(der);
    ASSERT_TRUE(info) << kind << ", " << what << ": " << info.error().context;
    EXPECT_EQ(info->card_uuid, uuid) << kind << ", " << what;
    EXPECT_THAT(info->email, ElementsAre("jo@example.org")) << kind << ", " << what;
    EXPECT_THAT(info->upn, testing::IsEmpty()) << kind << ", " << what;
    EXPECT_FALSE(info->fasc_n) << kind << ", " << what;
    ASSERT_EQ(info->unusable_names.size(), 1U) << kind << ", " << what;
    EXPECT_EQ(info->unusable_names.begin()->first, kind) << what;
    const auto all = test::authorities({ca().der()}, {}, {ca().crl()});
    EXPECT_TRUE(validate(all, der, {}, test::noon()).valid) << kind << ", " << what;
  }
}

TEST(Describe, ReadsAPrincipalNameInEveryKindOfString) {
  const Bytes wide{0, 'Z', 0, 'o', 0, 0xeb, 0, '@', 0, 'x'};
  const Bytes wider{0, 0, 0, 'j', 0, 0, 0, 'o'};
  EXPECT_THAT(describe(with_names({principal(0x1e, wide)}))->upn, ElementsAre("Zoë@x"));
  EXPECT_THAT(describe(with_names({principal(0x0c, as_bytes("Zoë@x"))}))->upn, ElementsAre("Zoë@x"));
  EXPECT_THAT(describe(with_names({principal(0x16, as_bytes("jo@x"))}))->upn, ElementsAre("jo@x"));
  EXPECT_THAT(describe(with_names({principal(0x13, as_bytes("jo@x"))}))->upn, ElementsAre("jo@x"));
  EXPECT_THAT(describe(with_names({principal(0x1c, wider)}))->upn, ElementsAre("jo"));
}

TEST(Describe, ReadsSeveralUuidsAndFascNs) {
  const Bytes person = uri("urn:uuid:11111111-2222-4333-8444-555555555555");
  const Bytes third = uri("urn:uuid:11111111-2222-4333-8444-666666666666");
  const auto two = describe(with_names({good_uri, person})).value();
  EXPECT_FALSE(two.card_uuid) << "nothing says yet which is the card's";
  EXPECT_THAT(two.card_uuids, ElementsAre(uuid, "11111111-2222-4333-8444-555555555555"));
  EXPECT_EQ(describe(with_names({good_uri, person, third}))->card_uuids.size(), 3U);
  EXPECT_EQ(describe(with_names({good_uri, good_uri}))->card_uuid, uuid) << "the same twice";
  EXPECT_EQ(describe(with_names({good_uri, uri("urn:uuid:00000000-0000-0000-0000-000000000000")}))->card_uuid,
            uuid);
  const Bytes first = fasc_n(as_bytes("invented-fasc-n-of-25-byt"));
  const auto numbers = describe(with_names({first, fasc_n(as_bytes("another--fasc-n-of-25-byt"))})).value();
  EXPECT_FALSE(numbers.fasc_n);
  EXPECT_EQ(numbers.fasc_ns.size(), 2U);
  EXPECT_EQ(describe(with_names({first, fasc_n(Bytes(25, 'a'))}))->fasc_n,
            to_hex(as_bytes("invented-fasc-n-of-25-byt")))
      << "the other is a placeholder";
}

TEST(Describe, TakesNoSubjectThatHidesSomething) {
  const auto info = describe(ca().issue({.subject = "/CN=Jo\nBloggs/UID=10001"})).value();
  EXPECT_EQ(info.subject_fields.count("CN"), 0U);
  EXPECT_EQ(info.subject_fields.count("UID"), 1U);
  EXPECT_EQ(info.unusable_names.count("subject:CN"), 1U);
  EXPECT_EQ(info.subject.find('\n'), std::string::npos) << info.subject;
  // U+0085 is a control character that RFC 4514 lets pass.
  const auto other = describe(ca().issue({.subject = "/CN=Jo\xc2\x85"
                                                     "Bloggs/UID=10001"}))
                         .value();
  EXPECT_TRUE(is_plain_utf8(other.subject)) << other.subject;
  EXPECT_NE(other.subject, "?");
  EXPECT_EQ(other.unusable_names.count("subject:CN"), 1U);
}

TEST(Describe, RefusesMoreNamesThanTheLimit) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i <= max_alternative_names; ++i)
    names.push_back("email:p" + std::to_string(i) + "@example.org");
  const Bytes der = ca().issue({.alternative_names = names});
  ASSERT_LT(der.size(), max_certificate_bytes);
  EXPECT_EQ(describe_error(der), Errc::certificate_malformed);
  EXPECT_EQ(describe(der).error().context,
            "it has 257 alternative names, and 256 are the most that are read");
  const auto all = test::authorities({ca().der()}, {}, {ca().crl()});
  EXPECT_EQ(validate(all, der, {}, test::noon()).findings.at(0).status, Status::malformed);
}

TEST(Describe, TakesNoUuidThatIsNone) {
  const auto card = [](const std::string& uri) {
    return describe(ca().issue({.alternative_names = {"URI:" + uri}})).value().card_uuid;
  };
  EXPECT_FALSE(card("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf"));
  EXPECT_FALSE(card("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bfg"));
  EXPECT_FALSE(card("https://example.org/urn:uuid:" + std::string{uuid}));
}

struct Possession : testing::Test {
  Bytes nonce = random_bytes(32);
  Bytes message = challenge_message(nonce, "desk-7.example.org", "sign-in-1");
  static Errc check(const Bytes& leaf, BytesView text, BytesView signature) {
    auto outcome = verify_possession(leaf, text, signature);
    return outcome ? Errc::ok : outcome.error().code;
  }
};

TEST_F(Possession, MessageIsBoundToNonceHostAndSignIn) {
  EXPECT_EQ(as_text(message).substr(0, 20), std::string_view("cardgate sign-in v1\0", 20));
  EXPECT_EQ(message.size(), 20 + 4 + 32 + 4 + 18 + 4 + 9U);
  EXPECT_NE(message, challenge_message(random_bytes(32), "desk-7.example.org", "sign-in-1"));
  EXPECT_NE(challenge_message(nonce, "ab", "c"), challenge_message(nonce, "a", "bc"));
}

TEST_F(Possession, HoldsForTheRightKeyOnly) {
  for (const auto& key : {test::new_rsa(2048), test::new_p256(), test::new_p384()}) {
    const Bytes leaf = ca().issue({.key = key});
    const Bytes signature = test::sign(key, message);
    EXPECT_EQ(check(leaf, message, signature), Errc::ok);

    Bytes other_message = message;
    other_message.back() ^= 1;
    EXPECT_EQ(check(leaf, other_message, signature), Errc::signature_invalid);
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      Bytes altered = signature;
      altered[i] ^= 1;
      EXPECT_EQ(check(leaf, message, altered), Errc::signature_invalid);
    }
    for (std::size_t size = 0; size < signature.size(); size += 5) {
      EXPECT_EQ(check(leaf, message, BytesView{signature}.first(size)), Errc::signature_invalid);
    }
    Bytes longer = signature;
    longer.push_back(0);
    EXPECT_EQ(check(leaf, message, longer), Errc::signature_invalid);
  }
  const auto key = test::new_p256();
  EXPECT_EQ(check(ca().issue({}), message, test::sign(key, message)), Errc::signature_invalid);
}

TEST_F(Possession, RefusesKeysItDoesNotKnowAndBytesThatAreNoCertificate) {
  const auto weak = test::new_rsa(1024);
  EXPECT_EQ(check(ca().issue({.key = weak}), message, test::sign(weak, message)), Errc::key_unsupported);
  EXPECT_EQ(check(Bytes{0x30, 0x00}, message, Bytes(64)), Errc::certificate_malformed);
  EXPECT_EQ(block_to_sign(KeyKind::other, message).error().code, Errc::key_unsupported);
}

TEST_F(Possession, BlockIsWhatTheKeySignsRaw) {
  const auto key = test::new_rsa(2048);
  const Bytes block = block_to_sign(KeyKind::rsa2048, message).value();
  ASSERT_EQ(block.size(), 256U);
  EXPECT_EQ(block[0], 0);
  EXPECT_EQ(block[1], 1);

  // A card applies the bare RSA operation; what comes out must hold as PKCS#1 v1.5.
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key.get(), nullptr);
  ASSERT_EQ(EVP_PKEY_decrypt_init(context), 1);
  ASSERT_EQ(EVP_PKEY_CTX_ctrl_str(context, "rsa_padding_mode", "none"), 1);
  Bytes signature(256);
  std::size_t size = signature.size();
  ASSERT_EQ(EVP_PKEY_decrypt(context, signature.data(), &size, block.data(), block.size()), 1);
  EVP_PKEY_CTX_free(context);
  EXPECT_EQ(check(ca().issue({.key = key}), message, signature), Errc::ok);

  const Digest digest = sha256(message);
  EXPECT_EQ(block_to_sign(KeyKind::p256, message).value(), Bytes(digest.begin(), digest.end()));
  EXPECT_EQ(block_to_sign(KeyKind::p384, message).value().size(), 48U);
  EXPECT_EQ(block_to_sign(KeyKind::rsa4096, message).value().size(), 512U);
}

}  // namespace
}  // namespace cardgate::trust
