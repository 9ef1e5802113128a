// SPDX-License-Identifier: Apache-2.0
// What a person's certificate may and may not be, told with a small certification authority.
#include "trust/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trust/test_ca.hpp"
#include "trust/certificate.hpp"

namespace cardgate::trust {
namespace {

using test::authorities;
using test::Ca;
using test::day;
using test::Issue;
using test::noon;
using test::RevocationList;
using testing::ElementsAre;

std::string serial_of(BytesView der) {
  return describe(der).value().serial;
}

std::vector<Status> statuses(const Verdict& verdict) {
  std::vector<Status> list;
  for (const auto& finding : verdict.findings) list.push_back(finding.status);
  return list;
}

std::string told(const Verdict& verdict) {
  std::string text;
  for (const auto& f : verdict.findings) {
    text += std::string{name(f.status)} + " at " + std::to_string(f.depth) + ": " + f.subject + ": " +
            f.detail + "\n";
  }
  return text;
}

/// Root, issuing CA below it, both with an empty CRL: the usual house.
struct Usual : testing::Test {
  Ca root = Ca::root();
  Ca issuing = root.issuing();

  Verdict judge(const Bytes& leaf, const Rules& rules = {}, WallTime at = noon()) const {
    return judge(leaf, {root.crl(), issuing.crl()}, rules, at);
  }
  Verdict judge(const Bytes& leaf, std::vector<Bytes> crls, const Rules& rules, WallTime at = noon()) const {
    return validate(authorities({root.der()}, {issuing.der()}, std::move(crls)), leaf, rules, at);
  }
};

void expect_only(const Verdict& verdict, Status status, int depth) {
  EXPECT_FALSE(verdict.valid);
  ASSERT_THAT(statuses(verdict), ElementsAre(status)) << told(verdict);
  EXPECT_EQ(verdict.findings[0].depth, depth) << told(verdict);
}

TEST_F(Usual, GoodCertificateIsGoodUntilTheFirstCrlEnds) {
  const Verdict verdict = judge(issuing.issue({}));
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.revocation, "good");
  EXPECT_EQ(verdict.good_until, noon() + 7 * day);
  EXPECT_THAT(verdict.chain,
              ElementsAre("UID=10001,CN=Jo Bloggs,O=Example Trust", "CN=Example Issuing CA,O=Example Trust",
                          "CN=Example Root,O=Example Trust"));
}

TEST_F(Usual, GoodUntilTheLeafExpiresWhenThatIsFirst) {
  const Verdict verdict = judge(issuing.issue({.until = noon() + day}));
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.good_until, noon() + day);
}

TEST_F(Usual, EveryKeyKindOfACardIsAccepted) {
  for (const auto& key : {test::new_rsa(2048), test::new_rsa(3072), test::new_p256(), test::new_p384()}) {
    EXPECT_TRUE(judge(issuing.issue({.key = key})).valid);
  }
}

TEST_F(Usual, IssuerOfAnotherHouseIsUntrusted) {
  const Ca other = Ca::root("/O=Elsewhere/CN=Other Root");
  expect_only(judge(other.issue({})), Status::incomplete_chain, 0);
}

TEST_F(Usual, IssuerThatOnlyBearsTheNameIsUntrusted) {
  const Ca impostor = Ca::root("/O=Example Trust/CN=Example Issuing CA");
  expect_only(judge(impostor.issue({})), Status::untrusted_issuer, 0);
}

TEST_F(Usual, ForgedSignatureIsFoundEvenWithoutKeyIdentifiers) {
  const Ca impostor = Ca::root("/O=Example Trust/CN=Example Issuing CA");
  const Verdict verdict = judge(impostor.issue({.with_key_identifiers = false}));
  EXPECT_FALSE(verdict.valid);
  EXPECT_EQ(verdict.findings.at(0).status, Status::bad_signature) << told(verdict);
}

TEST_F(Usual, AnchorOfTheSameNameButAnotherKeyDoesNotVouch) {
  const Ca other = Ca::root();
  const auto elsewhere = authorities({other.der()}, {issuing.der()}, {other.crl(), issuing.crl()});
  expect_only(validate(elsewhere, issuing.issue({}), {}, noon()), Status::untrusted_issuer, 1);
}

