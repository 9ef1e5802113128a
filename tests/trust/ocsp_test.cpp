// SPDX-License-Identifier: Apache-2.0
// OCSP answers: whose word counts, for how long, and beside a CRL (RFC 6960).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process.hpp"
#include "tests/trust/test_ca.hpp"
#include "tests/trust/told.hpp"
#include "trust/answers.hpp"

namespace cardgate::trust {
namespace {

using std::chrono::hours;
using test::Ca;
using test::day;
using test::noon;
using test::OcspAnswer;
using ::testing::HasSubstr;

/// The issuing authority publishes no CRL: only its responder speaks for the leaf.
struct Ocsp : ::testing::Test {
  Ca root = Ca::root();
  Ca issuing = root.issuing();
  Bytes leaf = issuing.issue({});
  Authorities authorities = test::authorities({root.der()}, {issuing.der()}, {root.crl()});

  Verdict with(const Bytes& answer, const Rules& rules = {}, WallTime at = noon()) const {
    Answers answers;
    const auto added = answers.add_ocsp(answer);
    EXPECT_TRUE(added) << added.error().context;
    return validate(authorities, answers, leaf, rules, at);
  }
};

TEST_F(Ocsp, TheIssuersGoodWordStandsForItsCrl) {
  const Verdict verdict = with(issuing.ocsp(leaf));
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.revocation, "good");
  ASSERT_EQ(verdict.proofs.size(), 2U);
  EXPECT_EQ(verdict.proofs[0].by, "ocsp");
  EXPECT_EQ(verdict.proofs[1].by, "crl");
  EXPECT_EQ(verdict.good_until, noon() + hours{4} + seconds{60}) << "nextUpdate, and the skew of its clock";
  EXPECT_LT(verdict.refresh_at, noon() + hours{4});
}

TEST_F(Ocsp, WithoutItNothingSpeaksForTheLeaf) {
  const Verdict verdict = validate(authorities, Answers{}, leaf, {}, noon());
  EXPECT_EQ(statuses(verdict), std::vector{Status::crl_missing}) << told(verdict);
}

TEST_F(Ocsp, RevokedIsRevokedWhateverTheCrlSays) {
  const auto both = test::authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
  Answers answers;
  ASSERT_TRUE(answers.add_ocsp(issuing.ocsp(leaf, {.state = OcspAnswer::State::revoked})));
  const Verdict verdict = validate(both, answers, leaf, {}, noon());
  EXPECT_EQ(statuses(verdict), std::vector{Status::revoked});
  EXPECT_EQ(verdict.revocation, "revoked");
  EXPECT_THAT(told(verdict), HasSubstr("keyCompromise"));
}

TEST_F(Ocsp, OldRevokedIsStillRevoked) {
  const Verdict verdict = with(issuing.ocsp(
      leaf, {.state = OcspAnswer::State::revoked, .from = noon() - 9 * day, .next = noon() - 8 * day}));
  EXPECT_EQ(statuses(verdict).front(), Status::revoked) << told(verdict);
}

TEST_F(Ocsp, UnknownDoesNotStandForACrl) {
  const Verdict verdict = with(issuing.ocsp(leaf, {.state = OcspAnswer::State::unknown}));
  EXPECT_EQ(statuses(verdict), (std::vector{Status::crl_missing, Status::ocsp_unknown}));
}

TEST_F(Ocsp, ACrlCarriesWhatTheResponderDoesNotKnow) {
  const auto both = test::authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
  Answers answers;
  ASSERT_TRUE(answers.add_ocsp(issuing.ocsp(leaf, {.state = OcspAnswer::State::unknown})));
  EXPECT_TRUE(validate(both, answers, leaf, {}, noon()).valid);
}

TEST_F(Ocsp, AnOldAnswerIsTakenWithinTheDelayAllowed) {
  const Bytes old = issuing.ocsp(leaf, {.from = noon() - 2 * day, .next = noon() - hours{5}});
  const Verdict refused = with(old);
  EXPECT_EQ(statuses(refused), (std::vector{Status::crl_missing, Status::ocsp_invalid})) << told(refused);
  const Verdict cached = with(old, {.stale_for = hours{6}});
  EXPECT_TRUE(cached.valid) << told(cached);
  EXPECT_EQ(cached.revocation, "cached");
  EXPECT_EQ(cached.late, hours{5} - seconds{60});
  EXPECT_FALSE(with(old, {.stale_for = hours{4}}).valid);
}

TEST_F(Ocsp, AnAnswerFromTheFutureIsRefused) {
  EXPECT_FALSE(with(issuing.ocsp(leaf, {.from = noon() + seconds{90}})).valid);
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.from = noon() + seconds{30}})).valid) << "clocks differ a little";
}

