// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/report_standing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/limits.hpp"
#include "daemon/people/people_lists.hpp"
#include "policy/lapses.hpp"
#include "policy/standing.hpp"

namespace cardgate::daemon {
namespace {

namespace reports = audit::report;

std::string_view wanted_kind(policy::Kind kind) {
  switch (kind) {
    case policy::Kind::form:
      return "form";
    case policy::Kind::declaration:
      return "declaration";
    case policy::Kind::training:
      return "training";
    default:
      return {};
  }
}

/// A report holds no more people at once: about a kilobyte each.
constexpr std::size_t max_reported_people = 200'000;

/// Some role asks for this declaration in this version.
bool declaration_counts(const policy::Policy& policy, const reg::Declaration& signed_one) {
  for (const auto& role : policy.roles()) {
    for (const auto& each : role.requires_all) {
      if (each.kind == policy::Kind::declaration && each.subject == signed_one.name &&
          (each.version.empty() || each.version == signed_one.version))
        return true;
    }
  }
  return false;
}

/// The last day of a signature: its own, or the policy's.
std::optional<Date> declaration_ends(const policy::Policy& policy, const reg::Declaration& signed_one) {
  auto out = signed_one.valid_until;
  for (const auto& role : policy.roles()) {
    for (const auto& each : role.requires_all) {
      if (each.kind != policy::Kind::declaration || each.subject != signed_one.name || !each.valid_for)
        continue;
      const Date last(std::chrono::sys_days(signed_one.signed_on) + *each.valid_for);
      if (!out || last < *out) out = last;
    }
  }
  return out;
}

std::string_view word_of(const reg::PasswordState& password, WallTime now) {
  if (!password.exists) return {};
  if (password.dead) return "void";
  if (password.expires && *password.expires <= now) return "expired";
  return password.must_change ? "temporary" : "set";
}

std::vector<reports::Evidence> evidence_of(const policy::Policy& policy, const reg::Person& person) {
  std::vector<reports::Evidence> out;
  for (const auto& form : person.forms) {
    using State = reg::Form::State;
    if (form.state == State::rejected || form.state == State::withdrawn) continue;
    out.push_back({"form", form.kind, form.role, std::to_string(form.id), std::string(name(form.state)),
                   form.requested_by, form.verified_by, form.approved_by, form.valid_from, form.valid_until});
  }
  for (const auto& each : person.declarations) {
    if (declaration_counts(policy, each))
      out.push_back(
          {"declaration", each.name, {}, {}, {}, {}, {}, {}, each.signed_on, declaration_ends(policy, each)});
  }
  for (const auto& each : person.training)
    out.push_back({"training", each.course, {}, {}, {}, {}, {}, {}, each.completed_on, each.valid_until});
  for (const auto& each : person.delegations) {
    if (!each.revoked)
      out.push_back({"delegation",
                     "delegation",
                     each.role,
                     std::to_string(each.id),
                     {},
                     each.from,
                     {},
                     {},
                     each.valid_from,
                     each.valid_until});
  }
  return out;
}

reports::StandingPerson standing_person(const PeopleView& view, const reg::Person& person,
                                        const RecordOf& record_of) {
  reports::StandingPerson out;
  out.id = person.id;
  out.name = person.name;
  out.manager = person.line_manager;
  const auto facts = to_facts_with_best_card(person, record_of);
  const policy::Day today(view.today());
  for (const auto& acting : facts.acting) {
    if (policy::between(acting.valid_from, acting.valid_until, today).met())
      out.stands_in_for.push_back(acting.manager);
  }
  out.teams = person.teams;
  out.employed_from = person.employed_from;
  out.employed_until = person.employed_until;
  out.leave_from = person.leave_from;
  out.leave_until = person.leave_until;
  out.removed = person.removed;
  for (const auto& removal : person.removals) {
    if (removal.done_on && (!out.removed_on || *out.removed_on < *removal.done_on))
      out.removed_on = removal.done_on;
  }
  for (const auto& card : person.cards)
    out.cards.push_back({card.uuid, card.status, card.registered_by, card.confirmed_by, card.valid_until});
  out.evidence = evidence_of(*view.policy, person);
  for (const auto& role : view.policy->roles()) {
    if (policy::holds(facts, role, today)) out.roles.push_back(role.name);
  }
  return out;
}

}  // namespace

reports::Standing standing_without_people(const policy::Policy& policy, const Config& config, WallTime now) {
  reports::Standing out;
  out.made_at = now;
  out.zone = config.calendar.zone();
  out.availability = config.service_standard.availability;
  out.sign_in = config.service_standard.sign_in;
  for (const auto& role : policy.roles()) {
    out.roles.push_back({role.name, role.title, role.records});
    for (const auto& each : role.requires_all) {
      const auto kind = wanted_kind(each.kind);
      const bool known = std::ranges::any_of(out.wanted, [&](const reports::Wanted& one) {
        return one.kind == kind && one.name == each.subject;
      });
      if (!kind.empty() && !known) out.wanted.push_back({std::string(kind), each.subject, each.title});
    }
  }
  for (const auto& plan : config.downtime.continuity)
    out.plans.push_back(
        {plan.team, plan.owner, plan.reviewed, Date(std::chrono::sys_days(plan.reviewed) + plan.good_for)});
  return out;
}

Result<std::vector<reports::StandingPerson>> standing_of(reg::Register& staff, const PeopleView& view,
                                                         const std::vector<std::string>& ids,
                                                         reg::Credentials& passwords,
                                                         const std::atomic<bool>& stop) {
  const auto records = view.records(staff);
  std::vector<reports::StandingPerson> out;
  for (const auto& id : ids) {
    if (stop) return Errc::cancelled;
    const auto person = view.record(staff, id);
    if (!person && person.error().code == Errc::not_found) continue;  // gone since the list was read
    if (!person) return person.error();
    out.push_back(standing_person(view, *person, records));
    out.back().password = word_of(TRY(passwords.password_state(id)), view.now);
  }
  return out;
}

Result<void> add_people(reports::Standing& to, reg::Register& staff, const PeopleView& view,
                        const std::vector<std::string>& managers, reg::Credentials& passwords,
                        const std::atomic<bool>& stop) {
  const auto add = [&](const std::vector<std::string>& ids) -> Result<void> {
    for (auto& person : TRY(standing_of(staff, view, ids, passwords, stop))) {
      auto id = person.id;
      to.people.insert_or_assign(std::move(id), std::move(person));
    }
    if (to.people.size() > max_reported_people)
      return Error{Errc::too_large, fmt::format("there are more than {} people", max_reported_people)};
    return {};
  };
  if (!managers.empty()) return add(TRY(staff_of(staff, managers)));
  std::string after;
  for (;;) {
    const auto ids = TRY(staff.ids_after(after, register_page));
    if (ids.empty()) return {};
    TRY(add(ids));
    after = ids.back();
  }
}

}  // namespace cardgate::daemon