TEST_F(Usual, SelfSignedCertificateIsUntrusted) {
  EXPECT_EQ(judge(Ca::root("/CN=Jo Bloggs").der()).findings.at(0).status, Status::untrusted_issuer);
  EXPECT_FALSE(judge(root.der()).valid);  // an anchor is not a person
}

TEST_F(Usual, MissingIntermediateIsNamed) {
  const auto rootless = authorities({root.der()}, {}, {root.crl(), issuing.crl()});
  const Verdict verdict = validate(rootless, issuing.issue({}), {}, noon());
  expect_only(verdict, Status::incomplete_chain, 0);
  EXPECT_THAT(verdict.findings[0].detail, testing::HasSubstr("CN=Example Issuing CA"));
}

TEST_F(Usual, ExpiredAndNotYetValidLeaf) {
  expect_only(judge(issuing.issue({.until = noon() - day})), Status::expired, 0);
  expect_only(judge(issuing.issue({.from = noon() + day})), Status::not_yet_valid, 0);
}

TEST_F(Usual, ExpiredAndNotYetValidIssuer) {
  const auto with = [&](WallTime from, WallTime until) {
    const Ca ca = root.sub({.subject = "/CN=Dated CA", .from = from, .until = until});
    return validate(authorities({root.der()}, {ca.der()}, {root.crl(), ca.crl()}), ca.issue({}), {}, noon());
  };
  expect_only(with(noon() - 9 * day, noon() - day), Status::expired, 1);
  expect_only(with(noon() + day, noon() + 9 * day), Status::not_yet_valid, 1);
}

TEST_F(Usual, ExpiredAnchorDoesNotVouch) {
  const Verdict verdict = judge(issuing.issue({.until = noon() + 900 * day}), {.revocation = Revocation::off},
                                noon() + 500 * day);
  EXPECT_FALSE(verdict.valid);
}

TEST_F(Usual, RevokedLeaf) {
  const Bytes leaf = issuing.issue({});
  const Verdict verdict = judge(leaf, {root.crl(), issuing.crl({.serials = {"01", serial_of(leaf)}})}, {});
  expect_only(verdict, Status::revoked, 0);
  EXPECT_EQ(verdict.revocation, "revoked");
}

TEST_F(Usual, RevokedIssuer) {
  const Verdict verdict =
      judge(issuing.issue({}), {root.crl({.serials = {serial_of(issuing.der())}}), issuing.crl()}, {});
  expect_only(verdict, Status::revoked, 1);
}

TEST_F(Usual, ManyCrlsOfOneIssuerAllCount) {
  const Bytes leaf = issuing.issue({});
  const Bytes old_and_empty = issuing.crl({.next = noon() - day, .from = noon() - 8 * day});
  const Bytes current = issuing.crl({.serials = {serial_of(leaf)}});
  expect_only(judge(leaf, {root.crl(), old_and_empty, current}, {}), Status::revoked, 0);
  expect_only(judge(leaf, {root.crl(), current, old_and_empty}, {}), Status::revoked, 0);
}

TEST_F(Usual, MissingCrlIsRefused) {
  const Bytes leaf = issuing.issue({});
  expect_only(judge(leaf, {root.crl()}, {}), Status::crl_missing, 0);
  expect_only(judge(leaf, {issuing.crl()}, {}), Status::crl_missing, 1);
  EXPECT_FALSE(judge(leaf, {root.crl()}, {.stale_for = 99 * day}).valid);
}

TEST_F(Usual, AnOldCrlStillRevokes) {
  const Bytes leaf = issuing.issue({});
  const RevocationList old{.serials = {serial_of(leaf)}, .next = noon() - 5 * day, .from = noon() - 9 * day};
  const Verdict verdict = judge(leaf, {root.crl(), issuing.crl(old)}, {});
  EXPECT_EQ(statuses(verdict), (std::vector{Status::revoked, Status::crl_stale})) << told(verdict);
}

