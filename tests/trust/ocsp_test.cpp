// SPDX-License-Identifier: Apache-2.0
// OCSP answers: whose word counts, for how long, and beside a CRL (RFC 6960).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/process.hpp"
#include "tests/trust/test_ca.hpp"
#include "trust/answers.hpp"

namespace cardgate::trust {
namespace {

using std::chrono::hours;
using test::Ca;
using test::day;
using test::noon;
using test::OcspAnswer;
using ::testing::HasSubstr;

std::string told(const Verdict& verdict) {
  std::string text;
  for (const auto& f : verdict.findings) {
    text += std::string{name(f.status)} + " at " + std::to_string(f.depth) + ": " + f.detail + "\n";
  }
  return text;
}

std::vector<Status> statuses(const Verdict& verdict) {
  std::vector<Status> list;
  for (const auto& finding : verdict.findings) list.push_back(finding.status);
  return list;
}

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