TEST_F(Ocsp, WithoutNextUpdateItLivesTenMinutes) {
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.from = noon() - seconds{300}, .next = std::nullopt})).valid);
  EXPECT_FALSE(with(issuing.ocsp(leaf, {.from = noon() - hours{1}, .next = std::nullopt})).valid);
}

TEST_F(Ocsp, AResponderOfTheIssuersMaySpeak) {
  const Verdict verdict = with(issuing.ocsp(leaf, {.responder = issuing.responder()}));
  EXPECT_TRUE(verdict.valid) << told(verdict);
}

TEST_F(Ocsp, ACertificateThatIsNotForOcspMayNotSpeak) {
  const Verdict verdict = with(issuing.ocsp(leaf, {.responder = issuing.responder("clientAuth")}));
  EXPECT_FALSE(verdict.valid);
  EXPECT_THAT(told(verdict), HasSubstr("may not answer for"));
}

TEST_F(Ocsp, AResponderOfAnotherAuthorityMayNotSpeak) {
  // The root's responder does not speak for what the issuing authority issued (RFC 6960 4.2.2.2).
  EXPECT_FALSE(with(issuing.ocsp(leaf, {.responder = root.responder()})).valid);
  EXPECT_FALSE(with(issuing.ocsp(leaf, {.responder = Ca::root().issuing().responder()})).valid);
}

TEST_F(Ocsp, AResponderWithoutTheNoCheckMarkNeedsACrl) {
  const auto responder = issuing.responder("OCSPSigning", {});
  const Bytes answer = issuing.ocsp(leaf, {.responder = responder});
  EXPECT_FALSE(with(answer).valid);
  Answers answers;
  ASSERT_TRUE(answers.add_ocsp(answer));
  const auto both = test::authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
  const Verdict verdict = validate(both, answers, leaf, {}, noon());
  EXPECT_EQ(verdict.proofs.at(0).by, "crl") << "which lives longer than the answer";
}

TEST_F(Ocsp, SomebodyElsesSignatureIsNoWord) {
  const Ca forger = Ca::root("/O=Example Trust/CN=Example Issuing CA");
  EXPECT_FALSE(with(forger.ocsp(leaf)).valid);
}

TEST_F(Ocsp, AnAnswerAboutAnotherCertificateIsNoWord) {
  EXPECT_EQ(statuses(with(issuing.ocsp(issuing.issue({})))), std::vector{Status::crl_missing});
}

TEST_F(Ocsp, AWeakSignatureIsNoWord) {
  EXPECT_FALSE(with(issuing.ocsp(leaf, {.hash = EVP_sha1()})).valid);
  EXPECT_FALSE(with(issuing.ocsp(leaf), {.floor = {.hash_bits = 384}}).valid);
}

TEST_F(Ocsp, OneFlippedBitAnywhereIsNoGoodWord) {
  const Bytes good = issuing.ocsp(leaf);
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 3) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    Answers answers;
    if (!answers.add_ocsp(bad)) continue;
    // Bits outside what is signed may change (the outer version of nothing, an enclosed certificate's).
    const Verdict verdict = validate(authorities, answers, leaf, {}, noon());
    if (verdict.valid) {
      EXPECT_EQ(verdict.good_until, noon() + hours{4} + seconds{60}) << bit;
    }
  }
}

constexpr auto good = OcspAnswer::State::good, revoked = OcspAnswer::State::revoked,
               unknown = OcspAnswer::State::unknown;

