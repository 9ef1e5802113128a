// SPDX-License-Identifier: Apache-2.0
#include "trust/mapping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trust/test_ca.hpp"

namespace cardgate::trust {
namespace {

using test::Ca;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
constexpr std::string_view fasc_n_bytes = "invented-fasc-n-of-25-byt";
const std::string fasc_n = to_hex(as_bytes(fasc_n_bytes));

const Ca& ca() {
  static const Ca root = Ca::root();
  return root;
}

CertificateInfo full() {
  static const auto info = [] {
    return describe(ca().issue({.subject = "/O=Example Trust/OU=Ward 7/OU=Nights/CN=Zoë Quinn/UID=10001",
                                .key_usage = "critical,digitalSignature,keyAgreement",
                                .alternative_names = {"URI:urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
                                                      "URI:https://example.org/z",
                                                      "email:Zoe.Quinn@Example.org", "DNS:desk-7.example.org",
                                                      "otherName:2.16.840.1.101.3.6.6;OCT:" +
                                                          std::string(fasc_n_bytes),
                                                      "otherName:msUPN;UTF8:Zoe@EXAMPLE.org",
                                                      "otherName:msUPN;UTF8:z.quinn@example.org"},
                                .more = {{"certificatePolicies", "2.16.840.1.101.3.2.1.3.13,1.2.3.4"}}}))
        .value();
  }();
  return info;
}
CertificateInfo bare() {
  static const auto info =
      describe(ca().issue({.extended_key_usage = "", .with_key_identifiers = false})).value();
  return info;
}

MapRule rule(std::string_view map, std::string_view match = {}, std::int64_t priority = lowest_priority) {
  MapRule made = parse_map_rule(map).value();
  made.priority = priority;
  if (!match.empty()) made.match = Match::parse(match).value();
  return made;
}

TEST(Describe, ReadsUsagesPoliciesAndIdentifiers) {
  const auto info = full();
  EXPECT_THAT(info.key_usages, ElementsAre("digitalSignature", "keyAgreement"));
  EXPECT_THAT(info.extended_key_usages, ElementsAre("1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2"));
  EXPECT_THAT(info.policies, ElementsAre("2.16.840.1.101.3.2.1.3.13", "1.2.3.4"));
  EXPECT_THAT(info.dns, ElementsAre("desk-7.example.org"));
  EXPECT_EQ(info.fasc_n, fasc_n);
  EXPECT_EQ(info.ski.size(), 40U);
  EXPECT_THAT(bare().extended_key_usages, IsEmpty());
  EXPECT_THAT(bare().policies, IsEmpty());
  EXPECT_FALSE(bare().fasc_n);
  EXPECT_EQ(bare().ski, "");
}

TEST(Describe, TakesACertificateAsText) {
  const Bytes der = ca().issue({});
  EXPECT_EQ(certificate_from_text(to_base64(der)).value(), der);
  EXPECT_EQ(certificate_from_text(test::to_pem(der, "CERTIFICATE")).value(), der);
  const std::string two = test::to_pem(der, "CERTIFICATE") + test::to_pem(der, "CERTIFICATE");
  for (const std::string& text : {std::string(), std::string("AAAA"), std::string("no base64!"), two,
                                  test::to_pem(der, "X509 CRL"), test::to_pem(Bytes{1, 2}, "CERTIFICATE")}) {
    EXPECT_FALSE(certificate_from_text(text)) << text;
  }
}

struct Matching {
  std::string_view expression;
  std::string_view why_not;  // part of the reason; empty: it matches
};

TEST(Match, SaysWhetherAndWhyNot) {
  for (const auto& [expression, why_not] : std::initializer_list<Matching>{
           {"<ISSUER>^CN=Example Root,O=Example Trust$", ""},
           {"<ISSUER>Example", ""},
           {"<ISSUER>^CN=example", "its issuer is \"CN=Example Root,O=Example Trust\", which does not match"},
           {"<SUBJECT>CN=Zoë Quinn", ""},
           {"<SUBJECT>OU=(Days|Nights),", ""},
           {"<SUBJECT>^(UID=[0-9]+,)?CN=([[:alpha:]]|[^,])+,(OU=[^,]*,)*", ""},
           {"<SUBJECT>(U(I|x*)D=[0-9]{5},){1,2}CN=Zo.{2} ", ""},
           {"<SUBJECT>^CN=", "its subject is \"UID=10001,CN=Zoë Quinn"},
           {"<KU>digitalSignature", ""},
           {"<KU>digitalSignature, keyAgreement", ""},
           {"<KU>digitalSignature,keyCertSign",
            "it lacks the key usage keyCertSign; it has digitalSignature, key"},
           {"<KU>contentCommitment", "lacks the key usage nonRepudiation"},
           {"<EKU>clientAuth,msScLogin", ""},
           {"<EKU>smartcardLogon,1.3.6.1.5.5.7.3.2", ""},
           {"<EKU>serverAuth",
            "lacks the extended key usage serverAuth (1.3.6.1.5.5.7.3.1); it has clientAuth ("},
           {"<EKU>1.2.3", "lacks the extended key usage 1.2.3"},
           {"<SAN:email>@Example[.]org$", ""},
           {"<SAN:rfc822Name>^Zoe", ""},
           {"<SAN:email>@other[.]org$", "no e-mail address of it matches \"@other[.]org$\"; it has \"Zoe."},
           {"<SAN:upn>^z[.]quinn@", ""},
           {"<SAN:NTPrincipalName>@EXAMPLE.org$", ""},
           {"<SAN:uri>^urn:uuid:.*", ""},
           {"<SAN:uniformResourceIdentifier>^https:", ""},
           {"<SAN:dNSName>^desk-[0-9]+[.]", ""},
           {"<SAN:dns>^ward", "no DNS name of it matches"},
           {"<POLICY>2.16.840.1.101.3.2.1.3.13", ""},
           {"<POLICY>9.9,1.2.3.4", ""},
           {"<POLICY>9.9,8.8",
            "has none of the certificate policies 9.9, 8.8; it has 2.16.840.1.101.3.2.1.3.13"},
           {"<ISSUER>Example<KU>digitalSignature<SAN:uri>urn:uuid:", ""},
           {"&&<ISSUER>Example<KU>keyCertSign", "keyCertSign"},
           {"||<ISSUER>Nowhere<KU>digitalSignature", ""},
           {"||<ISSUER>Nowhere<KU>keyCertSign", "which does not match \"Nowhere\"; it lacks the key usage"},
           {R"(<SUBJECT>Quinn\<)", "does not match \"Quinn<\""},
           {R"(<SUBJECT>[\<>Z]o)", ""},
           {R"(<SUBJECT>CN=\\<KU>digitalSignature)", "does not match"},
       }) {
    const auto match = Match::parse(expression);
    ASSERT_TRUE(match) << expression << ": " << match.error().context;
    EXPECT_EQ(match->text(), expression);
    const auto reason = match->mismatch(full());
    if (why_not.empty()) {
      EXPECT_EQ(reason, "") << expression;
    } else {
      EXPECT_THAT(reason, HasSubstr(std::string(why_not))) << expression;
    }
  }
}

TEST(Match, SaysWhatACertificateLacksAltogether) {
  for (const auto& [expression, why_not] : std::initializer_list<Matching>{
           {"<EKU>clientAuth", "it has none"},
           {"<POLICY>1.2", "it has none"},
           {"<SAN:email>.", "it has no e-mail address"},
           {"<SAN:upn>.", "it has no user principal name"},
           {"<SAN:uri>.", "it has no URI"},
           {"<SAN:dNSName>.", "it has no DNS name"},
       }) {
    EXPECT_THAT(Match::parse(expression).value().mismatch(bare()), HasSubstr(std::string(why_not)))
        << expression;
  }
  EXPECT_EQ(Match().mismatch(bare()), "");
}

TEST(Match, RefusesWhatIsNoExpression) {
  std::string many;
  for (std::size_t i = 0; i <= max_match_components; ++i) many += "<KU>digitalSignature";
  const std::string nested =
      std::string(max_pattern_bytes / 2, '(') + std::string(max_pattern_bytes / 2, ')');
  std::string doubled = "a";
  for (int i = 0; i < 30; ++i) doubled = "(" + doubled + "+)";
  for (const auto& [expression, problem] : std::vector<std::pair<std::string, std::string>>{
           {"", "begins with a component"},
           {"CN=Example", "begins with a component"},
           {"&&", "begins with a component"},
           {"||", "begins with a component"},
           {"&& <KU>digitalSignature", "begins with a component"},
           {"<ISSUER", "has no '>'"},
           {"<KU>digitalSignature<", "has no '>'"},
           {"<issuer>x", "<issuer>: no such component"},
           {"<SAN>x", "<SAN>: no such component"},
           {"<SAN:>x", "no alternative name of the type \"\""},
           {"<SAN:ipAddress>x", "there are email"},
           {"<ISSUER>", "<ISSUER>: expected a regular expression"},
           {"<ISSUER>(", "<ISSUER>: the regular expression \"(\" is not good"},
           {"<ISSUER>)", "no opening one"},
           {"<ISSUER>[a", "is not good"},
           {"<ISSUER>a\\", "is not good"},
           {"<ISSUER>(a)\\1", "back-references"},
           {"<ISSUER>a{", "number of repetitions"},
           {"<ISSUER>a{x}", "number of repetitions"},
           {"<ISSUER>a{}", "number of repetitions"},
           {"<ISSUER>a{256}", "more than 255 times"},
           {"<ISSUER>(a{255}){255}", "repeats too much"},
           {"<ISSUER>a**", "repeats what may be empty"},
           {"<ISSUER>(a*|b*)*", "repeats what may be empty"},
           {"<ISSUER>(a|)+", "repeats what may be empty"},
           {"<ISSUER>(^)*", "repeats what may be empty"},
           {"<ISSUER>(a{0,3}){2}", "repeats what may be empty"},
           {"<ISSUER>*", "has nothing before it"},
           {"<ISSUER>(+a)", "has nothing before it"},
           {"<ISSUER>a|?", "has nothing before it"},
           {"<ISSUER>" + doubled, "repeats too much"},
           {"<ISSUER>" + nested, "nested too deeply"},
           {"<ISSUER>" + std::string(max_pattern_bytes + 1, 'a'), "more than 512 bytes"},
           {"<KU>", "separated by commas"},
           {"<KU>digitalSignature,", "separated by commas"},
           {"<KU>digitalsignature", "no key usage \"digitalsignature\""},
           {"<EKU>", "separated by commas"},
           {"<EKU>login", "no extended key usage \"login\""},
           {"<EKU>1..2", "no extended key usage"},
           {"<POLICY>", "separated by commas"},
           {"<POLICY>anyPolicy", "no dotted OID"},
           {"<POLICY>2", "no dotted OID"},
           {"<ISSUER>a\nb", "control characters"},
           {many, "at most 32 components"},
           {std::string(max_match_bytes + 1, '<'), "at most 4096 bytes"},
       }) {
    const auto match = Match::parse(expression);
    ASSERT_FALSE(match) << expression;
    EXPECT_EQ(match.error().code, Errc::invalid_argument);
    EXPECT_THAT(match.error().context, HasSubstr(problem)) << expression;
  }
}

std::vector<std::string> values(std::string_view map, const CertificateInfo& info,
                                const Chuid* chuid = nullptr) {
  std::vector<std::string> out;
  const auto reports = apply_rules({rule(map)}, info, chuid);
  for (const auto& identity : reports.at(0).identities) out.push_back(identity.value);
  return out;
}
std::string reason(std::string_view map, const CertificateInfo& info, const Chuid* chuid = nullptr) {
  const auto report = apply_rules({rule(map)}, info, chuid).at(0);
  EXPECT_TRUE(report.matched);
  EXPECT_THAT(report.identities, IsEmpty());
  return report.reason;
}

TEST(Mapping, GivesEachKind) {
  const auto info = full();
  EXPECT_THAT(values("card_uuid", info), ElementsAre(uuid));
  EXPECT_THAT(values("fasc_n", info), ElementsAre(fasc_n));
  EXPECT_THAT(values("ski", info), ElementsAre(info.ski));
  EXPECT_THAT(values("issuer_serial", info), ElementsAre("CN=Example Root,O=Example Trust;" + info.serial));
  EXPECT_THAT(values("upn", info), ElementsAre("zoe@example.org", "z.quinn@example.org"));
  EXPECT_THAT(values("email", info), ElementsAre("zoe.quinn@example.org"));
  EXPECT_THAT(values("uri", info),
              ElementsAre("urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "https://example.org/z"));
  EXPECT_THAT(values("subject:UID", info), ElementsAre("10001"));
  EXPECT_THAT(values("subject:OU", info), ElementsAre("Ward 7", "Nights"));
  EXPECT_EQ(apply_rules({rule("subject:UID")}, info, nullptr).at(0).identities.at(0).kind, "subject:UID");
  EXPECT_EQ(apply_rules({rule("subject:UID")}, info, nullptr).at(0).name, "subject:UID");
}

TEST(Mapping, SaysWhatIsMissing) {
  for (const auto& [map, why] : std::initializer_list<std::pair<std::string_view, std::string>>{
           {"card_uuid", "has no card UUID"},
           {"chuid_uuid", "CHUID was not read"},
           {"fasc_n", "the certificate has no FASC-N, and the card's CHUID was not read"},
           {"ski", "has no subject key identifier"},
           {"upn", "has no user principal name"},
           {"email", "has no e-mail address"},
           {"uri", "has no URI"},
           {"subject:title", "has no title"},
       }) {
    EXPECT_THAT(reason(map, bare()), HasSubstr(why)) << map;
  }
}

TEST(Mapping, TheCardUuidOfChuidAndCertificateMustAgree) {
  const Chuid same{std::string(uuid), {}, false};
  const Chuid other{"00000000-0000-4000-8000-000000000001", {}, true};
  const Chuid none{};
  EXPECT_THAT(values("card_uuid", full(), &same), ElementsAre(uuid));
  EXPECT_THAT(values("card_uuid", full(), &none), ElementsAre(uuid));
  EXPECT_THAT(reason("card_uuid", full(), &other), HasSubstr("another card UUID (00000000-0000-4000"));
  EXPECT_THAT(values("chuid_uuid", full(), &same), ElementsAre(uuid));
  EXPECT_THAT(reason("chuid_uuid", full(), &other), HasSubstr("two cards"));
  EXPECT_TRUE(of_two_cards(full(), other));
  EXPECT_FALSE(of_two_cards(full(), same));
  EXPECT_FALSE(of_two_cards(bare(), other));
  EXPECT_THAT(reason("chuid_uuid", full(), &none), HasSubstr("has no card UUID"));
  EXPECT_EQ(apply_rules({rule("chuid_uuid")}, full(), &same).at(0).identities.at(0).kind, "card_uuid");
}

TEST(Mapping, AChuidSpeaksForMoreThanTheCertificateOnlyWhenVerifiedAndTied) {
  CertificateInfo with_uuid = bare();
  with_uuid.card_uuid = uuid;
  CertificateInfo with_fasc_n = bare();
  with_fasc_n.fasc_n = fasc_n;
  const Chuid verified{std::string(uuid), fasc_n, true};
  const Chuid unverified{std::string(uuid), fasc_n, false};
  EXPECT_THAT(values("fasc_n", with_uuid, &verified), ElementsAre(fasc_n));
  EXPECT_THAT(reason("fasc_n", with_uuid, &unverified), HasSubstr("trust.content_signers"));
  EXPECT_THAT(values("chuid_uuid", with_fasc_n, &verified), ElementsAre(uuid));
  EXPECT_THAT(reason("chuid_uuid", with_fasc_n, &unverified), HasSubstr("trust.content_signers"));
  EXPECT_THAT(reason("fasc_n", bare(), &verified), HasSubstr("nothing ties the two"));
  EXPECT_THAT(reason("chuid_uuid", bare(), &verified), HasSubstr("nothing ties the two"));
  const Chuid other{std::string(uuid), std::string(50, '0'), true};
  EXPECT_THAT(reason("fasc_n", with_fasc_n, &other), HasSubstr("another FASC-N"));
  const Chuid without{std::string(uuid), {}, true};
  EXPECT_THAT(values("fasc_n", with_fasc_n, &without), ElementsAre(fasc_n));
  EXPECT_THAT(reason("fasc_n", with_uuid, &without), HasSubstr("has none that names one card"));
}

TEST(Mapping, OfSeveralUuidsTheCardsIsTheOneThatItsChuidHas) {
  const std::string person = "11111111-2222-4333-8444-555555555555";
  const std::string third = "11111111-2222-4333-8444-666666666666";
  for (const auto& order : {std::vector<std::string>{std::string(uuid), person},
                            std::vector<std::string>{person, std::string(uuid)},
                            std::vector<std::string>{person, third, std::string(uuid)}}) {
    std::vector<std::string> uris;
    for (const auto& one : order) uris.push_back("URI:urn:uuid:" + one);
    const auto info = describe(ca().issue({.alternative_names = uris})).value();
    const Chuid card{std::string(uuid), {}, false};
    EXPECT_THAT(values("card_uuid", info, &card), ElementsAre(uuid));
    EXPECT_THAT(values("chuid_uuid", info, &card), ElementsAre(uuid));
    EXPECT_FALSE(of_two_cards(info, card));
    const Chuid other{"00000000-0000-4000-8000-000000000001", {}, true};
    EXPECT_THAT(reason("card_uuid", info, &other),
                HasSubstr("none of them is the one that the card's CHUID has"));
    EXPECT_THAT(reason("chuid_uuid", info, &other), HasSubstr("two cards"));
    EXPECT_TRUE(of_two_cards(info, other));
    const Chuid none{};
    EXPECT_THAT(reason("card_uuid", info, &none), HasSubstr("has none"));
    EXPECT_THAT(reason("card_uuid", info),
                HasSubstr("CHUID would say which one is the card's, but it was not read"));
  }
}

TEST(Mapping, APlaceholderLeadsToNobody) {
  for (const std::string none :
       {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}) {
    const auto info = describe(ca().issue({.alternative_names = {"URI:urn:uuid:" + none}})).value();
    const Chuid same =
        describe_chuid({{},
                        from_hex(none == "00000000-0000-0000-0000-000000000000" ? std::string(32, '0')
                                                                                : std::string(32, 'f'))
                            .value(),
                        {},
                        {},
                        {}})
            .value();
    for (const Chuid* chuid : {static_cast<const Chuid*>(nullptr), &same}) {
      EXPECT_THAT(reason("card_uuid", info, chuid), HasSubstr("names no single card")) << none;
      EXPECT_THAT(reason("uri", info, chuid), HasSubstr("names no single card")) << none;
    }
    EXPECT_THAT(reason("chuid_uuid", info, &same), HasSubstr("placeholder")) << none;
  }
  // However it came in.
  CertificateInfo made = bare();
  made.card_uuid = "00000000-0000-0000-0000-000000000000";
  made.fasc_n = std::string(50, '0');
  EXPECT_THAT(reason("card_uuid", made), HasSubstr("names no single card"));
  EXPECT_THAT(reason("fasc_n", made), HasSubstr("names no single card"));
  const Chuid factory =
      describe_chuid(
          {from_hex("d4e739da739ced39ce739d836858210842108421c84210c3eb").value(), Bytes(16, 0), {}, {}, {}})
          .value();
  EXPECT_EQ(factory.fasc_n, "");
  EXPECT_THAT(reason("fasc_n", bare(), &factory), HasSubstr("has none that names one card"));
}

TEST(Mapping, AnOddNameConcernsTheRulesThatAskForIt) {
  CertificateInfo odd = full();
  odd.upn.clear();
  odd.unusable_names.emplace("upn", "the certificate's user principal name is not text");
  EXPECT_EQ(reason("upn", odd), "the certificate's user principal name is not text");
  EXPECT_THAT(values("card_uuid", odd), ElementsAre(uuid));
  EXPECT_THAT(values("email", odd), ElementsAre("zoe.quinn@example.org"));
}

TEST(Mapping, RulesComeByPriorityAndThenInTheirOrder) {
  const std::vector<MapRule> rules{rule("upn"), rule("email", "<ISSUER>Nowhere", 10),
                                   rule("card_uuid", "<KU>digitalSignature", 10), rule("uri", {}, 0),
                                   rule("subject:UID")};
  std::vector<std::string> names;
  for (const auto& report : apply_rules(rules, full(), nullptr)) {
    names.push_back(report.name);
    EXPECT_EQ(report.matched, report.name != "email");
    EXPECT_EQ(report.matched, report.reason.empty());
    EXPECT_EQ(report.matched, !report.identities.empty());
  }
  EXPECT_THAT(names, ElementsAre("uri", "email", "card_uuid", "upn", "subject:UID"));
}

TEST(Mapping, OnlySomeKindsNeedTheChuid) {
  EXPECT_FALSE(need_chuid({rule("card_uuid"), rule("issuer_serial"), rule("ski"), rule("subject:UID")}));
  EXPECT_TRUE(need_chuid({rule("card_uuid"), rule("fasc_n")}));
  EXPECT_TRUE(need_chuid({rule("chuid_uuid")}));
}

TEST(Mapping, UnknownKindsAreRefusedWithWhatIsAllowed) {
  for (const char* text :
       {"", "uuid", "subject", "subject:", "subject:U ID", "Card_UUID", "upn:x", ":", "upn:"}) {
    auto made = parse_map_rule(text);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, Errc::invalid_argument);
    EXPECT_THAT(made.error().context, HasSubstr("issuer_serial"));
  }
}

}  // namespace
}  // namespace cardgate::trust
