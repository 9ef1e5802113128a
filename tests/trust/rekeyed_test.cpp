// SPDX-License-Identifier: Apache-2.0
// An authority that was given a new key under its old name, and lists that only bear a name: a list counts
// when the issuer of the certificate on this path signed it (RFC 5280 6.3.3), whatever lies beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trust/raw_list.hpp"
#include "tests/trust/told.hpp"
#include "trust/answers.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {
namespace {

using std::chrono::hours;
using test::Ca;
using test::day;
using test::element;
using test::noon;
using test::RevocationList;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string serial_of(const Bytes& certificate) {
  return describe(certificate).value().serial;
}

/// The root certified two keys of one name; both have cards out.
struct Rekeyed : ::testing::Test {
  Ca root = Ca::root();
  Ca old_key = root.issuing(), new_key = root.issuing();
  Bytes old_card = old_key.issue({}), new_card = new_key.issue({});

  Authorities with(std::vector<Bytes> lists) const {
    lists.push_back(root.crl());
    return test::authorities({root.der()}, {old_key.der(), new_key.der()}, std::move(lists));
  }
  /// In both orders.
  std::vector<Verdict> judge(const Bytes& card, const std::vector<Bytes>& lists) const {
    return {validate(with(lists), card, {}, noon()),
            validate(with({lists.rbegin(), lists.rend()}), card, {}, noon())};
  }
  void expect_good(const Bytes& card, const std::vector<Bytes>& lists) const {
    for (const auto& verdict : judge(card, lists)) EXPECT_TRUE(verdict.valid) << told(verdict);
  }
  void expect_revoked(const Bytes& card, const std::vector<Bytes>& lists) const {
    for (const auto& verdict : judge(card, lists)) {
      EXPECT_FALSE(verdict.valid);
      EXPECT_EQ(verdict.revocation, "revoked") << told(verdict);
    }
  }
  void expect_refused(const Bytes& card, const std::vector<Bytes>& lists, Status status) const {
    for (const auto& verdict : judge(card, lists)) {
      EXPECT_EQ(statuses(verdict), std::vector{status}) << told(verdict);
    }
  }
  RevocationList naming(const Bytes& card) const { return {.serials = {serial_of(card)}}; }
  RevocationList overdue(const Bytes& card) const {
    return {.serials = {serial_of(card)}, .next = noon() - 2 * day, .from = noon() - 20 * day};
  }
};

TEST_F(Rekeyed, WhoTheOldKeysOverdueListNamesIsRevoked) {
  expect_revoked(old_card, {old_key.crl(overdue(old_card)), new_key.crl()});
}

TEST_F(Rekeyed, WhoTheOldKeysListOfTomorrowNamesIsRevoked) {
  const RevocationList of_tomorrow{
      .serials = {serial_of(old_card)}, .next = noon() + 9 * day, .from = noon() + day};
  expect_revoked(old_card, {old_key.crl(of_tomorrow), new_key.crl()});
}

TEST_F(Rekeyed, WithoutTheOldKeysListNothingSpeaksForItsCards) {
  expect_refused(old_card, {new_key.crl()}, Status::crl_missing);
}

TEST_F(Rekeyed, TheOldKeysOverdueListSpeaksForNobodyEither) {
  expect_refused(old_card,
                 {old_key.crl({.next = noon() - 2 * day, .from = noon() - 20 * day}), new_key.crl()},
                 Status::crl_stale);
}

TEST_F(Rekeyed, EachKeysListSpeaksForItsOwnCards) {
  const std::vector<Bytes> both{old_key.crl({.from = noon() - 3 * day}), new_key.crl()};
  expect_good(old_card, both);
  expect_good(new_card, both);
  expect_good(new_card, {old_key.crl(overdue(old_card)), new_key.crl()});
  // A number that the other key gave to somebody else.
  expect_good(new_card, {old_key.crl(naming(new_card)), new_key.crl()});
}

TEST_F(Rekeyed, ListsWithoutKeyIdentifiersAreToldApartByTheirSignatures) {
  const auto bare = [](const Ca& ca, WallTime from) {
    return ca.crl({.from = from, .number = std::nullopt, .with_key_identifier = false});
  };
  // The old key signed its last list after the new key's first.
  const std::vector<Bytes> lists{bare(old_key, noon() - day), bare(new_key, noon() - 5 * day)};
  expect_good(new_card, lists);
  expect_good(old_card, lists);
  const std::vector<Bytes> others{bare(old_key, noon() - 5 * day), bare(new_key, noon() - day)};
  expect_good(new_card, others);
  expect_good(old_card, others);
}

TEST_F(Rekeyed, AHoldOfTheOldKeyIsNotLiftedByTheNewOne) {
  const RevocationList hold{
      .serials = {serial_of(old_card)}, .from = noon() - 5 * day, .reason = "certificateHold"};
  const RevocationList lifts{
      .serials = {serial_of(old_card)}, .number = 8, .base = 7, .reason = "removeFromCRL"};
  expect_revoked(old_card, {old_key.crl(hold), new_key.crl({.number = 8})});
  expect_revoked(old_card, {old_key.crl(hold), new_key.crl(lifts)});
  expect_good(old_card, {old_key.crl(hold), old_key.crl({.number = 8}), new_key.crl()});
  expect_good(old_card, {old_key.crl(hold), old_key.crl(lifts), new_key.crl()});
}

TEST_F(Rekeyed, BaseAndDeltaOfDifferentKeysDoNotBelongTogether) {
  const RevocationList delta{
      .serials = {serial_of(new_card)}, .from = noon() - hours{1}, .number = 8, .base = 7};
  expect_good(old_card, {old_key.crl(), new_key.crl(delta)});
  expect_refused(new_card, {old_key.crl(), new_key.crl({.number = 8, .base = 7})}, Status::crl_missing);
  expect_revoked(new_card, {new_key.crl(), new_key.crl(delta), old_key.crl()});
}

TEST_F(Rekeyed, PartsOfAListAreOfOneKeyToo) {
  const auto card_of = [](const Ca& ca, const std::string& part) {
    return ca.issue({.more = {{"crlDistributionPoints", "URI:http://crl.example.org/" + part}}});
  };
  const auto part_of = [](const std::string& part) {
    return "critical,fullname:URI:http://crl.example.org/" + part;
  };
  const Bytes card = card_of(old_key, "1");
  RevocationList revoking = overdue(card);
  revoking.scope = part_of("1");
  const Bytes fresh = new_key.crl({.scope = part_of("1")});
  const Bytes other_part = old_key.crl({.scope = part_of("2")});
  expect_revoked(card, {old_key.crl(revoking), fresh, other_part});
  expect_good(card, {old_key.crl({.scope = part_of("1")}), fresh, other_part});
  for (const auto& verdict : judge(card, {fresh, other_part})) EXPECT_FALSE(verdict.valid) << told(verdict);
  // A hold in one part is not lifted by another part.
  RevocationList hold = naming(card);
  hold.scope = part_of("1");
  hold.reason = "certificateHold";
  hold.from = noon() - 2 * day;
  expect_revoked(card, {old_key.crl(hold), old_key.crl({.scope = part_of("2"), .number = 8})});
  expect_good(card, {old_key.crl(hold), old_key.crl({.scope = part_of("1"), .number = 8})});
}

TEST_F(Rekeyed, AnIndirectListOfTheOtherKeyIsNoListOfTheIssuer) {
  expect_refused(old_card, {new_key.crl({.indirect = true})}, Status::crl_missing);
  expect_revoked(old_card, {old_key.crl(overdue(old_card)), new_key.crl({.indirect = true})});
  expect_good(old_card, {old_key.crl({.indirect = true}), new_key.crl({.indirect = true})});
}

/// Who signs lists for others was given a new key as well.
struct IndirectRekeyed : Rekeyed {
  static constexpr const char* name = "/O=Example Trust/CN=Example List Signer";
  Ca old_signer = root.issuing(name), new_signer = root.issuing(name);
  Bytes card = old_key.issue({.more = {{"crlDistributionPoints", "DER:" + to_hex(points())}}});

