// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/people_view.hpp"

#include <algorithm>

#include "daemon/limits.hpp"
#include "daemon/people/answers.hpp"
#include "policy/lapses.hpp"

namespace cardgate::daemon {

std::size_t entries_of(const reg::Person& person) {
  return person.forms.size() + person.declarations.size() + person.training.size() +
         person.delegations.size() + person.acting.size() + person.cards.size();
}

std::size_t entries_of(const policy::Facts& facts) {
  return facts.forms.size() + facts.declarations.size() + facts.training.size() + facts.delegations.size() +
         facts.acting.size();
}

bool Reach::opens(const reg::Person& person) const {
  return std::ranges::any_of(roles, [&](const policy::Role* role) {
    return policy::in_scope(*role, facts, person.id, person.line_manager, today);
  });
}

Result<reg::Person> PeopleView::record(reg::Register& staff, const std::string& id) const {
  auto found = TRY(staff.person(id));
  takings.apply(found);
  return found;
}

RecordOf PeopleView::records(reg::Register& staff) const {
  return [this, &staff](const std::string& id) { return record(staff, id); };
}

std::string_view PeopleView::state(const reg::Person& person) const {
  const auto on_day = today();
  const bool left = person.employed_until && *person.employed_until < on_day;
  const bool away = person.leave_from && *person.leave_from <= on_day &&
                    (!person.leave_until || *person.leave_until >= on_day);
  const bool employed = person.employed_from && *person.employed_from <= on_day && !left;
  return person.removed ? "removed"
         : left         ? "left"
         : !employed    ? "not employed"
         : away         ? "on leave"
                        : "employed";
}

json::object PeopleView::person(const reg::Person& person, Names& names) const {
  return {{"id", person.id},
          {"name", person.name},
          {"email", person.email},
          {"line_manager", names.person(person.line_manager)},
          {"employed_from", day_json(person.employed_from)},
          {"employed_until", day_json(person.employed_until)},
          {"leave_from", day_json(person.leave_from)},
          {"leave_until", day_json(person.leave_until)},
          {"state", state(person)},
          {"teams", json::array(person.teams.begin(), person.teams.end())},
          {"cards", list_json(person.cards, names)}};
}

json::array PeopleView::roles(const reg::Person& person, const RecordOf& record_of) const {
  const auto facts = to_facts_with_best_card(person, record_of);
  json::array roles;
  for (const auto& role : policy->roles()) {
    const auto way = role.accepts(policy::SignIn::card) ? policy::SignIn::card : policy::SignIn::password;
    const auto decision = policy::decide(*policy, facts, {role.name, way}, now);
    const bool wanted =
        std::ranges::any_of(person.forms, [&](const reg::Form& each) { return each.role == role.name; });
    if (!decision.allowed && !wanted) continue;
    auto entry = decision_json(*policy, role, decision);
    entry["lapses"] =
        list_json(policy::lapses(*policy, facts, {role.name, way, policy::Day(today()), lapse_horizon}));
    roles.push_back(std::move(entry));
  }
  return roles;
}

json::object PeopleView::row(const reg::Person& one, const RecordOf& record_of, Names& names) const {
  auto out = person(one, names);
  out["roles"] = roles(one, record_of);
  json::array open;
  for (const auto& each : one.forms) {
    if (each.state == reg::Form::State::submitted || each.state == reg::Form::State::verified)
      open.push_back(form(one, each, names));
  }
  json::array removals;
  for (const auto& removal : one.removals) {
    using State = reg::Removal::State;
    if (removal.state == State::requested || removal.state == State::restoring)
      removals.push_back(to_json_without_reasons(removal, one, names));
  }
  out["open_forms"] = std::move(open);
  out["open_removals"] = std::move(removals);
  return out;
}

json::object PeopleView::form(const reg::Person& person, const reg::Form& form, Names& names) const {
  const auto* role = policy->role(form.role);
  return {{"id", form.id},
          {"person", person_json(person)},
          {"kind", form.kind},
          {"role", form.role},
          {"role_title", role != nullptr ? role->title : form.role + " (this role no longer exists)"},
          {"state", name(form.state)},
          {"reason", form.reason},
          {"requested_by", names.person(form.requested_by)},
          {"requested_on", day_json(form.requested_on)},
          {"verified_by", names.person(form.verified_by)},
          {"verified_on", day_json(form.verified_on)},
          {"approved_by", names.person(form.approved_by)},
          {"approved_on", day_json(form.approved_on)},
          {"valid_from", day_json(form.valid_from)},
          {"valid_until", day_json(form.valid_until)},
          {"closed_by", names.person(form.closed_by)},
          {"closed_on", day_json(form.closed_on)},
          {"closed_reason", form.closed_reason}};
}

json::array to_json(const std::vector<policy::Unmet>& list) {
  json::array out;
  for (const auto& item : list) {
    out.push_back(json::object{{"prerequisite", item.prerequisite},
                               {"text", item.text},
                               {"who", item.who},
                               {"next_step", item.next_step}});
  }
  return out;
}

std::string sentences(const std::vector<policy::Unmet>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : " ") + item.text + ". " + item.next_step + ".";
  return out;
}

json::object decision_json(const policy::Policy& policy, const policy::Role& role,
                           const policy::Decision& decision) {
  return {{"role", role.name},
          {"title", role.title},
          {"allowed", decision.allowed},
          {"unmet", to_json(decision.unmet)},
          {"warnings", to_json(decision.warnings)},
          {"valid_until", day_json(decision.last_day)},
          {"records", decision.records},
          {"guidance", to_json(policy.guidance(role))}};
}

}  // namespace cardgate::daemon
