// SPDX-License-Identifier: Apache-2.0
// Roots as they were made decades ago, and roots that are none. An anchor gives its name and key (RFC 5280 6.1);
// what makes it unfit is said when it is loaded, never to everybody who has a card.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trust/raw_list.hpp"
#include "tests/trust/told.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {
namespace {

using test::Ca;
using test::day;
using test::Issue;
using test::noon;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct OldRoot {
  std::string what;
  Issue issue;
};
void PrintTo(const OldRoot& old, std::ostream* out) {
  *out << old.what;
}

std::vector<OldRoot> old_roots() {
  return {
      {"without_key_identifier", {.with_key_identifiers = false}},
      {"without_key_usage", {.key_usage = "none"}},
      {"with_basic_constraints_not_critical", {.basic_constraints = "CA:TRUE"}},
      {"with_none_of_these",
       {.basic_constraints = "CA:TRUE", .key_usage = "none", .with_key_identifiers = false}},
      {"with_path_length_but_without_key_usage",
       {.basic_constraints = "CA:TRUE,pathlen:3", .key_usage = "none"}},
      {"without_basic_constraints", {.basic_constraints = "none"}},
      {"of_version_1", {.version_1 = true}},
  };
}

class OldRoots : public ::testing::TestWithParam<OldRoot> {
 protected:
  Ca root = Ca::self_signed(GetParam().issue);
  Ca issuing = root.issuing();
  Authorities all = test::authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
};

TEST_P(OldRoots, VouchForTheCardsBelowThem) {
  for (const Bytes& card : {root.issue({}), issuing.issue({})}) {
    const auto verdict = validate(all, card, {}, noon());
    EXPECT_TRUE(verdict.valid) << told(verdict);
    EXPECT_EQ(verdict.revocation, "good");
  }
  EXPECT_THAT(all.useless(noon()), IsEmpty());
}

TEST_P(OldRoots, StillTakeCardsBack) {
  const Bytes card = root.issue({});
  const auto revoking =
      test::authorities({root.der()}, {}, {root.crl({.serials = {describe(card)->serial}})});
  EXPECT_EQ(validate(revoking, card, {}, noon()).revocation, "revoked");
  const auto without = test::authorities({root.der()}, {}, {});
  EXPECT_EQ(statuses(validate(without, card, {}, noon())), std::vector{Status::crl_missing});
}

TEST_P(OldRoots, AreStillTheOnlyOnesOfTheirKey) {
  Issue forged = GetParam().issue;
  const Ca other = Ca::self_signed(forged);
  EXPECT_FALSE(validate(all, other.issue({}), {}, noon()).valid);
  EXPECT_FALSE(validate(all, other.issue({.with_key_identifiers = false}), {}, noon()).valid);
}

TEST_P(OldRoots, LendTheirLicenceToNoIntermediate) {
  const Ca good = Ca::root("/O=Example Trust/CN=Good Root");
  Issue below = GetParam().issue;
  below.subject = "/O=Example Trust/CN=Odd Authority";
  const Ca odd = good.sub(below);
  const auto below_good = test::authorities({good.der()}, {odd.der()}, {good.crl(), odd.crl()});
  const auto verdict = validate(below_good, odd.issue({}), {}, noon());
  ASSERT_FALSE(verdict.valid);
  EXPECT_THAT(std::string(explain(verdict.findings[0])), Not(HasSubstr("issued anew"))) << told(verdict);
  EXPECT_THAT(below_good.useless(noon()), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Each, OldRoots, ::testing::ValuesIn(old_roots()),
                         [](const auto& one) { return one.param.what; });

TEST(OldRoot, NeedNotBeNamedByWhatItIssued) {
  for (const Issue& form : {Issue{.with_key_identifiers = false}, Issue{.version_1 = true}}) {
    const Ca root = Ca::self_signed(form);
    const auto all = test::authorities({root.der()}, {}, {root.crl({.with_key_identifier = false})});
    const auto verdict = validate(all, root.issue({.with_key_identifiers = false}), {}, noon());
    EXPECT_TRUE(verdict.valid) << told(verdict);
  }
  // Where the anchor has an identifier, what it issued must name it.
  const Ca root = Ca::root();
  const auto all = test::authorities({root.der()}, {}, {root.crl()});
  EXPECT_EQ(statuses(validate(all, root.issue({.with_key_identifiers = false}), {}, noon())),
            std::vector{Status::malformed});
}

TEST(Anchor, ThatIsNoneIsRefusedByNameWhenItIsLoaded) {
  for (const auto& [issue, why] : std::vector<std::pair<Issue, std::string>>{
           {{.basic_constraints = "critical,CA:FALSE", .key_usage = "none"}, "is no certification authority"},
           {{.basic_constraints = "none", .key_usage = "none"}, "neither basic constraints nor key usage"},
           {{.key_usage = "critical,digitalSignature"}, "does not allow it to sign certificates"},
           {{.key_usage = "critical,cRLSign"}, "does not allow it to sign certificates"},
           {{.more = {{"1.2.3.4.5", "critical,DER:0500"}}}, "critical extension that is not understood"},
           {{.more = {{"subjectKeyIdentifier", "critical,hash"}}, .with_key_identifiers = false},
            "not understood"},
           {{.more = {{"nameConstraints", "DER:0500"}}}, "is damaged"},
           {{.more = {{"basicConstraints", "critical,CA:TRUE"}}}, "twice"}}) {
    const auto refused = Authorities::parse({{Ca::self_signed(issue).der()}, {}, {}});
    ASSERT_FALSE(refused) << why;
    EXPECT_THAT(refused.error().context, AllOf(HasSubstr("anchor 1"), HasSubstr("CN=Example Root"),
                                               HasSubstr("cannot be a trust anchor"), HasSubstr(why)));
  }
}

TEST(Anchor, ItsDatesAndConstraintsAreApplied) {
  const auto judge_below = [](const Issue& form) {
    const Ca root = Ca::self_signed(form);
    const Ca issuing = root.issuing();
    const auto all = test::authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
    return statuses(
        validate(all, issuing.issue({.alternative_names = {"email:jo@example.org"}}), {}, noon()));
  };
  EXPECT_EQ(judge_below({.until = noon() - day}), std::vector{Status::expired});
  EXPECT_EQ(judge_below({.from = noon() + day}), std::vector{Status::not_yet_valid});
  EXPECT_EQ(judge_below({.basic_constraints = "critical,CA:TRUE,pathlen:0"}),
            std::vector{Status::path_too_long});
  EXPECT_EQ(judge_below({.more = {{"nameConstraints", "critical,permitted;email:example.com"}}}),
            std::vector{Status::name_constraint});
}

TEST(Anchor, ThatIsOverIsNamedAndItsCardsAreNotAtFault) {
  const Ca over = Ca::self_signed({.until = noon() - day});
  const Ca soon = Ca::self_signed({.subject = "/O=Example Trust/CN=Next Root", .from = noon() + day});
  const Ca weak = Ca::self_signed({.subject = "/O=Example Trust/CN=Weak Root", .key = test::new_rsa(1024)});
  const auto all =
      test::authorities({over.der(), soon.der(), weak.der()}, {}, {over.crl(), soon.crl(), weak.crl()});
  const auto useless = all.useless(noon());
  ASSERT_THAT(useless, SizeIs(3));
  EXPECT_THAT(useless[0],
              AllOf(HasSubstr("anchor 1"), HasSubstr("CN=Example Root"), HasSubstr("ended at 2026-05-31")));
  EXPECT_THAT(useless[1], AllOf(HasSubstr("anchor 2"), HasSubstr("not valid before")));
  EXPECT_THAT(useless[2], AllOf(HasSubstr("anchor 3"), HasSubstr("1024 bits")));
  for (const Ca* root : {&over, &soon, &weak}) {
    const auto verdict = validate(all, root->issue({}), {}, noon());
    ASSERT_THAT(verdict.findings, SizeIs(1)) << told(verdict);
    const std::string said(explain(verdict.findings[0]));
    EXPECT_THAT(said, AllOf(HasSubstr("authority above this card"), HasSubstr("administrator"))) << said;
    EXPECT_THAT(said, Not(HasSubstr("issued anew"))) << said;
  }
  EXPECT_THAT(all.useless(noon() - 2 * day), SizeIs(2));
}

struct LastSecond : ::testing::Test {
  Ca root = Ca::root();
  Bytes card = root.issue({.until = noon()});
  Verdict at(WallTime when) const {
    return validate(test::authorities({root.der()}, {}, {root.crl()}), card, {}, when);
  }
};

TEST_F(LastSecond, OfACertificateStillCounts) {
  EXPECT_TRUE(at(noon() - milliseconds(1)).valid);
  EXPECT_TRUE(at(noon()).valid) << told(at(noon()));
  EXPECT_TRUE(at(noon() + milliseconds(999)).valid);
  EXPECT_EQ(statuses(at(noon() + seconds(1))), std::vector{Status::expired});
  EXPECT_EQ(at(noon()).good_until, noon());
}

TEST_F(LastSecond, AndTheFirstOneDoesToo) {
  card = root.issue({.from = noon(), .until = noon() + day});
  EXPECT_TRUE(at(noon()).valid);
  EXPECT_EQ(statuses(at(noon() - milliseconds(1))), std::vector{Status::not_yet_valid});
}

TEST_F(LastSecond, OfAnAuthorityStillCounts) {
  const Ca over = Ca::self_signed({.until = noon()});
  const Ca issuing = over.sub({.subject = "/CN=Example Issuing CA", .until = noon()});
  const auto all = test::authorities({over.der()}, {issuing.der()}, {over.crl(), issuing.crl()});
  const Bytes below = issuing.issue({});
  EXPECT_TRUE(validate(all, below, {}, noon()).valid);
  EXPECT_FALSE(validate(all, below, {}, noon() + seconds(1)).valid);
  EXPECT_THAT(all.useless(noon() + milliseconds(999)), IsEmpty());
  EXPECT_THAT(all.useless(noon() + seconds(1)), SizeIs(2));
}

TEST_F(LastSecond, IsTheSameWithoutAPath) {
  const auto elsewhere = test::authorities({Ca::root("/CN=Elsewhere").der()}, {}, {});
  EXPECT_EQ(statuses(validate(elsewhere, card, {}, noon())), std::vector{Status::incomplete_chain});
  EXPECT_THAT(statuses(validate(elsewhere, card, {}, noon() + seconds(1))), SizeIs(2));
}

TEST(Intermediate, OfAFormThatNobodyMayUseIsNamedWhenItIsLoaded) {
  const Ca root = Ca::root();
  for (const auto& [issue, why] : std::vector<std::pair<Issue, std::string>>{
           {{.with_key_identifiers = false}, "no subject key identifier"},
           {{.key_usage = "none"}, "no key usage"},
           {{.basic_constraints = "CA:TRUE"}, "not critical"},
           {{.basic_constraints = "none"}, "no basic constraints"},
           {{.more = {{"1.2.3.4.5", "critical,DER:0500"}}}, "not understood"}}) {
    Issue odd_issue = issue;
    odd_issue.subject = "/CN=Odd Authority";
    const Ca odd = root.sub(odd_issue);
    const auto all = test::authorities({root.der()}, {odd.der()}, {root.crl(), odd.crl()});
    ASSERT_THAT(all.useless(noon()), SizeIs(1)) << why;
    EXPECT_THAT(all.useless(noon())[0],
                AllOf(HasSubstr("intermediate 1"), HasSubstr("CN=Odd Authority"), HasSubstr(why)));
    const auto verdict = validate(all, odd.issue({}), {}, noon());
    ASSERT_FALSE(verdict.valid) << why;
    EXPECT_THAT(std::string(explain(verdict.findings[0])), Not(HasSubstr("issued anew"))) << told(verdict);
  }
}

}  // namespace
}  // namespace cardgate::trust
