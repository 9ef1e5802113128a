// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/set_up_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/names.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_appointed = 10;
constexpr std::chrono::days emergency_lasts{7};

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

/// Whom set-up, or root in an emergency, gives the role. Holds values alone, because it goes to the register's thread.
struct SetUpApi::Appointment {
  std::vector<std::string> people;
  std::optional<std::string> emergency;  // why; nothing: this is set-up
  std::string state;                     // how far set-up was before the first wait
  policy::Role role;
  std::vector<Awaited> before;        // whom set-up named until now, and who never came
  std::vector<std::string> replaced;  // those of them who are not named again
  std::string deed;
  Date today{};
  std::optional<Date> until;  // the last day; nothing: for good

  std::string reason() const { return emergency.value_or("set-up"); }
  audit::Record record(const Peer& peer) const;
  /// On the register's thread: `people` as they are then. Errors: permission_denied (set-up went on meanwhile); of the
  /// register.
  Result<std::vector<reg::Person>> carry_out(reg::Register& staff) const;

 private:
  Result<void> still_as_seen(reg::Register& staff) const;
  /// `each` are `people`, then `replaced`. Whom set-up waits for now.
  std::vector<Awaited> give_and_take(std::vector<reg::Person>& each) const;
};

audit::Record SetUpApi::Appointment::record(const Peer& peer) const {
  audit::Record record;
  record.event = name_of(emergency ? audit::Event::break_glass : audit::Event::setup);
  record.person = people.front();
  record.client = describe(peer);
  record.reason = reason();
  record.role = role.name;
  record.details["people"] = json::array(people.begin(), people.end());
  if (!replaced.empty()) record.details["instead_of"] = json::array(replaced.begin(), replaced.end());
  return record;
}

Result<void> SetUpApi::Appointment::still_as_seen(reg::Register& staff) const {
  const auto now = TRY(staff.setting(SetUp::setting));
  if (now == SetUp::closed)
    return Error{Errc::permission_denied, "Set-up has just been closed, so the team gives access now"};
  if (now != state) return Error{Errc::permission_denied, "One of the two has just signed in. Try again"};
  return {};
}

std::vector<Awaited> SetUpApi::Appointment::give_and_take(std::vector<reg::Person>& each) const {
  std::vector<Awaited> awaited;
  for (std::size_t i = 0; i < each.size(); ++i) {
    const auto named = std::ranges::find(before, each[i].id, &Awaited::id);
    const auto given = named == before.end() ? std::vector<std::string>() : named->teams;
    if (i >= people.size()) {
      dismiss(each[i], role, given, today);
      continue;
    }
    awaited.push_back({each[i].id, given});
    if (!emergency && appointed_already(each[i], role)) continue;
    auto& teams = awaited.back().teams;
    for (auto& team : teams_to_give(each[i], role)) teams.push_back(std::move(team));
    appoint(each[i], role, reason(), today, until);
  }
  return awaited;
}

Result<std::vector<reg::Person>> SetUpApi::Appointment::carry_out(reg::Register& staff) const {
  if (!emergency) TRY(still_as_seen(staff));
  auto changed = people;
  changed.insert(changed.end(), replaced.begin(), replaced.end());
  auto all = TRY(staff.change_several(changed, [&](std::vector<reg::Person>& each) -> Result<void> {
    const auto awaited = give_and_take(each);
    if (!emergency) TRY(staff.set_setting(SetUp::setting, SetUp::text_of(awaited)));
    return note_done(staff, deed);
  }));
  all.resize(people.size());
  return all;
}

SetUpApi::Refusal SetUpApi::refuse_by_state(Appointment& wanted) {
  auto state = roll_.staff().setting(SetUp::setting);
  if (!state) return register_unavailable(state.error());
  wanted.state = std::move(*state);
  const bool closed = wanted.state == SetUp::closed;
  if (closed && !wanted.emergency) {
    return problem(403, "setup_closed",
                   "Set-up is closed: the team gives access now. In an emergency: cardgate setup "
                   "--break-glass REASON. Every member of the team is told.");
  }
  if (!closed && wanted.emergency) {
    return problem(422, "not_possible",
                   "Set-up is still open, so there is no need for an emergency. Name the two people: "
                   "cardgate setup --person "
                   "NUMBER --person NUMBER");
  }
  return std::nullopt;
}

