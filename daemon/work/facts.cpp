// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/facts.hpp"

namespace cardgate::daemon {

namespace {

/// What stands on a line manager ends with their access, and with their employment. False: it counts no more.
bool manager_stands(const std::string& manager, std::optional<Date>& until, const RecordOf& record_of) {
  const auto record = record_of(manager);
  if (!record || record->removed || !record->is_line_manager) return false;
  if (const auto& last = record->employed_until; last && (!until || *last < *until)) until = last;
  return true;
}

policy::Delegation to_fact(const reg::Delegation& given, const RecordOf& record_of) {
  policy::Delegation out{given.from, given.role, given.valid_from, given.valid_until, given.revoked};
  if (!out.revoked && !manager_stands(out.from, out.valid_until, record_of)) out.revoked = true;
  return out;
}

}  // namespace

policy::Facts to_facts(const reg::Person& person, const RecordOf& record_of) {
  policy::Facts facts;
  facts.person = person.id;
  facts.employed_from = person.employed_from;
  facts.employed_until = person.employed_until;
  facts.leave_from = person.leave_from;
  facts.leave_until = person.leave_until;
  facts.removed = person.removed;
  facts.line_manager = person.line_manager;
  facts.is_line_manager = person.is_line_manager;
  facts.teams = person.teams;
  for (const auto& f : person.forms) {
    using State = reg::Form::State;
    const bool closed = f.state == State::withdrawn;
    const bool verified = !f.verified_by.empty();
    const bool approved = !f.approved_by.empty();
    const bool by_nobody =
        !reg::given_by_set_up(f) && ((verified && !f.verifier_known) || (approved && !f.approver_known));
    facts.forms.push_back({f.kind, f.role, verified, approved, closed, f.verified_by, f.approved_by,
                           f.valid_from, f.valid_until, f.state == State::rejected, f.verified_on,
                           f.approved_on, by_nobody});
  }
  for (const auto& d : person.declarations)
    facts.declarations.push_back({d.name, d.version, d.signed_on, d.valid_until, d.text_hash});
  for (const auto& t : person.training) facts.training.push_back({t.course, t.completed_on, t.valid_until});
  for (const auto& d : person.delegations) facts.delegations.push_back(to_fact(d, record_of));
  for (const auto& a : person.acting) {
    auto until = a.valid_until;
    if (!a.revoked && manager_stands(a.manager, until, record_of))
      facts.acting.push_back({a.manager, a.valid_from, until});
  }
  return facts;
}

void set_card(policy::Facts& facts, const reg::Person& person, const std::string& card) {
  facts.card_active = false;
  facts.card_lent_until.reset();
  facts.card_loan_ended = false;
  for (const auto& registered : person.cards) {
    if (registered.uuid != card) continue;
    // Of a loan that is over the policy says just that.
    facts.card_active = registered.status == "active" || registered.status == "ended";
    facts.card_valid_until = registered.valid_until;
    facts.card_lent_until = registered.lent_until;
    facts.card_loan_ended = registered.status == "ended";
  }
}

policy::Facts to_facts_with_card(const reg::Person& person, const std::string& card,
                                 const RecordOf& record_of) {
  auto facts = to_facts(person, record_of);
  set_card(facts, person, card);
  return facts;
}

policy::Facts to_facts_with_best_card(const reg::Person& person, const RecordOf& record_of) {
  auto facts = to_facts(person, record_of);
  for (const auto& card : person.cards) {
    if (card.status != "active" || card.lent_until) continue;  // a loan is for today alone
    const bool longer =
        !facts.card_active ||
        (facts.card_valid_until && (!card.valid_until || *card.valid_until > *facts.card_valid_until));
    if (longer) facts.card_valid_until = card.valid_until;
    facts.card_active = true;
  }
  return facts;
}

}  // namespace cardgate::daemon
