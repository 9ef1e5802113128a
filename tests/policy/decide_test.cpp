// SPDX-License-Identifier: Apache-2.0
// Each role of the shipped policy against each prerequisite missing, alone and together.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <set>

#include "tests/policy/fixture.hpp"

namespace cardgate::policy {
namespace {

using Codes = std::vector<std::string>;
using Take = std::function<void(Facts&)>;

const std::map<std::string, Take>& takes() {
  static const std::map<std::string, Take> table{
      {"not-removed", [](Facts& f) { f.removed = true; }},
      {"employed", [](Facts& f) { f.employed_from.reset(); }},
      {"card", [](Facts& f) { f.card_active = false; }},
      {"form", [](Facts& f) { f.forms.clear(); }},
      {"declaration", [](Facts& f) { f.declarations.clear(); }},
      {"line-manager", [](Facts& f) { f.is_line_manager = false; }},
      {"delegation", [](Facts& f) { f.delegations.clear(); }},
      {"team", [](Facts& f) { f.teams.clear(); }},
      {"training", [](Facts& f) { f.training.clear(); }},
  };
  return table;
}

struct RoleRow {
  std::string role;
  SignIn sign_in;
  std::set<std::string> denies;  // which absences deny
  bool training_warns;
  std::string records;
};

const std::vector<RoleRow>& role_rows() {
  static const std::set<std::string> core{"not-removed", "employed", "card", "form", "declaration"};
  static const auto with = [](std::string more) {
    auto set = core;
    set.insert(std::move(more));
    return set;
  };
  static const std::vector<RoleRow> table{
      {"employee-self-service", SignIn::password, {"not-removed", "employed"}, false, "own"},
      {"employee-self-service", SignIn::card, {"not-removed", "employed", "card"}, false, "own"},
      {"core", SignIn::card, core, true, "by-function"},
      {"manager-self-service", SignIn::card, with("line-manager"), true, "team"},
      {"supervisor-self-service", SignIn::card, core, true, "team-view"},
      {"administrator-self-service", SignIn::card, with("delegation"), true, "delegated"},
      {"esr-workforce-systems", SignIn::card, with("team"), true, "all"},
  };
  return table;
}

TEST(Decide, EveryRoleIsOpenToWhoMeetsEverything) {
  for (const auto& row : role_rows()) {
    SCOPED_TRACE(row.role);
    const auto decision = decide(shipped(), everything(), {row.role, row.sign_in}, noon);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(codes(decision.unmet), Codes{});
    EXPECT_EQ(codes(decision.warnings), Codes{});
    EXPECT_EQ(decision.records, row.records);
    EXPECT_FALSE(decision.valid_until);
  }
}

TEST(Decide, TheTableNamesEveryRoleOfTheShippedPolicy) {
  EXPECT_EQ(shipped().roles().size(), 6U);
  for (const auto& role : shipped().roles()) {
    EXPECT_TRUE(std::ranges::any_of(role_rows(), [&](const RoleRow& row) { return row.role == role.name; }))
        << role.name;
  }
}

TEST(Decide, EachPrerequisiteMissingAloneIsTheOnlyOneNamed) {
  for (const auto& row : role_rows()) {
    for (const auto& [code, take] : takes()) {
      SCOPED_TRACE(row.role + " without " + code);
      Facts facts = everything();
      take(facts);
      const auto decision = decide(shipped(), facts, {row.role, row.sign_in}, noon);
      const bool denies = row.denies.contains(code);
      EXPECT_EQ(decision.allowed, !denies);
      EXPECT_EQ(codes(decision.unmet), denies ? Codes{code} : Codes{});
      EXPECT_EQ(codes(decision.warnings),
                code == "training" && row.training_warns ? Codes{"training"} : Codes{});
      EXPECT_EQ(decision.records, denies ? "" : row.records);
    }
  }
}

TEST(Decide, AllMissingTogetherAreAllNamedOnce) {
  Facts nothing = everything();
  for (const auto& [code, take] : takes()) take(nothing);
  for (const auto& row : role_rows()) {
    SCOPED_TRACE(row.role);
    const auto decision = decide(shipped(), nothing, {row.role, row.sign_in}, noon);
    EXPECT_FALSE(decision.allowed);
    auto named = codes(decision.unmet);
    EXPECT_EQ(named.size(), row.denies.size());
    EXPECT_EQ(std::set<std::string>(named.begin(), named.end()), row.denies);
    for (const auto& item : decision.unmet) {
      EXPECT_FALSE(item.text.empty() || item.who.empty() || item.next_step.empty()) << item.prerequisite;
      EXPECT_FALSE(item.text.ends_with('.') || item.next_step.ends_with('.')) << item.text;
    }
  }
}

TEST(Decide, AnEmptyPersonMeetsNothing) {
  for (const auto& role : shipped().roles()) {
    EXPECT_FALSE(decide(shipped(), Facts{}, {role.name, SignIn::card}, noon).allowed) << role.name;
    EXPECT_FALSE(decide(shipped(), Facts{}, {role.name, SignIn::password}, noon).allowed) << role.name;
  }
}

TEST(Decide, UnknownRoleIsDeniedAndTheRolesAreNamed) {
  for (const std::string_view asked : {"", "Core", "root", "core ", "core\n"}) {
    const auto decision = decide(shipped(), everything(), {asked, SignIn::card}, noon);
    EXPECT_FALSE(decision.allowed);
    ASSERT_EQ(codes(decision.unmet), Codes{"role"});
    EXPECT_NE(decision.unmet[0].next_step.find("core, manager-self-service"), std::string::npos);
    EXPECT_EQ(decision.unmet[0].text.find('\n'), std::string::npos);
  }
  EXPECT_EQ(decide(shipped(), everything(), {"root", SignIn::card}, noon).unmet[0].text,
            "There is no role called 'root'");
}

TEST(Decide, APasswordOpensTheOwnRecordOnly) {
  for (const auto& role : shipped().roles()) {
    const auto decision = decide(shipped(), everything(), {role.name, SignIn::password}, noon);
    EXPECT_EQ(decision.allowed, role.name == "employee-self-service") << role.name;
    if (!decision.allowed) {
      EXPECT_EQ(codes(decision.unmet), Codes{"sign-in"}) << role.name;
    }
  }
}

TEST(Decide, ALostCardOpensNothingEvenWhereTheRoleAsksForNoCard) {
  Facts facts = everything();
  facts.card_active = false;
  EXPECT_EQ(codes(decide(shipped(), facts, {"employee-self-service", SignIn::card}, noon).unmet),
            Codes{"card"});
  EXPECT_TRUE(decide(shipped(), facts, {"employee-self-service", SignIn::password}, noon).allowed);
}

TEST(Decide, ARemovedPersonIsToldNoReason) {
  Facts facts = everything();
  facts.removed = true;
  for (const auto& role : shipped().roles()) {
    const auto decision = decide(shipped(), facts, {role.name, SignIn::card}, noon);
    ASSERT_EQ(codes(decision.unmet), Codes{"not-removed"}) << role.name;
    EXPECT_EQ(decision.unmet[0].text, "Your access has been paused");
    EXPECT_EQ(decision.unmet[0].who, "ESR & Workforce Systems team");
    EXPECT_EQ(decision.unmet[0].next_step, "Speak to the ESR & Workforce Systems team");
  }
}

TEST(Decide, FormsCountOnlyWhenThreePeopleStandBehindThem) {
  const auto refused = [](const Take& change) -> std::string {
    Facts facts = everything();
    facts.forms = {good_form("core")};
    change(facts);
    const auto decision = decide(shipped(), facts, {"core", SignIn::card}, noon);
    EXPECT_EQ(decision.allowed, decision.unmet.empty());
    return decision.allowed ? "" : decision.unmet.at(0).text;
  };
  const std::string mine = "Your ESR06 access form for Core ESR";
  EXPECT_EQ(refused([](Facts&) {}), "");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].verified = false; }), mine + " is not verified yet");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].verified_by.clear(); }), mine + " is not verified yet");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].verified_by = "amara"; }),
            mine + " was verified by you yourself, which does not count");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].approved = false; }), mine + " is not approved yet");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].approved_by.clear(); }), mine + " is not approved yet");
  for (const char* approver : {"manager", "amara"}) {
    EXPECT_EQ(refused([&](Facts& f) { f.forms[0].approved_by = approver; }),
              mine + " was approved by you or by the person who verified it, which does not count");
  }
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].by_nobody_known = true; }),
            mine + " was verified or approved by somebody who is not on record, which does not count");
  for (const auto day : {&Form::verified_on, &Form::approved_on}) {
    EXPECT_EQ(refused([&](Facts& f) { f.forms[0].*day = date("2026-06-15"); }), "");
    EXPECT_EQ(refused([&](Facts& f) { f.forms[0].*day = date("2026-06-16"); }),
              mine + " begins on 16 June 2026");
  }
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].withdrawn = true; }), mine + " was withdrawn");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].role = "manager-self-service"; }),
            "You have no ESR06 access form for Core ESR");
  EXPECT_EQ(refused([](Facts& f) { f.forms[0].kind = "ESR07"; }),
            "You have no ESR06 access form for Core ESR");
}