boost::asio::awaitable<SetUpApi::Refusal> SetUpApi::find_people(Request& request, Appointment& wanted) {
  for (auto& one : wanted.people) {
    auto meaning = people_.meant(request, one, policy::Act::approve_forms);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(meant.refusal);
    one = std::move(meant.id);
  }
  const auto& people = wanted.people;
  if (!wanted.emergency && (people.size() != 2 || people[0] == people[1])) {
    co_return problem(422, "not_possible",
                      "Set-up appoints two people, because nobody approves alone. Name two.");
  }
  wanted.before = SetUp::still_to_come(wanted.state);
  for (const auto& one : wanted.before) {
    if (std::ranges::find(people, one.id) == people.end()) wanted.replaced.push_back(one.id);
  }
  co_return std::nullopt;
}

SetUpApi::Refusal SetUpApi::choose_role(Appointment& wanted) {
  const auto policy = rules_.policy();
  const auto role = std::ranges::find_if(
      policy->roles(), [](const auto& each) { return each.lets(policy::Act::approve_forms); });
  if (role == policy->roles().end()) {
    return problem(422, "not_possible",
                   "The policy has no role that may approve forms, so there is nobody to appoint.");
  }
  wanted.role = *role;  // a reload may come in between
  return std::nullopt;
}

SetUpApi::Refusal SetUpApi::refuse_unknown(const Appointment& wanted) {
  for (const auto& id : wanted.people) {
    if (const auto known = roll_.staff().person(id); !known) return no_person(known.error(), id);
  }
  return std::nullopt;
}

boost::asio::awaitable<void> SetUpApi::tell_of_emergency(const Appointment& given,
                                                         const std::vector<reg::Person>& people) {
  const auto text = fmt::format(
      "In an emergency (\"{}\") the machine's administrator gave {} the role {} until {} (last day). If "
      "you do not know of it, "
      "tell your team leader.",
      *given.emergency, names_of(people), given.role.title, day_text(*given.until));
  log(audit::Event::break_glass, text, {{"CARDGATE_REASON", *given.emergency}});
  co_await notices_.tell_team(text);
}

Answer SetUpApi::set_up(Request& request) {
  Appointment wanted;
  auto body = proto::Body::parse(request.body);
  wanted.people = body.texts("people", max_appointed);
  wanted.emergency = body.optional_text("break_glass", proto::max_reason_bytes);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  if (!recorder_.works()) co_return recorder_.unavailable();
  if (auto no = refuse_by_state(wanted)) co_return std::move(*no);
  auto finding = find_people(request, wanted);
  if (auto no = co_await std::move(finding)) co_return std::move(*no);
  if (auto no = choose_role(wanted)) co_return std::move(*no);
  if (auto no = refuse_unknown(wanted)) co_return std::move(*no);

  auto record = wanted.record(*request.peer);
  auto recording = deeds_.recorded(record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  wanted.deed = Deeds::id_of(record);
  wanted.today = clock_.today();
  if (wanted.emergency)
    wanted.until = Date(std::chrono::sys_days(wanted.today) + emergency_lasts - std::chrono::days(1));
  const std::function<Result<std::vector<reg::Person>>(reg::Register&)> work =
      [wanted](reg::Register& staff) { return wanted.carry_out(staff); };
  auto writing = register_.write<std::vector<reg::Person>>(work);
  auto done = co_await std::move(writing);
  if (!done) {
    deeds_.note_not_done(std::move(record), done.error());
    co_return not_possible(done.error());
  }
  deeds_.ended(record);
  sessions_.people_changed(wanted.people);
  sessions_.people_changed(wanted.replaced);
  if (wanted.emergency) {
    auto telling = tell_of_emergency(wanted, *done);
    co_await std::move(telling);
  }
  json::array appointed;
  for (const auto& one : *done) appointed.push_back(person_json(one));
  co_return json_response(200, json::object{{"role", wanted.role.name},
                                            {"title", wanted.role.title},
                                            {"people", std::move(appointed)},
                                            {"valid_until", day_json(wanted.until)}});
}

Answer SetUpApi::show(Request&) {
  const auto state = roll_.staff().setting(SetUp::setting);
  if (!state) co_return register_unavailable(state.error());
  const auto awaited = SetUp::still_to_come(*state);
  Names names(roll_.staff());
  json::array waits_for;
  for (const auto& one : awaited) waits_for.push_back(names.person(one.id));
  const std::string_view word = *state == SetUp::closed ? "closed"
                                : awaited.empty()       ? "not begun"
                                                        : "waiting";
  co_return json_response(200, json::object{{"state", word}, {"waits_for", std::move(waits_for)}});
}

}  // namespace cardgate::daemon