  Bytes points() const {
    const auto attribute = [](std::uint8_t arc, std::string_view text) {
      const Bytes id{0x06, 0x03, 0x55, 0x04, arc};
      return element(0x31, {element(0x30, {id, element(0x0c, {as_bytes(text)})})});
    };
    const Bytes signer =
        element(0x30, {attribute(0x0a, "Example Trust"), attribute(0x03, "Example List Signer")});
    return element(0x30, {element(0x30, {element(0xa2, {element(0xa4, {signer})})})});
  }
  RevocationList of_others(std::vector<std::string> serials = {}) const {
    return {.serials = std::move(serials),
            .indirect = true,
            .certificate_issuer = "/O=Example Trust/CN=Example Issuing CA"};
  }
  std::vector<Verdict> judge_card(std::vector<Bytes> lists) const {
    lists.push_back(root.crl());
    const std::vector<Bytes> between{old_key.der(), new_key.der(), old_signer.der(), new_signer.der()};
    std::vector<Verdict> verdicts;
    for (int i = 0; i < 2; ++i) {
      verdicts.push_back(validate(test::authorities({root.der()}, between, lists), card, {}, noon()));
      std::ranges::reverse(lists);
    }
    return verdicts;
  }
};

TEST_F(IndirectRekeyed, WhomEitherKeyNamesIsRevoked) {
  RevocationList revoking = of_others({serial_of(card)});
  for (const auto& verdict : judge_card({old_signer.crl(of_others()), new_signer.crl(of_others())})) {
    EXPECT_TRUE(verdict.valid) << told(verdict);
  }
  revoking.next = noon() - day;
  revoking.from = noon() - 9 * day;
  for (const auto& verdict : judge_card({old_signer.crl(revoking), new_signer.crl(of_others())})) {
    EXPECT_EQ(verdict.revocation, "revoked") << told(verdict);
  }
}

TEST_F(IndirectRekeyed, AForgedIndirectListChangesNothing) {
  const Ca forger = Ca::root(name);
  for (const auto& verdict :
       judge_card({new_signer.crl(of_others()), forger.crl(of_others({serial_of(card)}))})) {
    EXPECT_TRUE(verdict.valid) << told(verdict);
  }
  for (const auto& verdict : judge_card({forger.crl(of_others())})) EXPECT_FALSE(verdict.valid);
}

TEST_F(IndirectRekeyed, AListSignerThatIsRevokedSpeaksForNobody) {
  RevocationList revokes_signer{
      .serials = {serial_of(new_signer.der())}, .next = noon() - day, .from = noon() - 9 * day};
  for (const auto& verdict : judge_card({new_signer.crl(of_others()), root.crl(revokes_signer)})) {
    EXPECT_FALSE(verdict.valid) << told(verdict);
  }
}

TEST_F(Rekeyed, AForgedListBesideAGoodOneIsNamedAndChangesNothing) {
  const Ca forger = Ca::root("/O=Example Trust/CN=Example Issuing CA");
  for (const Bytes& forged :
       {forger.crl(naming(old_card)), forger.crl({.from = noon() - hours{1}, .number = 99}),
        forger.crl({.number = 8, .base = 7}),
        // It claims the right key.
        old_key.crl({.serials = {serial_of(old_card)}, .signed_by = forger.key(), .number = 99})}) {
    expect_good(old_card, {old_key.crl(), forged});
    const auto all = with({old_key.crl(), forged});
    ASSERT_THAT(all.passed_over(), SizeIs(1));
    EXPECT_THAT(all.passed_over()[0], HasSubstr("CRL 2"));
    EXPECT_THAT(all.passed_over()[0], HasSubstr("or forged"));
    expect_refused(old_card, {forged}, Status::crl_invalid);
  }
}

TEST_F(Rekeyed, AForeignListBesideAGoodOneIsNamedAndChangesNothing) {
  const Bytes foreign = Ca::root("/O=Elsewhere/CN=Other Root").crl(naming(old_card));
  expect_good(old_card, {old_key.crl(), foreign});
  const auto all = with({foreign, old_key.crl()});
  ASSERT_THAT(all.passed_over(), SizeIs(1));
  EXPECT_THAT(all.passed_over()[0], HasSubstr("no certificate of its issuer is configured"));
  EXPECT_THAT(with({old_key.crl(), new_key.crl()}).passed_over(), IsEmpty());
}

TEST_F(Rekeyed, AListLeftOfAKeyThatIsNoLongerConfiguredIsNamedAndChangesNothing) {
  const auto all =
      test::authorities({root.der()}, {new_key.der()}, {root.crl(), new_key.crl(), old_key.crl()});
  EXPECT_TRUE(validate(all, new_card, {}, noon()).valid);
  ASSERT_THAT(all.passed_over(), SizeIs(1));
  EXPECT_THAT(all.passed_over()[0], HasSubstr("CRL 3"));
}

TEST_F(Rekeyed, AListThatNamesAnotherKeyThanSignedItIsPassedOver) {
  // The new key's list, by its identifier, that the old key signed.
  const Bytes crossed = new_key.crl({.from = noon() - hours{1}, .signed_by = old_key.key(), .number = 8});
  expect_good(old_card, {old_key.crl(), crossed});
  expect_good(new_card, {new_key.crl(), crossed});
  expect_refused(old_card, {crossed}, Status::crl_invalid);
  const Bytes revoking =
      new_key.crl({.serials = {serial_of(old_card)}, .signed_by = old_key.key(), .number = 8});
  expect_revoked(old_card, {old_key.crl(), revoking});
}

/// The authority was given a new certificate for the key that it has: under another key identifier, as when the
/// software that makes them changes.
struct Renewed : Rekeyed {
  Ca renewed =
      root.sub({.subject = "/O=Example Trust/CN=Example Issuing CA",
                .key = old_key.key(),
                .from = noon() - 20 * day,
                .until = noon() + 300 * day,
                .more = {{"subjectKeyIdentifier", "DER:04040a0b0c0d"}, {"authorityKeyIdentifier", "keyid"}},
                .with_key_identifiers = false});