TEST(Decide, AGoodFormCountsAmongBadOnes) {
  Facts facts = everything();
  Form withdrawn = good_form("core"), lapsed = good_form("core"), unapproved = good_form("core");
  withdrawn.withdrawn = true;
  lapsed.valid_until = date("2025-12-31");
  unapproved.approved = false;
  facts.forms = {withdrawn, good_form("core"), lapsed, unapproved};
  EXPECT_TRUE(decide(shipped(), facts, {"core", SignIn::card}, noon).allowed);
  facts.forms = {withdrawn, unapproved, lapsed};
  EXPECT_EQ(decide(shipped(), facts, {"core", SignIn::card}, noon).unmet.at(0).text,
            "Your ESR06 access form for Core ESR is not approved yet");
}

TEST(Decide, ADelegationIsForItsRoleFromSomebodyElseAndNotRevoked) {
  const auto allowed = [](const Take& change) {
    Facts facts = everything();
    change(facts);
    return decide(shipped(), facts, {"administrator-self-service", SignIn::card}, noon).allowed;
  };
  EXPECT_TRUE(allowed([](Facts&) {}));
  EXPECT_FALSE(allowed([](Facts& f) { f.delegations[0].revoked = true; }));
  EXPECT_FALSE(allowed([](Facts& f) { f.delegations[0].role = "core"; }));
  EXPECT_FALSE(allowed([](Facts& f) { f.delegations[0].from = "amara"; }));
  EXPECT_FALSE(allowed([](Facts& f) { f.delegations[0].from.clear(); }));
}

