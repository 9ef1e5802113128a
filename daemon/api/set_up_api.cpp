// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/set_up_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_appointed = 10;
constexpr std::chrono::days emergency{7};

bool given_by_set_up(const reg::Form& form, const policy::Role& role) {
  return form.role == role.name && form.approved_by == reg::root_name &&
         form.verified_by == reg::root_by_set_up && form.state == reg::Form::State::approved;
}

/// The teams that the role asks for and the person is not in.
std::vector<std::string> teams_to_give(const reg::Person& person, const policy::Role& role) {
  std::vector<std::string> out;
  for (const auto& wanted : role.requires_all) {
    if (wanted.kind == policy::Prerequisite::Kind::team &&
        std::ranges::find(person.teams, wanted.subject) == person.teams.end())
      out.push_back(wanted.subject);
  }
  return out;
}

/// Gives the role what another person would have given: the team and an approved form. The declaration stays theirs to sign.
void appoint(reg::Person& person, const policy::Role& role, const std::string& reason, Date today,
             std::optional<Date> until) {
  for (auto& team : teams_to_give(person, role)) person.teams.push_back(std::move(team));
  for (const auto& wanted : role.requires_all) {
    if (wanted.kind != policy::Prerequisite::Kind::form) continue;
    reg::Form form;
    form.kind = wanted.subject;
    form.role = role.name;
    form.requested_by = form.approved_by = reg::root_name;
    form.verified_by = reg::root_by_set_up;
    form.reason = reason;
    form.requested_on = form.verified_on = form.approved_on = form.valid_from = today;
    form.valid_until = until;
    form.state = reg::Form::State::approved;
    person.forms.push_back(std::move(form));
  }
}

/// Takes back what appoint() gave to somebody who never signed in.
void dismiss(reg::Person& person, const policy::Role& role, const std::vector<std::string>& teams,
             Date today) {
  for (auto& form : person.forms) {
    if (!given_by_set_up(form, role)) continue;
    form.state = reg::Form::State::withdrawn;
    form.closed_by = reg::root_name;
    form.closed_on = today;
    form.closed_reason = "set-up named somebody else";
  }
  std::erase_if(person.teams,
                [&](const std::string& team) { return std::ranges::find(teams, team) != teams.end(); });
}

/// Named again, before anybody else: what they were given stands, and a second form would say nothing.
bool appointed_already(const reg::Person& person, const policy::Role& role) {
  return teams_to_give(person, role).empty() && std::ranges::any_of(person.forms, [&](const reg::Form& form) {
           return given_by_set_up(form, role);
         });
}

std::string names_of(const std::vector<reg::Person>& people) {
  std::string out;
  for (std::size_t i = 0; i < people.size(); ++i)
    out += (i == 0 ? "" : i + 1 == people.size() ? " and " : ", ") + people[i].name;
  return out;
}

}  // namespace