TEST_F(Usual, StaleCrlIsAllowedWithinItsBound) {
  const Bytes leaf = issuing.issue({});
  const std::vector<Bytes> crls{root.crl(),
                                issuing.crl({.next = noon() - 2 * day, .from = noon() - 9 * day})};
  expect_only(judge(leaf, crls, {}), Status::crl_stale, 0);
  const Verdict allowed = judge(leaf, crls, {.stale_for = 3 * day});
  EXPECT_TRUE(allowed.valid) << told(allowed);
  EXPECT_EQ(allowed.revocation, "cached");
  EXPECT_EQ(allowed.late, 2 * day);
  EXPECT_EQ(allowed.good_until, noon() + day);
  expect_only(judge(leaf, crls, {.stale_for = day}), Status::crl_stale, 0);
}

TEST_F(Usual, StaleCrlStillRevokes) {
  const Bytes leaf = issuing.issue({});
  const RevocationList old{.serials = {serial_of(leaf)}, .next = noon() - day, .from = noon() - 9 * day};
  const Verdict verdict = judge(leaf, {root.crl(), issuing.crl(old)}, {.stale_for = 3 * day});
  expect_only(verdict, Status::revoked, 0);
}

TEST_F(Usual, CrlSignedBySomeoneElse) {
  const Bytes forged = issuing.crl({.signed_by = test::new_p256()});
  const Verdict verdict = judge(issuing.issue({}), {root.crl(), forged}, {});
  expect_only(verdict, Status::crl_invalid, 0);
}

TEST_F(Usual, CrlThatNeverEndsOrIsFromTheFuture) {
  expect_only(judge(issuing.issue({}), {root.crl(), issuing.crl({.next = std::nullopt})}, {}),
              Status::crl_invalid, 0);
  expect_only(judge(issuing.issue({}), {root.crl(), issuing.crl({.from = noon() + day})}, {}),
              Status::crl_invalid, 0);
}

TEST_F(Usual, CrlOverSha1IsTooWeak) {
  EXPECT_EQ(statuses(judge(issuing.issue({}), {root.crl(), issuing.crl({.hash = EVP_sha1()})}, {})),
            std::vector{Status::weak_signature});
}

TEST_F(Usual, RevocationOffSaysUnchecked) {
  const Verdict verdict = judge(issuing.issue({}), std::vector<Bytes>{}, {.revocation = Revocation::off});
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.revocation, "unchecked");
}

TEST_F(Usual, ExtendedKeyUsageMustFit) {
  const auto leaf = [&](const std::string& usage) { return issuing.issue({.extended_key_usage = usage}); };
  expect_only(judge(leaf("serverAuth")), Status::wrong_extended_key_usage, 0);
  expect_only(judge(leaf("")), Status::wrong_extended_key_usage, 0);
  expect_only(judge(leaf("anyExtendedKeyUsage")), Status::wrong_extended_key_usage, 0);
  EXPECT_TRUE(judge(leaf("clientAuth")).valid);
  EXPECT_TRUE(judge(leaf("msSmartcardLogin")).valid);
  EXPECT_TRUE(judge(leaf("serverAuth"), {.purpose = Purpose::server}).valid);
  EXPECT_TRUE(judge(leaf(""), {.purpose = Purpose::client}).valid);
  EXPECT_TRUE(judge(leaf("emailProtection"), {.purpose = Purpose::any}).valid);
}

TEST_F(Usual, ConfiguredExtendedKeyUsages) {
  const Bytes leaf = issuing.issue({.extended_key_usage = "1.2.3.4.5,clientAuth"});
  EXPECT_TRUE(judge(leaf, {.extended_key_usages = {"1.2.3.4.5"}}).valid);
  EXPECT_TRUE(judge(leaf, {.extended_key_usages = {"smartcardLogon", "clientAuth"}}).valid);
  expect_only(judge(leaf, {.extended_key_usages = {"smartcardLogon"}}), Status::wrong_extended_key_usage, 0);
  expect_only(judge(leaf, {.extended_key_usages = {"clientauth"}}), Status::internal, 0);
  EXPECT_EQ(check_rules({.extended_key_usages = {"clientauth"}}).error().code, Errc::invalid_argument);
}

TEST_F(Usual, IssuerForOtherUsagesOnly) {
  const Ca web = root.sub({.subject = "/CN=Web CA", .more = {{"extendedKeyUsage", "serverAuth"}}});
  const Verdict verdict =
      validate(authorities({root.der()}, {web.der()}, {root.crl(), web.crl()}), web.issue({}), {}, noon());
  expect_only(verdict, Status::wrong_extended_key_usage, 1);
}