  std::vector<Verdict> judge_both(const Bytes& card, const std::vector<Bytes>& lists) const {
    std::vector<Verdict> verdicts;
    const std::vector<std::vector<Bytes>> orders{{old_key.der(), renewed.der()},
                                                 {renewed.der(), old_key.der()}};
    for (const auto& between : orders) {
      auto all = lists;
      all.push_back(root.crl());
      verdicts.push_back(validate(test::authorities({root.der()}, between, all), card, {}, noon()));
    }
    return verdicts;
  }
};

TEST_F(Renewed, AListOfEitherCertificateOfTheOneKeySpeaksForItsCards) {
  const Bytes card_of_renewed = renewed.issue({});
  for (const Bytes& card : {old_card, card_of_renewed}) {
    for (const Ca* names : {&old_key, &renewed}) {
      for (const auto& verdict : judge_both(card, {names->crl()}))
        EXPECT_TRUE(verdict.valid) << told(verdict);
      for (const auto& verdict : judge_both(card, {names->crl(overdue(card))})) {
        EXPECT_EQ(verdict.revocation, "revoked") << told(verdict);
      }
    }
    // One names each certificate: what either says against the card counts.
    for (const auto& verdict : judge_both(card, {old_key.crl(overdue(card)), renewed.crl()}))
      EXPECT_EQ(verdict.revocation, "revoked") << told(verdict);
    for (const auto& verdict : judge_both(card, {old_key.crl(), renewed.crl(naming(card))}))
      EXPECT_EQ(verdict.revocation, "revoked") << told(verdict);
  }
}

TEST_F(Renewed, WithOneOfItsCertificatesGoneTheOtherOnesListIsNamed) {
  const auto all =
      test::authorities({root.der()}, {renewed.der()}, {root.crl(), old_key.crl(naming(old_card))});
  ASSERT_THAT(all.passed_over(), SizeIs(1));
  EXPECT_THAT(all.passed_over()[0], HasSubstr("names another key"));
}

TEST_F(Renewed, AListOfAnotherKeyThatClaimsItsIdentifierIsNone) {
  const Ca forger = Ca::root("/O=Example Trust/CN=Example Issuing CA");
  const Bytes forged =
      renewed.crl({.serials = {serial_of(old_card)}, .signed_by = forger.key(), .number = 99});
  for (const auto& verdict : judge_both(old_card, {old_key.crl(), forged}))
    EXPECT_TRUE(verdict.valid) << told(verdict);
  for (const auto& verdict : judge_both(old_card, {forged})) EXPECT_FALSE(verdict.valid);
}

TEST_F(Rekeyed, AnIssuerThatCertifiedItsNextKeyMayUseItForItsLists) {
  // RFC 4210 4.4: the old key certifies the new one, under the same name.
  const Ca rolled = old_key.sub({.subject = "/O=Example Trust/CN=Example Issuing CA"});
  const auto judge_with = [&](std::vector<Bytes> lists) {
    lists.push_back(root.crl());
    return validate(test::authorities({root.der()}, {old_key.der(), rolled.der()}, std::move(lists)),
                    old_card, {}, noon());
  };
  const Verdict revoked = judge_with({old_key.crl(overdue(old_card)), rolled.crl()});
  EXPECT_EQ(revoked.revocation, "revoked") << told(revoked);
  const Verdict named = judge_with({old_key.crl(), rolled.crl(naming(old_card))});
  EXPECT_EQ(named.revocation, "revoked") << told(named);
}

TEST_F(Rekeyed, FetchedListsAreToldApartAsWell) {
  const Bytes pointing =
      old_key.issue({.more = {{"crlDistributionPoints", "URI:http://crl.example.org/a.crl"}}});
  const auto all = with({old_key.crl(overdue(pointing))});
  const FetchRules fetch{.hosts = {"crl.example.org"}};
  Answers answers;
  const auto asked = questions(all, answers, pointing, {}, fetch, noon(), true);
  // Revoked: nothing that could be fetched would help.
  EXPECT_THAT(asked, IsEmpty());
  const auto fresh = with({});
  const auto wanted = questions(fresh, answers, pointing, {}, fetch, noon());
  ASSERT_THAT(wanted, SizeIs(1));
  ASSERT_TRUE(answers.take(wanted[0], new_key.crl(), fresh, {}, fetch, noon()));
  EXPECT_FALSE(validate(fresh, answers, pointing, {}, noon()).valid);
  EXPECT_EQ(validate(all, answers, pointing, {}, noon()).revocation, "revoked");
  ASSERT_TRUE(answers.take(wanted[0], old_key.crl(), fresh, {}, fetch, noon()));
  EXPECT_TRUE(validate(fresh, answers, pointing, {}, noon()).valid);
  EXPECT_EQ(validate(all, answers, pointing, {}, noon()).revocation, "revoked");
}

TEST_F(Rekeyed, AFetchedListThatIsNotUnderstoodDoesNotTakeAGoodOnesPlace) {
  const Bytes pointing =
      new_key.issue({.more = {{"crlDistributionPoints", "URI:http://crl.example.org/a.crl"}}});
  const auto all = with({});
  const FetchRules fetch{.hosts = {"crl.example.org"}};
  Answers answers;
  const auto wanted = questions(all, answers, pointing, {}, fetch, noon());
  ASSERT_THAT(wanted, SizeIs(1));
  ASSERT_TRUE(answers.take(wanted[0], new_key.crl(), all, {}, fetch, noon()));
  const Bytes odd = test::raw_list(new_key, {.version = Bytes{2}});
  const auto refused = answers.take(wanted[0], odd, all, {}, fetch, noon());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, HasSubstr("version"));
  EXPECT_TRUE(validate(all, answers, pointing, {}, noon()).valid);
}

}  // namespace
}  // namespace cardgate::trust
