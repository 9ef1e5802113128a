// SPDX-License-Identifier: Apache-2.0
// The rules of people's work, by themselves: who counts as whom, what waits for a second person, and what is asked again
// behind a wait. Everybody here is invented.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "daemon/people/meanwhile.hpp"
#include "daemon/work/right.hpp"
#include "daemon/work/rules.hpp"
#include "policy/reader.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::daemon::work {
namespace {

using reg::Form;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Date day(std::string_view text) {
  return parse_date(text).value();
}
const Date today = day("2026-06-15");
const WallTime noon = parse_rfc3339("2026-06-15T12:00:00Z").value();

std::shared_ptr<const policy::Policy> shipped() {
  static const auto policy =
      std::make_shared<const policy::Policy>(policy::load_policy(source_file("config/policy.yaml")).value());
  return policy;
}

reg::Person somebody(const std::string& id) {
  reg::Person person;
  person.id = id;
  person.name = "Invented " + id;
  person.employed_from = day("2020-01-01");
  person.cards = {{"card-of-" + id, "active", std::nullopt}};
  return person;
}

Form approved(const std::string& role) {
  Form form;
  form.kind = "ESR06";
  form.role = role;
  form.state = Form::State::approved;
  form.verified_by = "vera";
  form.approved_by = "abe";
  form.verifier_known = form.approver_known = true;
  return form;
}

/// With everything that the team's role asks for.
reg::Person member(const std::string& id) {
  auto person = somebody(id);
  person.teams = {"esr-workforce-systems"};
  person.forms = {approved("esr-workforce-systems")};
  person.declarations = {{"core-confidentiality", "2026-1", day("2026-01-02"), std::nullopt}};
  return person;
}

/// "" when it was done.
std::string outcome(const Result<void>& done) {
  return done ? "" : done.error().context;
}

CardChange give(const std::string& uuid, const std::string& replaces = {}) {
  return {uuid, "active", replaces, std::nullopt, {}};
}

TEST(Cards, OfWhoeverDecidesForOthersWaitForASecondPerson) {
  auto esme = member("esme");
  ASSERT_EQ(outcome(change_card(esme, *shipped(), give("spare", "card-of-esme"), {"tom", today})), "");
  EXPECT_EQ(esme.cards.back().status, "waiting");
  EXPECT_EQ(esme.cards.back().registered_by, "tom");
  EXPECT_EQ(esme.cards.front().status, "active") << "the old one goes on meanwhile";
  EXPECT_THAT(outcome(change_card(esme, *shipped(), give("spare"), {"tom", today})),
              HasSubstr("You registered"));
  EXPECT_THAT(outcome(change_card(esme, *shipped(), give("spare"), {"esme", today})),
              HasSubstr("your own cards"));
  EXPECT_THAT(outcome(change_card(esme, *shipped(), give("spare"), {"ann", today, "tom"})),
              HasSubstr("independent people"))
      << "ann uses a card that tom registered";
  ASSERT_EQ(outcome(change_card(esme, *shipped(), give("spare"), {"ann", today})), "");
  EXPECT_EQ(esme.cards.back().status, "active");
  EXPECT_EQ(esme.cards.back().confirmed_by, "ann");
  EXPECT_EQ(esme.cards.front().status, "replaced");
}

TEST(Cards, ThatWaitCanBeStoppedByOnePerson) {
  auto esme = member("esme");
  ASSERT_EQ(outcome(change_card(esme, *shipped(), give("spare"), {"tom", today})), "");
  ASSERT_EQ(outcome(change_card(esme, *shipped(), {"spare", "revoked", {}, {}, {}}, {"tom", today})), "");
  EXPECT_THAT(outcome(change_card(esme, *shipped(), give("spare"), {"ann", today})),
              HasSubstr("Give out a new card"));
}

TEST(Cards, OfAnybodyElseTakeOnePersonAndSayWho) {
  auto joe = somebody("joe");
  ASSERT_EQ(outcome(change_card(joe, *shipped(), give("spare", "card-of-joe"), {"tom", today})), "");
  EXPECT_EQ(joe.cards.back().status, "active");
  EXPECT_TRUE(joe.cards.back().by_one_person());
  EXPECT_EQ(joe.cards.front().status, "replaced");
  EXPECT_EQ(joe.cards.back().certificate_name, joe.name);
  ASSERT_EQ(outcome(change_card(joe, *shipped(), give("spare"), {"ann", today})), "");
  EXPECT_FALSE(joe.cards.back().by_one_person()) << "for the day when joe decides for others";
}

TEST(Cards, KnowWhoDecidesForOthers) {
  EXPECT_TRUE(decides_for_others(member("esme"), *shipped(), today));
  EXPECT_FALSE(decides_for_others(somebody("joe"), *shipped(), today));
  auto person = somebody("mina");
  person.is_line_manager = true;
  EXPECT_TRUE(decides_for_others(person, *shipped(), today)) << "verifies forms, and needs no role for it";
  person = somebody("ann");
  person.acting = {{1, "mina", day("2026-07-01"), day("2026-07-31"), "mina", false}};
  EXPECT_TRUE(decides_for_others(person, *shipped(), today)) << "from next month on";
  person.acting[0].valid_until = day("2026-06-14");
  EXPECT_FALSE(decides_for_others(person, *shipped(), today));
  person = member("esme");
  person.declarations.clear();
  EXPECT_TRUE(decides_for_others(person, *shipped(), today)) << "that is theirs to sign";
  person.forms.front().state = Form::State::withdrawn;
  EXPECT_FALSE(decides_for_others(person, *shipped(), today));
  person = somebody("sue");
  person.forms = {approved("supervisor-self-service")};
  EXPECT_FALSE(decides_for_others(person, *shipped(), today)) << "who only sees";
}

TEST(Cards, SayOfEachOtherOneThatSomebodyRegistered) {
  auto esme = member("esme");
  const RecordOf known = [](const std::string& id) -> Result<reg::Person> { return somebody(id); };
  EXPECT_THAT(other_cards(esme, "card-of-esme", known), IsEmpty());
  ASSERT_EQ(outcome(change_card(esme, *shipped(), give("spare"), {"tom", today})), "");
  EXPECT_THAT(other_cards(esme, "card-of-esme", known),
              ElementsAre("Invented tom (tom) also registered card spare to you on 15 June 2026, and it "
                          "still needs a second person to confirm it"));
  EXPECT_THAT(other_cards(esme, "spare", known), IsEmpty());
  esme.cards.back().status = "revoked";
  EXPECT_THAT(other_cards(esme, "card-of-esme", known), IsEmpty());
}

LoanAsk loan(std::chrono::minutes length = std::chrono::hours(8)) {
  return {"spare", "Pool card 1", noon + length, noon};
}

TEST(Loans, OfAnybodyElseTakeOnePersonAndEndAlone) {
  auto joe = somebody("joe");
  ASSERT_EQ(outcome(lend_card(joe, *shipped(), loan(), {"tom", today, "ann"})), "");
  const auto& lent = joe.cards.back();
  EXPECT_EQ(lent.status, "active");
  EXPECT_EQ(lent.registered_by, "tom");
  EXPECT_EQ(lent.registered_card_by, "ann");
  EXPECT_EQ(lent.certificate_name, "Pool card 1");
  EXPECT_TRUE(lent.by_one_person()) << "for the day when joe decides for others";
  EXPECT_EQ(joe.cards.front().status, "active") << "their own goes on";
  const WallTime until = *lent.lent_until;
  EXPECT_EQ(until, noon + std::chrono::hours(8));
  EXPECT_NE(outcome(return_card(joe, "spare", until + seconds(1))), "") << "another loan of the same card";
  EXPECT_NE(outcome(return_card(joe, "card-of-joe", until)), "") << "their own is not returned";
  EXPECT_TRUE(needs_new_passcode(joe, "spare")) << "whoever had it before may know the old one";
  EXPECT_FALSE(needs_new_passcode(joe, "card-of-joe"));
  ASSERT_EQ(outcome(end_loan(joe, "spare", until)), "");
  EXPECT_EQ(joe.cards.back().status, "ended");
  EXPECT_NE(outcome(end_loan(joe, "spare", until)), "") << "once";
  EXPECT_THAT(outcome(lend_card(joe, *shipped(), loan(), {"tom", today})), HasSubstr("not back"));
  ASSERT_EQ(outcome(return_card(joe, "spare", until)), "");
  EXPECT_EQ(joe, somebody("joe")) << "nothing of it stays";
}

TEST(Loans, OfWhoeverDecidesForOthersWaitForASecondPerson) {
  auto esme = member("esme");
  EXPECT_THAT(outcome(lend_card(esme, *shipped(), loan(), {"esme", today})), HasSubstr("to yourself"));
  ASSERT_EQ(outcome(lend_card(esme, *shipped(), loan(), {"tom", today})), "");
  EXPECT_EQ(esme.cards.back().status, "waiting");
  EXPECT_THAT(outcome(lend_card(esme, *shipped(), loan(), {"tom", today})), HasSubstr("You registered"));
  EXPECT_THAT(outcome(lend_card(esme, *shipped(), loan(), {"ann", today, "tom"})), HasSubstr("independent"));
  ASSERT_EQ(outcome(lend_card(esme, *shipped(), loan(std::chrono::hours(2)), {"ann", today})), "");
  EXPECT_EQ(esme.cards.back().status, "active");
  EXPECT_EQ(esme.cards.back().lent_until, noon + std::chrono::hours(2)) << "the shorter of the two";
}

TEST(Loans, AreShortAndOneForAPerson) {
  auto joe = somebody("joe");
  for (const auto length :
       {std::chrono::minutes(24 * 60 + 1), std::chrono::minutes(0), std::chrono::minutes(-1)})
    EXPECT_NE(outcome(lend_card(joe, *shipped(), loan(length), {"tom", today})), "") << length.count();
  ASSERT_EQ(outcome(lend_card(joe, *shipped(), loan(std::chrono::hours(24)), {"tom", today})), "");
  auto second = loan();
  second.uuid = "another";
  EXPECT_THAT(outcome(lend_card(joe, *shipped(), second, {"tom", today})), HasSubstr("on loan until"));
  ASSERT_EQ(outcome(stop_card(joe, "spare", "lost", {}, {"tom", today})), "");
  EXPECT_THAT(outcome(lend_card(joe, *shipped(), loan(), {"tom", today})), HasSubstr("reported lost"));
  EXPECT_EQ(outcome(lend_card(joe, *shipped(), second, {"tom", today})), "");
}

struct Forms : ::testing::Test {
  Forms() { EXPECT_TRUE(submit_form(joe, *shipped(), {"core", "rotas", {}, {}}, {"joe", today})); }
  std::string verify(const Doer& doer) { return outcome(verify_form(joe, *shipped(), 0, doer, true)); }
  std::string approve(const Doer& doer) { return outcome(approve_form(joe, *shipped(), 0, doer)); }
  void verified(const Doer& doer) {
    ASSERT_EQ(verify(doer), "");
    joe.forms.front().verifier_known = true;  // as the register says of people it knows
  }
  reg::Person joe = somebody("joe");
};

TEST_F(Forms, WhoeverAskedDoesNotVerify) {
  joe.forms.clear();
  ASSERT_TRUE(submit_form(joe, *shipped(), {"core", "rotas", {}, {}}, {"mina", today}));
  EXPECT_THAT(verify({"mina", today}), HasSubstr("cannot verify it as well"));
  EXPECT_THAT(verify({"ann", today, "mina"}), HasSubstr("independent people"));
  EXPECT_EQ(verify({"ann", today}), "") << "who stands in for mina";
}

TEST_F(Forms, NobodyIsTwoPeopleByACardTheyRegistered) {
  EXPECT_THAT(verify({"mina", today, "joe"}), HasSubstr("independent people"));
  verified({"mina", today, "tom"});
  EXPECT_THAT(approve({"tom", today}), HasSubstr("independent people")) << "mina's card may be in tom's hand";
  EXPECT_THAT(approve({"esme", today, "mina"}), HasSubstr("independent people"));
  EXPECT_THAT(approve({"esme", today, "joe"}), HasSubstr("independent people"));
  EXPECT_EQ(approve({"esme", today, "tom"}), "");
}

TEST_F(Forms, ThatNobodyOnRecordVerifiedAreNotApproved) {
  ASSERT_EQ(verify({"mina", today}), "");
  EXPECT_THAT(approve({"esme", today}), HasSubstr("somebody who is not on record"));
  joe.forms.front().verifier_known = true;
  joe.forms.front().verified_on = day("2026-06-16");
  EXPECT_THAT(approve({"esme", today}), HasSubstr("a day in the future"));
  joe.forms.front().verified_on = today;
  EXPECT_EQ(approve({"esme", today}), "");
}

TEST(Restoring, TakesTwoPeopleWhoAreTwo) {
  auto sid = somebody("sid");
  sid.removed = true;
  EXPECT_THAT(outcome(restore(sid, "closed", {"tom", today, "sid"})), HasSubstr("independent people"));
  ASSERT_EQ(outcome(restore(sid, "closed", {"tom", today, "ann"})), "");
  EXPECT_THAT(outcome(restore(sid, "closed", {"esme", today, "tom"})), HasSubstr("independent people"));
  EXPECT_THAT(outcome(restore(sid, "closed", {"ann", today})), HasSubstr("independent people"));
  EXPECT_EQ(outcome(restore(sid, "closed", {"esme", today})), "");
  EXPECT_FALSE(sid.removed);
}

TEST(Restoring, ThatWasAskedForCanBeDeclinedAndTheAccessStaysRemoved) {
  auto sid = somebody("sid");
  sid.removed = true;
  ASSERT_EQ(outcome(restore(sid, "closed", {"tom", today, "ann"})), "");
  sid.removals.front().id = 3;
  EXPECT_THAT(outcome(decline_removal(sid, 3, "no", {"sid", today})), HasSubstr("your own removal"));
  EXPECT_EQ(outcome(decline_removal(sid, 3, "not yet", {"tom", today, "ann"})), "") << "who asked may, too";
  EXPECT_EQ(sid.removals.front().state, reg::Removal::State::done);
  EXPECT_TRUE(sid.removed);
  EXPECT_THAT(outcome(decline_removal(sid, 3, "no", {"esme", today})), HasSubstr("nothing left to decide"));
  // It begins anew, with two people who are two.
  EXPECT_EQ(outcome(restore(sid, "closed", {"esme", today}, 3)), "");
  EXPECT_TRUE(sid.removed);
  EXPECT_EQ(outcome(restore(sid, "closed", {"ann", today}, 3)), "");
  EXPECT_FALSE(sid.removed);
}

TEST(Restoring, ByItsNumberIsOfThatRemovalAlone) {
  auto sid = somebody("sid");
  sid.removed = true;
  sid.removals.resize(2);
  sid.removals[0].id = 3;
  sid.removals[0].state = reg::Removal::State::declined;
  sid.removals[1].id = 4;
  sid.removals[1].state = reg::Removal::State::done;
  EXPECT_THAT(outcome(restore(sid, "closed", {"tom", today}, 3)), HasSubstr("nothing to give back"));
  EXPECT_THAT(outcome(restore(sid, "closed", {"tom", today}, 5)), HasSubstr("There is no removal 5"));
  EXPECT_EQ(outcome(restore(sid, "closed", {"tom", today}, 4)), "");
  EXPECT_EQ(sid.removals[1].state, reg::Removal::State::restoring);
}

struct Rights : ::testing::Test {
  Rights() {
    people["esme"] = member("esme");
    people["mina"] = somebody("mina");
    people["mina"].is_line_manager = true;
    people["joe"] = somebody("joe");
    people["joe"].line_manager = "mina";
    people["ann"] = somebody("ann");
    people["ann"].acting = {{1, "mina", std::nullopt, day("2026-12-31"), "mina", false}};
  }
  std::string asked_again(const Right& right) const {
    return outcome(still_holds(
        right,
        [this](const std::string& id) -> Result<reg::Person> {
          const auto found = people.find(id);
          if (found == people.end()) return Errc::not_found;
          return found->second;
        },
        noon));
  }
  std::map<std::string, reg::Person> people;
  const Right team{shipped(), "esme", "card-of-esme", policy::Act::manage_staff, "esr-workforce-systems",
                   false,     "joe"};
  const Right manager{shipped(), "mina", "card-of-mina", {}, {}, true, "joe"};
  const Right stand_in{shipped(), "ann", "card-of-ann", {}, {}, true, "joe"};
};

TEST_F(Rights, HoldWhileNothingChanged) {
  for (const auto& right : {team, manager, stand_in}) EXPECT_EQ(asked_again(right), "");
}

TEST_F(Rights, EndWithTheActorsAccessOrCard) {
  people["esme"].removed = true;
  EXPECT_THAT(asked_again(team), HasSubstr("Your access ended"));
  people["mina"].cards.front().status = "lost";
  EXPECT_THAT(asked_again(manager), HasSubstr("Your access ended"));
}

TEST_F(Rights, EndWithTheRole) {
  people["esme"].teams.clear();
  EXPECT_THAT(asked_again(team), HasSubstr("lost the role"));
}

TEST_F(Rights, EndWhenThePersonHasAnotherManager) {
  people["joe"].line_manager = "dora";
  EXPECT_THAT(asked_again(manager), HasSubstr("another line manager"));
}

TEST_F(Rights, OfAStandInEndWithTheManager) {
  people["mina"].removed = true;
  EXPECT_THAT(asked_again(stand_in), HasSubstr("another line manager"));
  people["mina"].removed = false;
  people["mina"].employed_until = day("2026-06-14");
  EXPECT_THAT(asked_again(stand_in), HasSubstr("another line manager")) << "who has left";
}

TEST(Facts, OfFormsSayWhenNobodyOnRecordStandsBehindThem) {
  const RecordOf nobody = [](const std::string&) -> Result<reg::Person> { return Errc::not_found; };
  auto esme = member("esme");
  EXPECT_FALSE(to_facts(esme, nobody).forms.front().by_nobody_known);
  esme.forms.front().approver_known = false;
  EXPECT_TRUE(to_facts(esme, nobody).forms.front().by_nobody_known);
  auto& form = esme.forms.front();
  form.verifier_known = false;
  form.requested_by = form.approved_by = reg::root_name;
  form.verified_by = reg::root_by_set_up;
  EXPECT_FALSE(to_facts(esme, nobody).forms.front().by_nobody_known) << "set-up gave it";
}

TEST(Meanwhile, ActsEndWithTheirSessionAndAllOfThemWithTheRules) {
  WaitingActs acts;
  const auto first = acts.begin("a", {}), second = acts.begin("b", {});
  acts.session_over("a");
  EXPECT_TRUE(first->over());
  EXPECT_FALSE(second->over());
  EXPECT_FALSE(acts.begin("a", {})->over()) << "begun afterwards";
  acts.all_over();
  EXPECT_TRUE(second->over());
}

TEST(Meanwhile, ACheckOfAPasswordIsOutdatedByAChangeOfThatPersonsPasswordAlone) {
  PasswordChecks checks;
  const auto check = checks.begin();
  checks.changed("eve");
  EXPECT_TRUE(check->outdated_for("eve"));
  EXPECT_FALSE(check->outdated_for("ada"));
  const auto later = checks.begin();
  EXPECT_FALSE(later->outdated_for("eve"));
  checks.all_changed();
  EXPECT_TRUE(later->outdated_for("ada"));
}

}  // namespace
}  // namespace cardgate::daemon::work
