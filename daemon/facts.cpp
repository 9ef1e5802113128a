// SPDX-License-Identifier: Apache-2.0
#include "daemon/facts.hpp"

namespace cardgate::daemon {

namespace {

policy::Delegation to_fact(const reg::Delegation& given, const RecordOf& record_of) {
  policy::Delegation out{given.from, given.role, given.valid_from, given.valid_until, given.revoked};
  if (out.revoked) return out;
  const auto giver = record_of(given.from);
  if (!giver || giver->removed || !giver->is_line_manager) {
    out.revoked = true;
  } else if (const auto& last = giver->employed_until;
             last && (!out.valid_until || *last < *out.valid_until)) {
    out.valid_until = last;
  }
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
    facts.forms.push_back({f.kind, f.role, !f.verified_by.empty(), !f.approved_by.empty(), closed,
                           f.verified_by, f.approved_by, f.valid_from, f.valid_until,
                           f.state == State::rejected});
  }
  for (const auto& d : person.declarations)
    facts.declarations.push_back({d.name, d.version, d.signed_on, d.valid_until});
  for (const auto& t : person.training) facts.training.push_back({t.course, t.completed_on, t.valid_until});
  for (const auto& d : person.delegations) facts.delegations.push_back(to_fact(d, record_of));
  for (const auto& a : person.acting) {
    if (!a.revoked) facts.acting.push_back({a.manager, a.valid_from, a.valid_until});
  }
  return facts;
}

policy::Facts to_facts_with_best_card(const reg::Person& person, const RecordOf& record_of) {
  auto facts = to_facts(person, record_of);
  for (const auto& card : person.cards) {
    if (card.status != "active") continue;
    const bool longer =
        !facts.card_active ||
        (facts.card_valid_until && (!card.valid_until || *card.valid_until > *facts.card_valid_until));
    if (longer) facts.card_valid_until = card.valid_until;
    facts.card_active = true;
  }
  return facts;
}

}  // namespace cardgate::daemon