TEST(Decide, ANewVersionOfADeclarationAsksAgain) {
  Facts facts = everything();
  facts.declarations[0].version = "2025-2";
  const auto decision = decide(shipped(), facts, {"core", SignIn::card}, noon);
  ASSERT_EQ(codes(decision.unmet), Codes{"declaration"});
  EXPECT_EQ(decision.unmet[0].text,
            "You signed version 2025-2 of the core user confidentiality declaration, but version 2026-1 is "
            "needed now");
  facts.declarations.push_back({"core-confidentiality", "2026-1", date("2026-06-15"), std::nullopt});
  EXPECT_TRUE(decide(shipped(), facts, {"core", SignIn::card}, noon).allowed);
}

TEST(Decide, ATextThatWasChangedUnderItsVersionAsksAgain) {
  const auto policy = [](const std::string& text, const std::string& version) {
    return parse_policy("declarations: {d: " + text +
                            "}\nroles:\n  r:\n    sign_in: [card]\n    requires: [declaration: "
                            "{name: d, version: \"" +
                            version + "\"}]\n    records: own\n",
                        "policy.yaml")
        .value();
  };
  const auto before = policy("I will be careful.", "1");
  Facts facts = everything();
  const auto& hash = before.role("r")->requires_all.front().text_hash;
  ASSERT_EQ(hash.size(), 64U);
  facts.declarations = {{"d", "1", date("2026-06-01"), std::nullopt, hash}};
  const auto asked = [&](const Policy& now) { return decide(now, facts, {"r", SignIn::card}, noon); };
  EXPECT_TRUE(asked(before).allowed);
  const auto after = asked(policy("I will do as I like.", "1"));
  ASSERT_EQ(codes(after.unmet), Codes{"declaration"});
  EXPECT_EQ(after.unmet.at(0).text, "The text of the d has changed since you signed it");
  EXPECT_EQ(after.unmet.at(0).next_step, "Read and sign it: cardgate declaration sign d");
  EXPECT_EQ(asked(policy("I will do as I like.", "2")).unmet.at(0).text,
            "You signed version 1 of the d, but version 2 is needed now");
  facts.declarations[0].text_hash.clear();
  EXPECT_TRUE(asked(policy("I will do as I like.", "1")).allowed)
      << "signed elsewhere: nothing is known of the text";
}

