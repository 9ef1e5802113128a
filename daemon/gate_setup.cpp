// SPDX-License-Identifier: Apache-2.0
// The first members of the team, named by root; and what root may do afterwards only by breaking the glass.
#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/api/import_words.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

// nothing | a JSON list of who is still to sign in, with the teams that set-up gave | closed
constexpr const char* setting_name = "setup";
constexpr const char* closed = "closed";
constexpr std::size_t max_appointed = 10;
constexpr std::chrono::days emergency{7};

/// Somebody whom set-up named and who has not signed in yet.
struct Awaited {
  std::string id;
  std::vector<std::string> teams;  // that set-up gave
};

/// As it was written before teams were kept: the ids, separated by spaces.
std::vector<Awaited> ids_alone(std::string_view state) {
  std::vector<Awaited> out;
  while (!state.empty()) {
    const auto end = std::min(state.find(' '), state.size());
    if (end > 0) out.push_back({std::string(state.substr(0, end)), {}});
    state.remove_prefix(std::min(end + 1, state.size()));
  }
  return out;
}

std::vector<Awaited> still_to_come(std::string_view state) {
  if (state == closed) return {};
  const auto read = parse_json(state);
  const auto* list = read ? read->if_array() : nullptr;
  if (list == nullptr) return ids_alone(state);
  std::vector<Awaited> out;
  for (const auto& item : *list) {
    const auto* entry = item.if_object();
    const auto* id = entry == nullptr ? nullptr : find_string(*entry, "id");
    const auto* teams = entry == nullptr ? nullptr : find_array(*entry, "teams");
    if (id == nullptr || teams == nullptr) continue;
    Awaited one{std::string(*id), {}};
    for (const auto& team : *teams) {
      if (const auto* text = team.if_string()) one.teams.emplace_back(*text);
    }
    out.push_back(std::move(one));
  }
  return out;
}

/// The policy may call a team anything, so nothing that a name could hold parts them.
std::string to_setting(const std::vector<Awaited>& all) {
  json::array list;
  for (const auto& one : all)
    list.push_back(json::object{{"id", one.id}, {"teams", json::array(one.teams.begin(), one.teams.end())}});
  return json::serialize(list);
}

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

Result<std::vector<std::string>> Gate::members_of_team() {
  std::vector<std::string> members;
  for (const auto& team : teams_that_give_access(*policy_)) {
    const auto people = TRY(staff_->people_by(reg::Register::Relation::in_team, team));
    members.insert(members.end(), people.begin(), people.end());
  }
  std::ranges::sort(members);
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

boost::asio::awaitable<void> Gate::tell_team(std::string text) {
  const auto members = members_of_team();
  if (!members) {
    log(Level::error,
        "The team could not be told that somebody was appointed in an emergency: " +
            members.error().message(),
        {{"CARDGATE_EVENT", "notice_lost"}});
    co_return;
  }
  const std::string mark = "break-glass-" + random_id();
  co_await tell(*members, mark, text);
}

Gate::Answer Gate::set_up(Request& request) {
  auto body = proto::Body::parse(request.body);
  auto people = body.texts("people", max_appointed);
  const auto emergency_reason = body.optional_text("break_glass", proto::max_reason_bytes);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  if (!audit_ok()) co_return audit_unavailable();
  const auto state = staff_->setting(setting_name);
  if (!state) co_return register_unavailable(state.error());
  if (*state == closed && !emergency_reason) {
    co_return problem(403, "setup_closed",
                      "Set-up is closed: the team gives access now. In an emergency: cardgate setup "
                      "--break-glass REASON. Every member of the team is told.");
  }
  if (*state != closed && emergency_reason) {
    co_return problem(422, "not_possible",
                      "Set-up is still open, so there is no need for an emergency. Name the two people: "
                      "cardgate setup --person "
                      "NUMBER --person NUMBER");
  }
  for (auto& one : people) {
    auto meaning = person_meant(request, one, policy::Act::approve_forms);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    one = std::move(meant.id);
  }
  if (!emergency_reason && (people.size() != 2 || people[0] == people[1])) {
    co_return problem(422, "not_possible",
                      "Set-up appoints two people, because nobody approves alone. Name two.");
  }
  const auto policy = policy_;  // a reload may come in between
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
  if (!emergency_reason) before = still_to_come(*state);
  std::vector<std::string> replaced;
  for (const auto& one : before) {
    if (std::ranges::find(people, one.id) == people.end()) replaced.push_back(one.id);
  }
  if (!replaced.empty()) record.details["instead_of"] = json::array(replaced.begin(), replaced.end());
  for (const auto& id : people) {
    if (const auto known = staff_->person(id); !known) co_return no_person(known.error(), id);
  }
  auto recording = recorded(record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return audit_unavailable();
  const std::string deed = std::string(*find_string(record.details, "deed"));
  std::optional<Date> until;
  if (emergency_reason) until = Date(std::chrono::sys_days(today()) + emergency - std::chrono::days(1));
  const std::function<Result<std::vector<reg::Person>>(reg::Register&)> work =
      [=, today = today(), wanted = *role](reg::Register& staff) -> Result<std::vector<reg::Person>> {
    if (!emergency_reason) {
      const auto now = TRY(staff.setting(setting_name));
      if (now == closed)
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
      if (!emergency_reason) TRY(staff.set_setting(setting_name, to_setting(awaited)));
      return note_done(staff, deed);
    }));
    all.resize(people.size());
    return all;
  };
  auto done = co_await register_.write<std::vector<reg::Person>>(work);
  if (!done) {
    note_not_done(std::move(record), done.error());
    co_return not_possible(done.error());
  }
  ended(record);
  people_changed(people);
  people_changed(replaced);
  if (emergency_reason) {
    const auto text = fmt::format(
        "In an emergency (\"{}\") the machine's administrator gave {} the role {} until {} (last day). If "
        "you do not know of it, "
        "tell your team leader.",
        *emergency_reason, names_of(*done), role->title, day_text(*until));
    log(Level::warning, text, {{"CARDGATE_EVENT", "break_glass"}, {"CARDGATE_REASON", *emergency_reason}});
    co_await tell_team(text);
  }
  json::array appointed;
  for (const auto& one : *done) appointed.push_back(person_json(one));
  co_return json_response(200, json::object{{"role", role->name},
                                            {"title", role->title},
                                            {"people", std::move(appointed)},
                                            {"valid_until", day_json(until)}});
}

/// The first sign-in of somebody whom set-up named; the second of the two closes it.
boost::asio::awaitable<void> Gate::signed_in_at_set_up(std::string person) {
  if (setup_closed_) co_return;
  const std::function<Result<bool>(reg::Register&)> work = [person](reg::Register& staff) -> Result<bool> {
    const std::string state = TRY(staff.setting(setting_name));
    if (state == closed) return true;
    auto left = still_to_come(state);
    if (std::erase_if(left, [&](const Awaited& one) { return one.id == person; }) == 0) return false;
    TRY(staff.set_setting(setting_name, left.empty() ? closed : to_setting(left)));
    return left.empty();
  };
  auto outcome = co_await register_.write<bool>(work);
  if (!outcome) {
    log(Level::error, "It could not be kept whether set-up is closed: " + outcome.error().message());
    co_return;
  }
  if (!*outcome || std::exchange(setup_closed_, true)) co_return;
  audit::Record record;
  record.event = "setup";
  record.person = person;
  record.reason = "closed: both have signed in";
  note(std::move(record));
  log(Level::info, "Set-up is closed: both members of the team have signed in.",
      {{"CARDGATE_EVENT", "setup_closed"}});
}

}  // namespace cardgate::daemon