Answer SetUpApi::set_up(Request& request) {
  auto body = proto::Body::parse(request.body);
  auto people = body.texts("people", max_appointed);
  const auto emergency_reason = body.optional_text("break_glass", proto::max_reason_bytes);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  if (!recorder_.works()) co_return recorder_.unavailable();
  const auto state = roll_.staff().setting(SetUp::setting);
  if (!state) co_return register_unavailable(state.error());
  if (*state == SetUp::closed && !emergency_reason) {
    co_return problem(403, "setup_closed",
                      "Set-up is closed: the team gives access now. In an emergency: cardgate setup "
                      "--break-glass REASON. Every member of the team is told.");
  }
  if (*state != SetUp::closed && emergency_reason) {
    co_return problem(422, "not_possible",
                      "Set-up is still open, so there is no need for an emergency. Name the two people: "
                      "cardgate setup --person "
                      "NUMBER --person NUMBER");
  }
  for (auto& one : people) {
    auto meaning = people_.meant(request, one, policy::Act::approve_forms);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    one = std::move(meant.id);
  }
  if (!emergency_reason && (people.size() != 2 || people[0] == people[1])) {
    co_return problem(422, "not_possible",
                      "Set-up appoints two people, because nobody approves alone. Name two.");
  }
  const auto policy = rules_.policy();  // a reload may come in between
  const auto role = std::ranges::find_if(
      policy->roles(), [](const auto& each) { return each.lets(policy::Act::approve_forms); });
  if (role == policy->roles().end()) {
    co_return problem(422, "not_possible",
                      "The policy has no role that may approve forms, so there is nobody to appoint.");
  }
  audit::Record record;
  record.event = emergency_reason ? "break_glass" : "setup";
  record.person = people.front();
  record.client = describe(*request.peer);
  record.reason = emergency_reason.value_or("set-up");
  record.role = role->name;
  record.details["people"] = json::array(people.begin(), people.end());
  std::vector<Awaited> before;  // whom set-up named, and who never came
  if (!emergency_reason) before = SetUp::still_to_come(*state);
  std::vector<std::string> replaced;
  for (const auto& one : before) {
    if (std::ranges::find(people, one.id) == people.end()) replaced.push_back(one.id);
  }
  if (!replaced.empty()) record.details["instead_of"] = json::array(replaced.begin(), replaced.end());
  for (const auto& id : people) {
    if (const auto known = roll_.staff().person(id); !known) co_return no_person(known.error(), id);
  }
  auto recording = deeds_.recorded(record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  const std::string deed = Deeds::id_of(record);
  std::optional<Date> until;
  if (emergency_reason)
    until = Date(std::chrono::sys_days(clock_.today()) + emergency - std::chrono::days(1));
  const std::function<Result<std::vector<reg::Person>>(reg::Register&)> work =
      [=, today = clock_.today(), wanted = *role](reg::Register& staff) -> Result<std::vector<reg::Person>> {
    if (!emergency_reason) {
      const auto now = TRY(staff.setting(SetUp::setting));
      if (now == SetUp::closed)
        return Error{Errc::permission_denied, "Set-up has just been closed, so the team gives access now"};
      if (now != *state)
        return Error{Errc::permission_denied, "One of the two has just signed in. Try again"};
    }
    auto changed = people;
    changed.insert(changed.end(), replaced.begin(), replaced.end());
    auto all = TRY(staff.change_several(changed, [&](std::vector<reg::Person>& each) -> Result<void> {
      std::vector<Awaited> awaited;
      for (std::size_t i = 0; i < each.size(); ++i) {
        const auto named = std::ranges::find(before, each[i].id, &Awaited::id);
        const auto given = named == before.end() ? std::vector<std::string>() : named->teams;
        if (i >= people.size()) {
          dismiss(each[i], wanted, given, today);
          continue;
        }
        awaited.push_back({each[i].id, given});
        if (!emergency_reason && appointed_already(each[i], wanted)) continue;
        auto& teams = awaited.back().teams;
        for (auto& team : teams_to_give(each[i], wanted)) teams.push_back(std::move(team));
        appoint(each[i], wanted, emergency_reason.value_or("set-up"), today, until);
      }
      if (!emergency_reason) TRY(staff.set_setting(SetUp::setting, SetUp::text_of(awaited)));
      return note_done(staff, deed);
    }));
    all.resize(people.size());
    return all;
  };
  auto done = co_await register_.write<std::vector<reg::Person>>(work);
  if (!done) {
    deeds_.note_not_done(std::move(record), done.error());
    co_return not_possible(done.error());
  }
  deeds_.ended(record);
  sessions_.people_changed(people);
  sessions_.people_changed(replaced);
  if (emergency_reason) {
    const auto text = fmt::format(
        "In an emergency (\"{}\") the machine's administrator gave {} the role {} until {} (last day). If "
        "you do not know of it, "
        "tell your team leader.",
        *emergency_reason, names_of(*done), role->title, day_text(*until));
    log(Level::warning, text, {{"CARDGATE_EVENT", "break_glass"}, {"CARDGATE_REASON", *emergency_reason}});
    co_await notices_.tell_team(text);
  }
  json::array appointed;
  for (const auto& one : *done) appointed.push_back(person_json(one));
  co_return json_response(200, json::object{{"role", role->name},
                                            {"title", role->title},
                                            {"people", std::move(appointed)},
                                            {"valid_until", day_json(until)}});
}

}  // namespace cardgate::daemon
