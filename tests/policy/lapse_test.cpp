// SPDX-License-Identifier: Apache-2.0
// Dates at the boundary of the day (UTC): an "until" day counts to its end, a "from" day from its beginning.
#include <functional>

#include "tests/policy/fixture.hpp"

namespace cardgate::policy {
namespace {

struct Dated {
  std::string name, role, code;
  std::function<void(Facts&, Date)> set;
};

const Form& core_form(Facts& facts) {
  return facts.forms.at(1);
}

std::vector<Dated> lapsing() {
  return {
      {"employed_until", "core", "employed", [](Facts& f, Date d) { f.employed_until = d; }},
      {"card", "core", "card", [](Facts& f, Date d) { f.card_valid_until = d; }},
      {"card of a role that asks for none", "employee-self-service", "card",
       [](Facts& f, Date d) { f.card_valid_until = d; }},
      {"form", "core", "form", [](Facts& f, Date d) { f.forms.at(1).valid_until = d; }},
      {"declaration", "core", "declaration", [](Facts& f, Date d) { f.declarations.at(0).valid_until = d; }},
      {"delegation", "administrator-self-service", "delegation",
       [](Facts& f, Date d) { f.delegations.at(0).valid_until = d; }},
  };
}

TEST(Lapse, TheLastDayCountsToItsEnd) {
  for (const auto& row : lapsing()) {
    SCOPED_TRACE(row.name);
    Facts facts = everything();
    ASSERT_EQ(core_form(facts).role, "core");
    row.set(facts, date("2026-06-15"));
    for (const char* time : {"2026-06-15T00:00:00Z", "2026-06-15T23:59:59.999Z"}) {
      const auto decision = decide(shipped(), facts, {row.role, SignIn::card}, at(time));
      EXPECT_TRUE(decision.allowed) << time;
      ASSERT_TRUE(decision.valid_until);
      EXPECT_EQ(to_rfc3339(*decision.valid_until), "2026-06-16T00:00:00.000Z");
    }
    const auto after = decide(shipped(), facts, {row.role, SignIn::card}, at("2026-06-16T00:00:00Z"));
    EXPECT_FALSE(after.allowed);
    EXPECT_EQ(codes(after.unmet), std::vector<std::string>{row.code});
    EXPECT_NE(after.unmet.at(0).text.find("15 June 2026"), std::string::npos) << after.unmet.at(0).text;
    EXPECT_FALSE(after.valid_until);
  }
}

TEST(Lapse, TheFirstDayCountsFromItsBeginning) {
  const std::vector<Dated> beginning{
      {"employed_from", "core", "employed", [](Facts& f, Date d) { f.employed_from = d; }},
      {"form", "core", "form", [](Facts& f, Date d) { f.forms.at(1).valid_from = d; }},
      {"declaration", "core", "declaration", [](Facts& f, Date d) { f.declarations.at(0).signed_on = d; }},
      {"delegation", "administrator-self-service", "delegation",
       [](Facts& f, Date d) { f.delegations.at(0).valid_from = d; }},
  };
  for (const auto& row : beginning) {
    SCOPED_TRACE(row.name);
    Facts facts = everything();
    row.set(facts, date("2026-06-15"));
    const auto before = decide(shipped(), facts, {row.role, SignIn::card}, at("2026-06-14T23:59:59.999Z"));
    EXPECT_EQ(codes(before.unmet), std::vector<std::string>{row.code});
    EXPECT_TRUE(decide(shipped(), facts, {row.role, SignIn::card}, at("2026-06-15T00:00:00Z")).allowed);
  }
}

TEST(Lapse, TheFirstToLapseDecides) {
  Facts facts = everything();
  facts.employed_until = date("2027-01-31");
  facts.forms.at(1).valid_until = date("2026-07-31");
  facts.declarations.at(0).valid_until = date("2026-12-31");
  EXPECT_EQ(to_rfc3339(*decide(shipped(), facts, {"core", SignIn::card}, noon).valid_until),
            "2026-08-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(*decide(shipped(), facts, {"employee-self-service", SignIn::card}, noon).valid_until),
            "2027-02-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(*decide_sign_in(shipped(), facts, SignIn::card, noon).valid_until),
            "2027-02-01T00:00:00.000Z");
}

TEST(Lapse, OfSeveralThatCountTheLastingOneDecides) {
  Facts facts = everything();
  Form soon = good_form("core"), late = good_form("core");
  soon.valid_until = date("2026-06-30");
  late.valid_until = date("2026-09-30");
  facts.forms = {soon, late, soon};
  EXPECT_EQ(to_rfc3339(*decide(shipped(), facts, {"core", SignIn::card}, noon).valid_until),
            "2026-10-01T00:00:00.000Z");
  facts.forms = {late, good_form("core"), soon};
  EXPECT_FALSE(decide(shipped(), facts, {"core", SignIn::card}, noon).valid_until);
}

TEST(Lapse, TrainingThatOnlyWarnsEndsNothing) {
  Facts facts = everything();
  facts.training.at(0).valid_until = date("2026-06-15");
  EXPECT_FALSE(decide(shipped(), facts, {"core", SignIn::card}, noon).valid_until);
  const auto after = decide(shipped(), facts, {"core", SignIn::card}, at("2026-06-16T00:00:00Z"));
  EXPECT_TRUE(after.allowed);
  ASSERT_EQ(codes(after.warnings), std::vector<std::string>{"training"});
  EXPECT_EQ(after.warnings[0].text, "Your information governance training ended on 15 June 2026");
}

TEST(Lapse, TrainingThatDeniesDoesEnd) {
  const auto policy = parse_policy(
      "roles: {a: {sign_in: [card], requires: [training: {course: fire, mode: deny}], records: all}}", "p");
  ASSERT_TRUE(policy) << policy.error().context;
  Facts facts = everything();
  facts.training = {{"fire", date("2026-01-01"), date("2026-06-15")}};
  EXPECT_EQ(to_rfc3339(*decide(*policy, facts, {"a", SignIn::card}, noon).valid_until),
            "2026-06-16T00:00:00.000Z");
  EXPECT_FALSE(decide(*policy, facts, {"a", SignIn::card}, at("2026-06-16T00:00:00Z")).allowed);
  facts.training[0].completed_on = date("2026-06-16");
  facts.training[0].valid_until.reset();
  EXPECT_FALSE(decide(*policy, facts, {"a", SignIn::card}, noon).allowed);  // not completed yet
}

TEST(Lapse, DatesThatDoNotExistDeny) {
  const Date impossible{std::chrono::year(2026), std::chrono::month(2), std::chrono::day(30)};
  for (const auto& row : lapsing()) {
    Facts facts = everything();
    row.set(facts, impossible);
    EXPECT_FALSE(decide(shipped(), facts, {row.role, SignIn::card}, at("2026-01-20T00:00:00Z")).allowed)
        << row.name;
  }
  Facts facts = everything();
  facts.employed_from = impossible;
  EXPECT_FALSE(decide(shipped(), facts, {"core", SignIn::card}, noon).allowed);
}

TEST(Lapse, FarDatesAreNoTrouble) {
  Facts facts = everything();
  facts.employed_from = date("0001-01-01");
  facts.employed_until = date("9999-12-31");
  const auto decision = decide(shipped(), facts, {"core", SignIn::card}, noon);
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(*decision.valid_until, start_of(date("9999-12-31")) + std::chrono::hours(24));
  facts.employed_until = date("2020-01-01");
  facts.employed_from = date("2020-01-02");  // ends before it begins: never employed
  EXPECT_FALSE(decide(shipped(), facts, {"core", SignIn::card}, at("2020-01-01T12:00:00Z")).allowed);
  EXPECT_FALSE(decide(shipped(), facts, {"core", SignIn::card}, at("2020-01-02T12:00:00Z")).allowed);
}

}  // namespace
}  // namespace cardgate::policy