/// Answers that differ about the same certificate.
struct Several : Ocsp {
  Verdict with_all(const std::vector<Bytes>& all, const Rules& rules = {}) const {
    Answers answers;
    for (const auto& each : all) EXPECT_TRUE(answers.add_ocsp(each));
    return validate(authorities, answers, leaf, rules, noon());
  }
};

TEST_F(Several, OfSeveralWordsInOneAnswerTheWorstCounts) {
  for (const auto bad : {revoked, unknown}) {
    const OcspAnswer good_first{.state = good, .behind = {{.state = bad}}};
    const OcspAnswer bad_first{.state = bad, .behind = {{.state = good}}};
    for (const auto& answer : {good_first, bad_first}) {
      const Verdict verdict = with(issuing.ocsp(leaf, answer));
      EXPECT_FALSE(verdict.valid) << told(verdict);
      EXPECT_EQ(statuses(verdict).back(), bad == revoked ? Status::crl_missing : Status::ocsp_unknown);
      EXPECT_EQ(verdict.revocation, bad == revoked ? "revoked" : "unchecked");
    }
  }
}

TEST_F(Several, ByWhateverHashTheCertificateIsNamed) {
  for (const EVP_MD* other : {EVP_sha256(), EVP_sha384(), EVP_sha512()}) {
    EXPECT_TRUE(with(issuing.ocsp(leaf, {.id_hash = other})).valid);
    for (const auto& answer : {OcspAnswer{.state = good, .behind = {{.state = revoked, .id_hash = other}}},
                               OcspAnswer{.state = revoked, .behind = {{.state = good, .id_hash = other}}},
                               OcspAnswer{.state = good, .id_hash = other, .behind = {{.state = revoked}}}}) {
      EXPECT_EQ(with(issuing.ocsp(leaf, answer)).revocation, "revoked");
    }
  }
}

TEST_F(Several, OfTwoFilesOfOneSecondTheWorstCounts) {
  const Bytes yes = issuing.ocsp(leaf);
  for (const auto bad : {revoked, unknown}) {
    const Bytes no = issuing.ocsp(leaf, {.state = bad});
    EXPECT_FALSE(with_all({yes, no}).valid);
    EXPECT_FALSE(with_all({no, yes}).valid);
  }
  const Bytes shorter = issuing.ocsp(leaf, {.next = noon() + hours{2}});
  EXPECT_EQ(with_all({yes, shorter}).good_until, noon() + hours{2} + seconds{60});
  EXPECT_EQ(with_all({shorter, yes}).good_until, noon() + hours{2} + seconds{60});
}

TEST_F(Several, AnOverdueWordDoesNotStandInTheWayOfAFreshOne) {
  const OcspAnswer::Word overdue{.from = noon() - 3 * day, .next = noon() - 2 * day};
  const OcspAnswer::Word long_unknown{.state = unknown, .from = noon() - 3 * day, .next = noon() - 2 * day};
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.before = {overdue}})).valid);
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.before = {long_unknown}})).valid);
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.behind = {overdue}})).valid);
}

TEST_F(Several, AnOverdueRevocationStandsBesideAFreshGoodWord) {
  const OcspAnswer::Word overdue{.state = revoked, .from = noon() - 3 * day, .next = noon() - 2 * day};
  EXPECT_EQ(with(issuing.ocsp(leaf, {.before = {overdue}})).revocation, "revoked");
  EXPECT_EQ(with(issuing.ocsp(leaf, {.behind = {overdue}})).revocation, "revoked");
  const Bytes old =
      issuing.ocsp(leaf, {.state = revoked, .from = noon() - 3 * day, .next = noon() - 2 * day});
  EXPECT_EQ(with_all({old, issuing.ocsp(leaf)}).revocation, "revoked");
  EXPECT_EQ(with_all({issuing.ocsp(leaf), old}).revocation, "revoked");
}