TEST(Decide, ASignatureCountsNoLongerThanThePolicySaysNow) {
  const auto policy = parse_policy(R"(declarations: {d: I will be careful.}
roles:
  r:
    sign_in: [card]
    requires: [declaration: {name: d, valid_for: 30d}]
    records: own
)",
                                   "policy.yaml")
                          .value();
  EXPECT_THAT(describe(*policy.role("r")),
              ::testing::Contains("has signed the d (a signature counts for 30 days)"));
  const auto asked = [&](std::string_view signed_on, std::optional<Date> until, WallTime now) {
    Facts facts = everything();
    facts.declarations = {{"d", {}, date(signed_on), until}};
    return decide(policy, facts, {"r", SignIn::card}, now);
  };
  // Signed when the policy had no end for it, as a staff file may say too.
  const auto open = asked("2026-05-17", std::nullopt, noon);
  EXPECT_TRUE(open.allowed);
  EXPECT_EQ(open.valid_until, at("2026-06-16T00:00:00Z"));
  const auto over = asked("2026-05-16", std::nullopt, noon);
  EXPECT_EQ(codes(over.unmet), Codes{"declaration"});
  EXPECT_EQ(over.unmet.at(0).text, "Your d ended on 14 June 2026");
  EXPECT_FALSE(asked("2026-05-16", date("2027-05-15"), noon).allowed) << "nor by its own later end";
  EXPECT_FALSE(asked("2026-06-10", date("2026-06-14"), noon).allowed) << "and its own earlier one holds";
}

TEST(DecideSignIn, AsksForStandingAndCardButForNoForms) {
  Facts facts;
  facts.person = "joiner";
  facts.employed_from = date("2026-06-15");
  facts.card_active = true;
  EXPECT_TRUE(decide_sign_in(shipped(), facts, SignIn::card, noon).allowed);
  facts.card_active = false;
  EXPECT_EQ(codes(decide_sign_in(shipped(), facts, SignIn::card, noon).unmet), Codes{"card"});
  EXPECT_TRUE(decide_sign_in(shipped(), facts, SignIn::password, noon).allowed);
  facts.removed = true;
  facts.employed_from.reset();
  EXPECT_EQ(codes(decide_sign_in(shipped(), facts, SignIn::card, noon).unmet),
            (Codes{"not-removed", "employed", "card"}));
  EXPECT_EQ(codes(decide_sign_in(shipped(), facts, SignIn::password, noon).unmet),
            (Codes{"not-removed", "employed"}));
}

TEST(DecideSignIn, WarnsOfTrainingThatEveryRoleAsksForAndDeniesNobodyForIt) {
  const auto policy = parse_policy(R"(
roles:
  a: {sign_in: [card], requires: [employed, training: {course: fire, mode: deny}], records: all}
  b: {sign_in: [card], requires: [employed, training: {course: fire, mode: warn}, training: {course: ig, mode: warn}], records: all}
)",
                                   "p.yaml");
  ASSERT_TRUE(policy) << policy.error().context;
  Facts facts = everything();
  facts.training.clear();
  const auto decision = decide_sign_in(*policy, facts, SignIn::card, noon);
  EXPECT_TRUE(decision.allowed);
  ASSERT_EQ(codes(decision.warnings), Codes{"training"});
  EXPECT_EQ(decision.warnings[0].text, "There is no record of your fire");
  EXPECT_FALSE(decide(*policy, facts, {"a", SignIn::card}, noon).allowed);
  EXPECT_TRUE(decide(*policy, facts, {"b", SignIn::card}, noon).allowed);
}

}  // namespace
}  // namespace cardgate::policy