TEST_F(Usual, KeyUsageMustAllowSignatures) {
  expect_only(judge(issuing.issue({.key_usage = "critical,keyEncipherment"})), Status::wrong_key_usage, 0);
}

TEST_F(Usual, WeakSignaturesAndKeys) {
  EXPECT_EQ(statuses(judge(issuing.issue({.hash = EVP_sha1()}))), std::vector{Status::weak_signature});
  expect_only(judge(issuing.issue({.key = test::new_rsa(1024)})), Status::weak_key, 0);
  expect_only(judge(issuing.issue({.key = test::new_rsa(2048)}), {.floor = {.rsa_bits = 3072}}),
              Status::weak_key, 0);
  expect_only(judge(issuing.issue({.key = test::new_rsa(1024)}), {.floor = {.rsa_bits = 512}}),
              Status::weak_key, 0);
}

TEST_F(Usual, WeakKeyOfAnIssuer) {
  const Ca weak = root.sub({.subject = "/CN=Weak CA", .key = test::new_rsa(1024)});
  const Verdict verdict =
      validate(authorities({root.der()}, {weak.der()}, {root.crl(), weak.crl()}), weak.issue({}), {}, noon());
  EXPECT_FALSE(verdict.valid);
  EXPECT_EQ(verdict.findings.at(0).status, Status::weak_key);
  EXPECT_EQ(verdict.findings.at(0).depth, 1);
}

TEST_F(Usual, IssuerThatIsNoAuthority) {
  const auto under = [&](Issue issue) {
    issue.subject = "/CN=No CA";
    const Ca ca = root.sub(std::move(issue));
    return validate(authorities({root.der()}, {ca.der()}, {root.crl()}), ca.issue({}),
                    {.revocation = Revocation::off}, noon());
  };
  EXPECT_EQ(under({.basic_constraints = "critical,CA:FALSE", .key_usage = "digitalSignature"})
                .findings.at(0)
                .status,
            Status::not_a_ca);
  EXPECT_EQ(under({.key_usage = "critical,cRLSign"}).findings.at(0).status, Status::not_a_ca);
}

TEST_F(Usual, PathLengthIsKept) {
  const Ca upper = root.sub({.subject = "/CN=Upper", .basic_constraints = "critical,CA:TRUE,pathlen:0"});
  const Ca lower = upper.issuing("/CN=Lower");
  const auto all =
      authorities({root.der()}, {upper.der(), lower.der()}, {root.crl(), upper.crl(), lower.crl()});
  const Verdict verdict = validate(all, lower.issue({}), {}, noon());
  EXPECT_EQ(statuses(verdict), std::vector{Status::path_too_long}) << told(verdict);
}

TEST_F(Usual, EndlessPathIsCut) {
  std::vector<Ca> authorities_below{root};
  std::vector<Bytes> intermediates;
  for (int i = 0; i < max_path_length; ++i) {
    authorities_below.push_back(authorities_below.back().issuing("/CN=Level " + std::to_string(i)));
    intermediates.push_back(authorities_below.back().der());
  }
  const Verdict verdict =
      validate(authorities({root.der()}, intermediates, {}), authorities_below.back().issue({}),
               {.revocation = Revocation::off}, noon());
  expect_only(verdict, Status::path_too_long, max_path_length - 1);
}

TEST_F(Usual, NameConstraints) {
  const Ca narrow = root.sub(
      {.subject = "/CN=Narrow", .more = {{"nameConstraints", "critical,permitted;email:example.org"}}});
  const auto all = authorities({root.der()}, {narrow.der()}, {root.crl(), narrow.crl()});
  EXPECT_TRUE(validate(all, narrow.issue({.alternative_names = {"email:jo@example.org"}}), {}, noon()).valid);
  expect_only(validate(all, narrow.issue({.alternative_names = {"email:jo@example.com"}}), {}, noon()),
              Status::name_constraint, 0);
}

TEST_F(Usual, UnknownCriticalExtension) {
  expect_only(judge(issuing.issue({.more = {{"1.2.3.4", "critical,ASN1:NULL"}}})),
              Status::unknown_critical_extension, 0);
}