TEST_F(Several, OnlyAHoldIsLiftedByALaterAnswer) {
  const auto on_hold = [&](WallTime from) {
    return issuing.ocsp(leaf,
                        {.state = revoked, .from = from, .reason = OCSP_REVOKED_STATUS_CERTIFICATEHOLD});
  };
  const Bytes yes = issuing.ocsp(leaf);
  EXPECT_TRUE(with_all({on_hold(noon() - hours{2}), yes}).valid);
  EXPECT_TRUE(with_all({yes, on_hold(noon() - hours{2})}).valid);
  EXPECT_FALSE(with_all({yes, on_hold(noon() - hours{1})}).valid) << "of the same second";
  EXPECT_FALSE(with_all({yes, on_hold(noon() - seconds{60})}).valid);
}

TEST_F(Several, AnOverdueRevocationOutlivesItsRespondersCertificate) {
  const auto brief = issuing.responder();
  const test::ResponderKey responder{issuing.issue({.subject = "/O=Example Trust/CN=Example Responder",
                                                    .key = brief.key,
                                                    .from = noon() - 9 * day,
                                                    .until = noon() - 2 * day,
                                                    .extended_key_usage = "OCSPSigning",
                                                    .more = {{"noCheck", "ignored"}}}),
                                     brief.key};
  const WallTime then = noon() - 4 * day;
  const Bytes old =
      issuing.ocsp(leaf, {.state = revoked, .from = then, .next = then + hours{4}, .responder = responder});
  EXPECT_EQ(with_all({old, issuing.ocsp(leaf)}).revocation, "revoked");
  EXPECT_FALSE(with_all({issuing.ocsp(leaf, {.responder = responder})}).valid);
}

TEST_F(Several, WhatIsNotUnderstoodSaysNothingGood) {
  const std::string not_heard_of = "1.2.3.4.5";
  const std::vector<std::pair<std::string, OcspAnswer>> odd{
      {"version 2", {.version = std::uint8_t{1}}},
      {"version 100", {.version = std::uint8_t{99}}},
      {"a negative version", {.version = std::uint8_t{0xff}}},
      {"an unknown critical extension", {.extension = not_heard_of, .critical = true}},
      {"an unknown critical extension of the word",
       {.state = unknown,
        .from = noon() - 3 * day,
        .next = noon() - 2 * day,
        .behind = {{.extension = not_heard_of, .critical = true}}}},
      {"made in the future", {.produced = noon() + hours{1}}},
      {"of the future", {.from = noon() + hours{1}}},
      {"an end before the beginning", {.next = noon() - hours{2}}},
  };
  for (auto [what, answer] : odd) {
    const Verdict verdict = with(issuing.ocsp(leaf, answer));
    EXPECT_EQ(statuses(verdict), (std::vector{Status::crl_missing, Status::ocsp_invalid}))
        << what << told(verdict);
    EXPECT_TRUE(with_all({issuing.ocsp(leaf, answer), issuing.ocsp(leaf)}).valid)
        << what << ": a good one beside it";
    answer.state = revoked;
    EXPECT_EQ(with_all({issuing.ocsp(leaf, answer), issuing.ocsp(leaf)}).revocation, "revoked")
        << what << ": but revoked stays revoked";
  }
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.version = std::uint8_t{0}})).valid) << "version 1, written out";
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.extension = not_heard_of})).valid) << "not critical";
  EXPECT_TRUE(with(issuing.ocsp(leaf, {.produced = noon() + seconds{30}})).valid) << "clocks differ a little";
}

TEST_F(Several, SomebodyElsesRevocationIsNoWord) {
  const Ca forger = Ca::root("/O=Example Trust/CN=Example Issuing CA");
  const Bytes forged = forger.ocsp(leaf, {.state = revoked});
  EXPECT_TRUE(with_all({forged, issuing.ocsp(leaf)}).valid);
  EXPECT_TRUE(with_all({issuing.ocsp(leaf), forged}).valid);
}

/// With AIA and CRL distribution points in the certificates.
struct Asking : Ocsp {
  FetchRules fetch{.hosts = {"ocsp.example.org", "crl.example.org:8080"}};
  Answers answers;

