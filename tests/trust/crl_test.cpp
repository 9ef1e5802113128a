// SPDX-License-Identifier: Apache-2.0
// CRLs of the right key that say odd things: what is not understood shows nobody to be good, and takes no
// revocation back (RFC 5280 5).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/trust/raw_list.hpp"
#include "tests/trust/told.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {
namespace {

using std::chrono::hours;
using test::Ca;
using test::day;
using test::element;
using test::entry;
using test::extension;
using test::integer;
using test::noon;
using test::raw_list;
using test::RawList;
using test::reason;
using test::RevocationList;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::uint8_t crl_number = 20, reason_code = 21, delta_indicator = 27, scope = 28,
                       issuer_of_entry = 29, key_identifier = 35, freshest = 46, unheard_of = 99;
constexpr std::uint8_t hold = 6, removed = 8;

struct Lists : ::testing::Test {
  Ca root = Ca::root();
  Ca issuing = root.issuing();
  Bytes leaf = issuing.issue({});
  Bytes serial = test::serial_octets(leaf);

  std::string serial_hex() const { return describe(leaf).value().serial; }
  Authorities with(std::vector<Bytes> lists) const {
    lists.push_back(root.crl());
    return test::authorities({root.der()}, {issuing.der()}, std::move(lists));
  }
  Verdict judge(std::vector<Bytes> lists, const Rules& rules = {}) const {
    return validate(with(std::move(lists)), leaf, rules, noon());
  }
  /// In both orders: the order of files decides nothing.
  void expect_revoked(const Bytes& one, const Bytes& other, const std::string& what) const {
    for (const auto& lists : {std::vector{one, other}, std::vector{other, one}}) {
      const Verdict verdict = judge(lists);
      EXPECT_EQ(verdict.revocation, "revoked") << what << "\n" << told(verdict);
      EXPECT_FALSE(verdict.valid) << what;
    }
  }
  void expect_good(const Bytes& one, const Bytes& other, const std::string& what) const {
    for (const auto& lists : {std::vector{one, other}, std::vector{other, one}}) {
      const Verdict verdict = judge(lists);
      EXPECT_TRUE(verdict.valid) << what << "\n" << told(verdict);
    }
  }
};

struct Odd {
  std::string what;
  RawList list;
};

std::vector<Odd> odd_lists() {
  const Bytes number_7 = extension(crl_number, false, integer({7}));
  const Bytes number_8 = extension(crl_number, false, integer({8}));
  const Bytes delta_of_7 = extension(delta_indicator, true, integer({7}));
  const Bytes garbage{0xde, 0xad};
  const Bytes other_serial{0x55};
  const auto cut = [](Bytes whole) {
    whole.pop_back();
    return whole;
  };
  const auto longer = [](Bytes whole) {
    whole.push_back(0);
    return whole;
  };
  const auto extended = [](std::vector<Bytes> extensions) {
    return RawList{.extensions = std::move(extensions)};
  };
  const auto scoped = [&](const Bytes& value) { return extended({number_7, extension(scope, true, value)}); };
  const auto listing = [&](std::initializer_list<Bytes> extensions) {
    return RawList{.entries = {entry(other_serial, extensions)}, .extensions = {number_7}};
  };
  const Bytes true_octet{0xff};
  const Bytes only_users = element(0x81, {true_octet});
  const Bytes only_authorities = element(0x82, {true_octet});
  const Bytes organization =
      element(0x31, {element(0x30, {Bytes{0x06, 0x03, 0x55, 0x04, 0x0a}, Bytes{0x0c, 0x01, 'X'}})});
  const Bytes somebody = element(0x30, {element(0xa4, {element(0x30, {organization})})});
  const Bytes dns_name = element(0x30, {Bytes{0x82, 0x01, 'x'}});

  return {
      {"version 1 written out", {.version = Bytes{0}}},
      {"version 3", {.version = Bytes{2}}},
      {"version 99", {.version = Bytes{98}}},
      {"version -1", {.version = Bytes{0xff}}},
      {"a large version", {.version = Bytes{1, 0, 0, 0, 1, 0, 0, 0, 1}}},
      {"extensions in version 1", {.version = std::nullopt, .extensions = {number_7}}},
      {"an entry's extensions in version 1",
       {.version = std::nullopt, .entries = {entry(other_serial, {reason(1)})}}},

      {"a delta indicator that is no number",
       extended({number_8, extension(delta_indicator, true, garbage)})},
      {"a delta indicator twice", extended({number_8, delta_of_7, delta_of_7})},
      {"a delta indicator with more behind",
       extended({number_8, extension(delta_indicator, true, longer(integer({7})))})},
      {"a delta indicator cut off",
       extended({number_8, extension(delta_indicator, true, cut(integer({7})))})},
      {"an empty delta indicator", extended({number_8, extension(delta_indicator, true, Bytes{})})},
      {"a negative delta indicator", extended({number_8, extension(delta_indicator, true, integer({0xf0}))})},
      {"a delta without a number", extended({delta_of_7})},
      {"a delta older than its base", extended({extension(crl_number, false, integer({6})), delta_of_7})},

      {"a number that is none", extended({extension(crl_number, false, garbage)})},
      {"a number twice", extended({number_7, number_8})},
      {"the same number twice", extended({number_7, number_7})},
      {"a number with more behind", extended({extension(crl_number, false, longer(integer({7})))})},
      {"an empty number", extended({extension(crl_number, false, Bytes{})})},
      {"a negative number", extended({extension(crl_number, false, integer({0x80}))})},
      {"a number of 21 octets",
       extended({extension(crl_number, false, integer({1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                                       12, 13, 14, 15, 16, 17, 18, 19, 20, 21}))})},
      {"a critical number", extended({extension(crl_number, true, integer({7}))})},
      {"a delta with its number twice", extended({number_8, number_8, delta_of_7})},
      {"a delta with a damaged number", extended({extension(crl_number, false, garbage), delta_of_7})},

      {"a scope that is damaged", scoped(garbage)},
      {"a scope cut off", scoped(cut(element(0x30, {only_authorities})))},
      {"a scope with more behind", scoped(longer(element(0x30, {only_authorities})))},
      {"a scope twice", extended({number_7, extension(scope, true, element(0x30, {only_authorities})),
                                  extension(scope, true, element(0x30, {only_authorities}))})},
      {"a scope with an unknown field",
       scoped(element(0x30, {only_authorities, element(0x89, {true_octet})}))},
      {"a scope of users only and of authorities only",
       scoped(element(0x30, {only_users, only_authorities}))},
      {"a scope of no reasons", scoped(element(0x30, {element(0x83, {Bytes{0x00}})}))},
      {"a scope of unknown reasons", scoped(element(0x30, {element(0x83, {Bytes{0x00, 0x80}})}))},
      {"a scope of reasons beyond all", scoped(element(0x30, {element(0x83, {Bytes{0x00, 0x40, 0x01}})}))},
      {"a damaged scope that is not critical", extended({number_7, extension(scope, false, garbage)})},

      {"a key identifier that is damaged", extended({number_7, extension(key_identifier, false, garbage)})},
      {"a key identifier twice", extended({number_7, extension(key_identifier, false, element(0x30, {})),
                                           extension(key_identifier, false, element(0x30, {}))})},
      {"a freshest CRL that is damaged", extended({number_7, extension(freshest, false, garbage)})},
      {"a critical freshest CRL",
       extended({number_7, extension(freshest, true, element(0x30, {element(0x30, {})}))})},
      {"an unknown critical extension", extended({number_7, extension(unheard_of, true, integer({1}))})},
      {"an unknown extension twice", extended({number_7, extension(unheard_of, false, integer({1})),
                                               extension(unheard_of, false, integer({1}))})},

      {"an unknown reason", listing({reason(7)})},
      {"a reason beyond all", listing({reason(200)})},
      {"a reason that is damaged", listing({extension(reason_code, false, garbage)})},
      {"a reason twice", listing({reason(1), reason(hold)})},
      {"a critical reason", listing({extension(reason_code, true, Bytes{0x0a, 0x01, 0x01})})},
      {"an unknown critical extension of an entry", listing({extension(unheard_of, true, integer({1}))})},
      {"a revocation taken back by a whole list", listing({reason(removed)})},
      {"an entry of somebody else's in a list of one's own",
       listing({extension(issuer_of_entry, true, somebody)})},
      {"an entry of an issuer without a name",
       {.entries = {entry(other_serial, {extension(issuer_of_entry, true, dns_name)})},
        .extensions = {number_7, extension(scope, true, element(0x30, {element(0x84, {true_octet})}))}}},
      {"needless zeros in a serial number",
       {.entries = {entry(Bytes{0x00, 0x55})}, .extensions = {number_7}}},
      {"an end before the beginning", {.from = noon() - day, .next = noon() - 2 * day}},
  };
}

TEST_F(Lists, WhatIsNotUnderstoodShowsNobodyToBeGoodAndIsNamed) {
  for (const auto& [what, list] : odd_lists()) {
    const auto all = with({raw_list(issuing, list)});
    const Verdict verdict = validate(all, leaf, {}, noon());
    EXPECT_FALSE(verdict.valid) << what;
    EXPECT_EQ(statuses(verdict), std::vector{Status::crl_invalid}) << what << "\n" << told(verdict);
    ASSERT_THAT(all.passed_over(), SizeIs(1)) << what;
    EXPECT_THAT(all.passed_over()[0], HasSubstr("CRL 1")) << what;
    EXPECT_THAT(all.passed_over()[0], HasSubstr("Example Issuing CA")) << what;
  }
}

TEST_F(Lists, WhatIsNotUnderstoodDoesNotStandInTheWayOfAGoodList) {
  const Bytes good = issuing.crl();
  for (const auto& [what, list] : odd_lists()) expect_good(raw_list(issuing, list), good, what);
}

TEST_F(Lists, WhoIsListedByWhatIsNotUnderstoodIsRevoked) {
  const Bytes good = issuing.crl();
  for (auto [what, list] : odd_lists()) {
    list.entries.push_back(entry(serial));
    expect_revoked(raw_list(issuing, list), good, what);
  }
}

TEST_F(Lists, WhatIsNotUnderstoodHidesNoRevocation) {
  const Bytes older = issuing.crl({.serials = {serial_hex()}, .reason = "certificateHold"});
  for (auto [what, list] : odd_lists()) {
    expect_revoked(raw_list(issuing, list), older, what);
    list.entries.push_back(entry(serial, {reason(removed)}));
    expect_revoked(raw_list(issuing, list), older, what + ", and takes it back");
  }
}

TEST_F(Lists, AnOldListWithoutExtensionsIsUnderstood) {
  EXPECT_TRUE(judge({raw_list(issuing, {.version = std::nullopt})}).valid);
  EXPECT_TRUE(judge({raw_list(issuing, {.entries = {entry(Bytes{0x55})}})}).valid);
  const Verdict listed = judge({raw_list(issuing, {.version = std::nullopt, .entries = {entry(serial)}})});
  EXPECT_EQ(listed.revocation, "revoked") << told(listed);
}

TEST_F(Lists, ASerialNumberIsFoundHoweverItIsWritten) {
  Bytes padded = serial;
  for (int i = 0; i < 3; ++i) {
    padded.insert(padded.begin(), 0);
    const Verdict verdict = judge({raw_list(issuing, {.entries = {entry(padded), entry(Bytes{0x55})}})});
    EXPECT_EQ(verdict.revocation, "revoked") << i << told(verdict);
  }
}

TEST_F(Lists, OfASerialNumberListedTwiceTheWorstCounts) {
  const Bytes base = issuing.crl();
  const std::vector<Bytes> delta{extension(crl_number, false, integer({8})),
                                 extension(delta_indicator, true, integer({7}))};
  for (const auto& entries : {std::vector{entry(serial, {reason(removed)}), entry(serial, {reason(1)})},
                              std::vector{entry(serial, {reason(1)}), entry(serial, {reason(removed)})}}) {
    expect_revoked(raw_list(issuing, {.entries = entries, .extensions = delta}), base, "a delta");
  }
  // A hold beside a revocation cannot be lifted as a hold alone can.
  for (const auto& entries : {std::vector{entry(serial, {reason(hold)}), entry(serial, {reason(1)})},
                              std::vector{entry(serial, {reason(1)}), entry(serial, {reason(hold)})}}) {
    expect_revoked(raw_list(issuing, {.from = noon() - 2 * day, .entries = entries}), base,
                   "a hold beside it");
  }
}

TEST_F(Lists, ADeltaCountsThoughNothingPointsToIt) {
  const Bytes base = issuing.crl();
  const Bytes delta =
      issuing.crl({.serials = {serial_hex()}, .from = noon() - hours{1}, .number = 8, .base = 7});
  expect_revoked(base, delta, "of the base");
  expect_revoked(base, issuing.crl({.serials = {serial_hex()}, .number = 7, .base = 7}),
                 "made with the base");
  expect_revoked(base, issuing.crl({.serials = {serial_hex()}, .number = 20, .base = 19}), "of a later base");
  expect_revoked(base,
                 issuing.crl({.serials = {serial_hex()}, .scope = "onlyuser:TRUE", .number = 8, .base = 7}),
                 "of another scope");
  EXPECT_EQ(statuses(judge({issuing.crl({.number = 8, .base = 7})})), std::vector{Status::crl_missing})
      << "and shows nobody to be good by itself";
}

TEST_F(Lists, OnlyANewerListOfTheSameScopeLiftsAHold) {
  const RevocationList held{.serials = {serial_hex()}, .from = noon() - 2 * day, .reason = "certificateHold"};
  const Bytes on_hold = issuing.crl(held);
  expect_good(on_hold, issuing.crl({.number = 8}), "a newer list without it");
  expect_good(issuing.crl({.serials = {serial_hex()},
                           .next = noon() - day,
                           .from = noon() - 9 * day,
                           .reason = "certificateHold"}),
              issuing.crl({.number = 8}), "though the hold itself is overdue");
  expect_good(on_hold,
              issuing.crl({.serials = {serial_hex()}, .number = 8, .base = 7, .reason = "removeFromCRL"}),
              "a delta that takes it back");
  expect_good(on_hold,
              issuing.crl({.serials = {serial_hex()},
                           .from = noon() - 2 * day,
                           .number = 8,
                           .base = 7,
                           .reason = "removeFromCRL"}),
              "a delta of the same second with a higher number");
  expect_revoked(on_hold, issuing.crl({.serials = {serial_hex()}, .number = 8, .reason = "certificateHold"}),
                 "a newer list with it");
  expect_revoked(on_hold, issuing.crl({.from = noon() - 2 * day}), "a list of the same second and number");
  expect_revoked(on_hold, issuing.crl({.number = 6}), "a later list with an earlier number");
  expect_revoked(on_hold, issuing.crl({.from = noon() - 3 * day, .number = 8}), "an earlier list");
  expect_revoked(on_hold, issuing.crl({.scope = "onlyuser:TRUE", .number = 8}), "a list of another scope");
  expect_revoked(on_hold, issuing.crl({.number = 8, .base = 7}), "a delta that does not speak of it");
  EXPECT_EQ(judge({on_hold, issuing.crl({.next = noon() + 8 * day, .from = noon() + hours{1}, .number = 8})})
                .revocation,
            "revoked")
      << "a list of tomorrow";
  expect_revoked(
      issuing.crl({.serials = {serial_hex()}, .from = noon() - 2 * day, .reason = "keyCompromise"}),
      issuing.crl({.number = 8}), "what is no hold stays");
  expect_revoked(issuing.crl({.serials = {serial_hex()}, .from = noon() - 2 * day}),
                 issuing.crl({.number = 8}), "what has no reason stays");
}

TEST_F(Lists, OfTwoListsOfOneSecondTheWorstCounts) {
  expect_revoked(issuing.crl(), issuing.crl({.serials = {serial_hex()}}), "both of one number");
  expect_revoked(issuing.crl({.number = 8}), issuing.crl({.serials = {serial_hex()}}), "the good one later");
  expect_revoked(issuing.crl({.number = std::nullopt}),
                 issuing.crl({.serials = {serial_hex()}, .number = std::nullopt}), "without numbers");
}

TEST_F(Lists, AListOfAuthoritiesClearsNoPerson) {
  const Verdict verdict = judge({issuing.crl({.scope = "critical,onlyCA:TRUE"})});
  EXPECT_FALSE(verdict.valid) << told(verdict);
  expect_good(issuing.crl({.scope = "critical,onlyCA:TRUE"}),
              issuing.crl({.scope = "critical,onlyuser:TRUE"}), "the list of persons does");
  expect_revoked(issuing.crl({.serials = {serial_hex()}, .scope = "critical,onlyCA:TRUE"}), issuing.crl(),
                 "but whom it lists is revoked");
  expect_good(issuing.crl({.serials = {serial_hex()}, .scope = "critical,onlyAA:TRUE"}), issuing.crl(),
              "attribute certificates have numbers of their own");
}

}  // namespace
}  // namespace cardgate::trust
