// SPDX-License-Identifier: Apache-2.0
// The first members of the team, named by root; and what root may do afterwards only by breaking the glass.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/gate.hpp"
#include "daemon/import_words.hpp"
#include "daemon/journal.hpp"
#include "daemon/work/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

constexpr const char* setting_name =
    "setup";  // nothing | the ids still to sign in, separated by spaces | closed
constexpr const char* closed = "closed";
constexpr std::size_t max_appointed = 10;
constexpr std::chrono::days emergency{7};

/// Gives the role what another person would have given: the team and an approved form. The declaration stays theirs to sign.
void appoint(reg::Person& person, const policy::Role& role, const std::string& reason, Date today,
             std::optional<Date> until) {
  for (const auto& wanted : role.requires_all) {
    if (wanted.kind == policy::Prerequisite::Kind::team &&
        std::ranges::find(person.teams, wanted.subject) == person.teams.end()) {
      person.teams.push_back(wanted.subject);
    }
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

/// Takes back the form that appoint() gave to somebody who never signed in; the team alone opens nothing.
void dismiss(reg::Person& person, const policy::Role& role, Date today) {
  for (auto& form : person.forms) {
    if (form.role != role.name || form.approved_by != reg::root_name ||
        form.state != reg::Form::State::approved)
      continue;
    form.state = reg::Form::State::withdrawn;
    form.closed_by = reg::root_name;
    form.closed_on = today;
    form.closed_reason = "set-up named somebody else";
  }
}

/// Of the setting: who is still to sign in.
std::vector<std::string> still_to_come(std::string_view state) {
  std::vector<std::string> ids;
  if (state == closed) return ids;
  for (std::size_t at = 0; at < state.size();) {
    const auto end = std::min(state.find(' ', at), state.size());
    ids.emplace_back(state.substr(at, end - at));
    at = end + 1;
  }
  return ids;
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
    log(Level::error, "the team could not be told that the glass was broken: " + members.error().message(),
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
                      "--break-glass REASON, which "
                      "every member of the team is told.");
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
  record.client = describe_peer(*request.peer);
  record.reason = emergency_reason.value_or("set-up");
  record.role = role->name;
  record.details["people"] = json::array(people.begin(), people.end());
  std::vector<std::string> replaced;  // whom set-up named before, and who never came
  if (!emergency_reason) replaced = still_to_come(*state);
  std::erase_if(replaced,
                [&](const std::string& id) { return std::ranges::find(people, id) != people.end(); });
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
      const auto before = TRY(staff.setting(setting_name));
      if (before == closed)
        return Error{Errc::permission_denied, "Set-up was closed at this moment: the team gives access now"};
      if (before != *state)
        return Error{Errc::permission_denied, "One of them signed in at this moment: try again"};
    }
    auto changed = people;
    changed.insert(changed.end(), replaced.begin(), replaced.end());
    auto all = TRY(staff.change_several(changed, [&](std::vector<reg::Person>& each) -> Result<void> {
      for (std::size_t i = 0; i < each.size(); ++i) {
        if (!emergency_reason) dismiss(each[i], wanted, today);  // named again: no second form
        if (i < people.size()) appoint(each[i], wanted, emergency_reason.value_or("set-up"), today, until);
      }
      if (!emergency_reason) TRY(staff.set_setting(setting_name, people[0] + " " + people[1]));
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
    log(Level::warning, "root broke the glass: " + *emergency_reason, {{"CARDGATE_EVENT", "break_glass"}});
    const auto text = fmt::format("root appointed {} to {} until {} by breaking the glass: {}",
                                  fmt::join(people, ", "), role->title, to_text(*until), *emergency_reason);
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
    if (std::erase(left, person) == 0) return false;
    TRY(staff.set_setting(setting_name, left.empty() ? closed : fmt::format("{}", fmt::join(left, " "))));
    return left.empty();
  };
  auto outcome = co_await register_.write<bool>(work);
  if (!outcome) {
    log(Level::error, "whether set-up is closed could not be kept: " + outcome.error().message());
    co_return;
  }
  if (!*outcome || std::exchange(setup_closed_, true)) co_return;
  audit::Record record;
  record.event = "setup";
  record.person = person;
  record.reason = "closed: both have signed in";
  note(std::move(record));
  log(Level::info, "set-up is closed: both members of the team have signed in",
      {{"CARDGATE_EVENT", "setup_closed"}});
}

}  // namespace cardgate::daemon