  Bytes issue(const std::vector<test::Extension>& more) const { return issuing.issue({.more = more}); }
  Bytes pointing() const {
    return issue({{"authorityInfoAccess", "OCSP;URI:http://ocsp.example.org/a"},
                  {"crlDistributionPoints", "URI:http://crl.example.org:8080/issuing.crl"}});
  }
  std::vector<Question> ask(const Bytes& of, bool anew = false) const {
    return questions(authorities, answers, of, {}, fetch, noon(), anew);
  }
  Result<void> take(const Question& question, Bytes answer, WallTime at = noon()) {
    return answers.take(question, std::move(answer), authorities, {}, fetch, at);
  }
};

TEST_F(Asking, OcspFirstThenTheCrl) {
  leaf = pointing();
  const auto asked = ask(leaf);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].kind, Question::Kind::ocsp);
  EXPECT_EQ(asked[0].url, "http://ocsp.example.org/a");
  EXPECT_EQ(asked[1].url, "http://crl.example.org:8080/issuing.crl");
}

TEST_F(Asking, NothingOffTheConfiguredHostsAndNoOtherScheme) {
  for (const char* url : {"http://evil.example/", "http://ocsp.example.org:81/", "http://crl.example.org/",
                          "https://ocsp.example.org/", "file:///etc/passwd", "ldap://ocsp.example.org/cn=x",
                          "http://user@ocsp.example.org/", "http://ocsp.example.org@evil.example/"}) {
    const std::string aia = std::string{"OCSP;URI:"} + url;
    const std::string points = std::string{"URI:"} + url;
    EXPECT_TRUE(ask(issue({{"authorityInfoAccess", aia}, {"crlDistributionPoints", points}})).empty()) << url;
  }
}

TEST_F(Asking, AConfiguredResponderComesInThePlaceOfTheCertificates) {
  fetch.responders = {{"CN=Example Issuing CA,O=Example Trust", "http://ocsp.example.org/configured"}};
  ASSERT_TRUE(check_fetch_rules(fetch));
  const auto asked = ask(pointing());
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].url, "http://ocsp.example.org/configured");
  fetch.responders[0].url = "http://elsewhere.example/";
  EXPECT_FALSE(check_fetch_rules(fetch));
}

TEST_F(Asking, NobodyAsksForAForgedOrExpiredCertificate) {
  const std::vector<test::Extension> aia{{"authorityInfoAccess", "OCSP;URI:http://ocsp.example.org/a"}};
  EXPECT_TRUE(ask(issuing.issue({.until = noon() - day, .more = aia})).empty());
  EXPECT_TRUE(ask(Ca::root("/O=Example Trust/CN=Example Issuing CA").issue({.more = aia})).empty());
}

TEST_F(Asking, AGoodAnswerIsHeldAndNotAskedForAgainUntilItIsDue) {
  leaf = pointing();
  const auto asked = ask(leaf);
  const auto taken = take(asked[0], issuing.ocsp(leaf, {.request = asked[0].body}));
  ASSERT_TRUE(taken) << taken.error().context;
  EXPECT_TRUE(validate(authorities, answers, leaf, {}, noon()).valid);
  EXPECT_TRUE(ask(leaf).empty());
  EXPECT_EQ(ask(leaf, true).size(), 2U) << "when it is asked anew";
  EXPECT_EQ(questions(authorities, answers, leaf, {}, fetch, noon() + hours{3}).size(), 2U) << "when due";
}

TEST_F(Asking, AnAnswerWithoutOurNonceIsRefusedUnlessAllowed) {
  leaf = pointing();
  const auto asked = ask(leaf);
  EXPECT_FALSE(take(asked[0], issuing.ocsp(leaf)));
  const auto other = ask(leaf);
  const auto replayed = take(asked[0], issuing.ocsp(leaf, {.request = other[0].body}));
  ASSERT_FALSE(replayed);
  EXPECT_THAT(replayed.error().context, HasSubstr("another nonce"));
  fetch.nonce_required = false;
  EXPECT_TRUE(take(asked[0], issuing.ocsp(leaf)));
  EXPECT_FALSE(take(asked[0], issuing.ocsp(leaf, {.request = other[0].body})));
}