TEST_F(Usual, PolicyMustBeMet) {
  const Ca issuer =
      root.sub({.subject = "/CN=Policy CA", .more = {{"certificatePolicies", "1.2.3.1,1.2.3.2"}}});
  const auto all = authorities({root.der()}, {issuer.der()}, {root.crl(), issuer.crl()});
  const Bytes leaf = issuer.issue({.more = {{"certificatePolicies", "1.2.3.1"}}});
  const auto under = [&](std::vector<std::string> acceptable, bool explicit_policy) {
    return validate(all, leaf,
                    {.policy = {.acceptable = std::move(acceptable), .require_explicit = explicit_policy}},
                    noon());
  };
  EXPECT_TRUE(under({}, true).valid);
  EXPECT_TRUE(under({"1.2.3.1"}, true).valid);
  expect_only(under({"1.2.3.2"}, true), Status::policy_unmet, 0);
}

TEST_F(Usual, SecondPathIsTakenWhenTheFirstFails) {
  // The issuing CA was certified twice with the same key: once by a root whose CRL is not at hand.
  const Ca other_root = Ca::root("/O=Elsewhere/CN=Other Root");
  const Ca cross = other_root.sub({.subject = "/O=Example Trust/CN=Example Issuing CA",
                                   .key = issuing.key(),
                                   .until = noon() + 350 * day});
  const auto all =
      authorities({root.der(), other_root.der()}, {cross.der(), issuing.der()}, {root.crl(), issuing.crl()});
  const Verdict verdict = validate(all, issuing.issue({}), {}, noon());
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.chain.back(), "CN=Example Root,O=Example Trust");
}

TEST_F(Usual, CrossCertifiedLoopEnds) {
  const Ca a = Ca::root("/CN=A"), b = Ca::root("/CN=B");
  const Ca a_by_b = b.sub({.subject = "/CN=A", .key = a.key()});
  const Ca b_by_a = a.sub({.subject = "/CN=B", .key = b.key()});
  const auto all = authorities({root.der()}, {a_by_b.der(), b_by_a.der()}, {});
  EXPECT_FALSE(validate(all, a.issue({}), {}, noon()).valid);
}

TEST_F(Usual, AnchorBelowARootNeedsNoCrlOfItsOwn) {
  const auto pinned = authorities({issuing.der()}, {}, {issuing.crl()});
  const Verdict verdict = validate(pinned, issuing.issue({}), {}, noon());
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.chain.size(), 2U);
}

TEST_F(Usual, EverythingWrongIsToldWorstFirst) {
  const Bytes leaf = issuing.issue({.until = noon() - day, .extended_key_usage = "serverAuth"});
  const Verdict verdict = judge(leaf, {root.crl(), issuing.crl({.serials = {serial_of(leaf)}})}, {});
  EXPECT_THAT(statuses(verdict),
              ElementsAre(Status::revoked, Status::expired, Status::wrong_extended_key_usage))
      << told(verdict);
}

TEST_F(Usual, BytesThatAreNoCertificate) {
  Bytes trailing = issuing.issue({});
  trailing.push_back(0);
  for (const Bytes& bytes : {Bytes{}, trailing, Bytes(1 << 20, 0x30)}) {
    expect_only(judge(bytes), Status::malformed, 0);
  }
}

TEST_F(Usual, OneFlippedBitAnywhereIsRefused) {
  const Bytes leaf = issuing.issue({});
  const auto all = authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
  ASSERT_TRUE(validate(all, leaf, {}, noon()).valid);
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    Bytes flipped = leaf;
    flipped[i] = static_cast<std::uint8_t>(flipped[i] ^ (1U << (i % 8)));
    EXPECT_FALSE(validate(all, flipped, {}, noon()).valid) << "byte " << i;
  }
}

TEST(Status, EachHasItsNameAndWords) {
  for (int i = 0; i <= static_cast<int>(last_status); ++i) {
    EXPECT_FALSE(name(static_cast<Status>(i)).empty());
    EXPECT_GT(explain(static_cast<Status>(i)).size(), 40U);
  }
}

}  // namespace
}  // namespace cardgate::trust