TEST_F(Asking, AnOlderAnswerDoesNotPutANewerOneAside) {
  leaf = pointing();
  fetch.nonce_required = false;
  const auto asked = ask(leaf);
  ASSERT_TRUE(take(asked[0], issuing.ocsp(leaf, {.state = OcspAnswer::State::revoked})));
  EXPECT_FALSE(take(asked[0], issuing.ocsp(leaf, {.from = noon() - hours{2}})));
  EXPECT_EQ(validate(authorities, answers, leaf, {}, noon()).revocation, "revoked");
}

TEST_F(Asking, AnAnswerThatIsNotGoodIsNotHeld) {
  leaf = pointing();
  fetch.nonce_required = false;
  const auto asked = ask(leaf);
  EXPECT_FALSE(take(asked[0], issuing.ocsp(leaf, {.from = noon() - 2 * day, .next = noon() - day})));
  EXPECT_FALSE(take(asked[0], Ca::root("/O=Example Trust/CN=Example Issuing CA").ocsp(leaf)));
  EXPECT_FALSE(take(asked[0], issuing.ocsp(issuing.issue({}))));
  EXPECT_FALSE(take(asked[0], Bytes{0x30, 0x03, 0x0a, 0x01, 0x03})) << "tryLater";
  EXPECT_FALSE(take(asked[0], Bytes(100'000, 0x30)));
  EXPECT_FALSE(take(asked[1], root.crl())) << "somebody else's CRL";
  EXPECT_FALSE(take(asked[1], issuing.crl({.signed_by = test::new_p256()})));
  EXPECT_FALSE(take(asked[1], issuing.crl({.next = noon() - day, .from = noon() - 2 * day})));
  // An indirect list may be signed by another, but not by anybody.
  EXPECT_FALSE(take(asked[1], Ca::root("/CN=Nobody Known").crl({.indirect = true})));
  EXPECT_FALSE(take(asked[1], issuing.crl({.signed_by = test::new_p256(), .indirect = true})));
  EXPECT_EQ(answers.size(), 0U);
}

TEST_F(Asking, AFetchedCrlCountsLikeAFile) {
  leaf = pointing();
  const auto asked = ask(leaf);
  ASSERT_TRUE(take(asked[1], issuing.crl()));
  const Verdict verdict = validate(authorities, answers, leaf, {}, noon());
  EXPECT_TRUE(verdict.valid) << told(verdict);
  EXPECT_EQ(verdict.proofs.at(0).by, "crl");
}

TEST_F(Asking, AnIndirectCrlOfAKnownAuthorityIsHeld) {
  leaf = pointing();
  const auto asked = ask(leaf);
  const auto taken = take(asked[1], root.crl({.indirect = true}));
  EXPECT_TRUE(taken) << taken.error().context;
  // Which does not make it speak for a certificate that names no CRL issuer.
  EXPECT_FALSE(validate(authorities, answers, leaf, {}, noon()).valid);
}

TEST_F(Asking, WhatIsHeldOutlivesTheProcess) {
  const cardgate::testing::TempDir dir;
  std::vector<std::string> problems;
  leaf = pointing();
  fetch.nonce_required = false;
  {
    const auto kept = Answers::open(dir.path(), problems);
    ASSERT_TRUE(kept) << kept.error().context;
    const auto asked = ask(leaf);
    ASSERT_TRUE((*kept)->take(asked[0], issuing.ocsp(leaf), authorities, {}, fetch, noon()));
    ASSERT_TRUE((*kept)->take(asked[1], issuing.crl(), authorities, {}, fetch, noon()));
  }
  ASSERT_TRUE(write_file_atomic(dir / "damaged.ocsp", as_bytes("not an answer"), 0600));
  const auto again = Answers::open(dir.path(), problems);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->size(), 2U);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0], HasSubstr("damaged.ocsp"));
  EXPECT_TRUE(validate(authorities, **again, leaf, {}, noon()).valid);
  (*again)->prune(noon() + 90 * day);
  EXPECT_EQ((*again)->size(), 0U);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace cardgate::trust
