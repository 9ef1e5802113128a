// SPDX-License-Identifier: Apache-2.0
// What may be seen of others, by whom: the team, the staff, one record. Every look is recorded.
#include <fmt/format.h>

#include <algorithm>

#include "base/unicode.hpp"
#include "daemon/facts.hpp"
#include "daemon/gate.hpp"
#include "daemon/work/answers.hpp"

namespace cardgate::daemon {

/// What the register holds of them; never the reason of a removal.
json::object Gate::person_json(const reg::Person& person) {
  const auto on_day = today();
  const bool left = person.employed_until && *person.employed_until < on_day;
  const bool away = person.leave_from && *person.leave_from <= on_day &&
                    (!person.leave_until || *person.leave_until >= on_day);
  const bool employed = person.employed_from && *person.employed_from <= on_day && !left;
  return {{"id", person.id},
          {"name", person.name},
          {"email", person.email},
          {"line_manager", person.line_manager},
          {"employed_from", day_json(person.employed_from)},
          {"employed_until", day_json(person.employed_until)},
          {"leave_from", day_json(person.leave_from)},
          {"leave_until", day_json(person.leave_until)},
          {"state", person.removed ? "removed"
                    : left         ? "left"
                    : !employed    ? "not employed"
                    : away         ? "on leave"
                                   : "employed"},
          {"teams", json::array(person.teams.begin(), person.teams.end())},
          {"cards", list_json(person.cards)}};
}

/// Which roles they would get, by their active card, what of that ends soon, and what waits to be decided.
json::object Gate::holdings_json(const reg::Person& person) {
  const auto facts = to_facts_with_best_card(person, records());
  json::object out{{"id", person.id},
                   {"name", person.name},
                   {"line_manager", person.line_manager},
                   {"removed", person.removed}};
  json::array roles;
  for (const auto& role : policy_->roles()) {
    const auto way = role.accepts(policy::SignIn::card) ? policy::SignIn::card : policy::SignIn::password;
    const auto decision = policy::decide(*policy_, facts, {role.name, way}, now());
    const bool wanted =
        std::ranges::any_of(person.forms, [&](const reg::Form& form) { return form.role == role.name; });
    if (!decision.allowed && !wanted) continue;
    auto entry = decision_json(role, decision);
    entry["lapses"] = list_json(policy::lapses(*policy_, facts, {role.name, way, now(), lapse_horizon}));
    roles.push_back(std::move(entry));
  }
  json::array open;
  for (const auto& form : person.forms) {
    if (form.state == reg::Form::State::submitted || form.state == reg::Form::State::verified)
      open.push_back(form_json(person, form));
  }
  json::array removals;
  for (const auto& removal : person.removals) {
    using State = reg::Removal::State;
    if (removal.state == State::requested || removal.state == State::restoring)
      removals.push_back(to_json_without_reasons(removal));
  }
  out["roles"] = std::move(roles);
  out["open_forms"] = std::move(open);
  out["open_removals"] = std::move(removals);
  return out;
}

Gate::Answer Gate::show_staff(Request& request, const std::string& id) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  if (id != who.person) {
    who = actor(request, policy::Act::see_people, id);
    if (who.refusal) co_return std::move(*who.refusal);
    if (auto no = note_look(request, who, id, "record")) co_return std::move(*no);
  }
  const auto record = record_of(id);
  if (!record) co_return no_person(record.error(), id);
  auto out = person_json(*record);
  json::array forms;
  for (const auto& form : record->forms) forms.push_back(form_json(*record, form));
  out["forms"] = std::move(forms);
  out["declarations"] = list_json(record->declarations);
  out["training"] = list_json(record->training);
  out["delegations"] = list_json(record->delegations);
  out["standing_in"] = list_json(record->acting);
  out["access"] = holdings_json(*record).at("roles");
  // Why somebody was removed is for those who can give it back.
  if (id != who.person && !may(request, policy::Act::restore_access, id).refusal)
    out["removals"] = list_json(record->removals);
  co_return json_response(200, out);
}

/// The staff of mine and of those for whom I stand in.
Gate::Answer Gate::team(Request& request) {
  Actor who = actor(request, policy::Act::see_people, {});
  if (who.refusal) co_return std::move(*who.refusal);
  const Session& session = *sessions_.find(who.session);
  const auto facts = facts_for(session);
  if (!facts) co_return register_unavailable(facts.error());
  std::vector<policy::Manager> managers{{who.person, std::nullopt}};
  for (const auto& role : policy_->roles()) {
    if (!role.lets(policy::Act::see_people)) continue;
    for (auto& each : policy::managers_in_scope(role, **facts, now())) {
      if (std::ranges::find(managers, each.id, &policy::Manager::id) == managers.end())
        managers.push_back(std::move(each));
    }
  }
  json::array members;
  bool cut = false;
  for (const auto& manager : managers) {
    const auto staff = staff_->people_by(reg::Register::Relation::staff_of, manager.id);
    if (!staff) co_return register_unavailable(staff.error());
    for (const auto& id : *staff) {
      cut = cut || members.size() >= max_listed;
      if (cut || may(request, policy::Act::see_people, id).refusal) continue;
      const auto record = record_of(id);
      if (!record) co_return register_unavailable(record.error());
      members.push_back(holdings_json(*record));
    }
  }
  const auto what = fmt::format("team of {}", members.size());
  if (auto no = note_look(request, who, {}, what)) co_return std::move(*no);
  co_return json_response(200, json::object{{"members", std::move(members)}, {"cut", cut}});
}

namespace {

struct StaffFilter {
  std::string name, role, manager, state, after;
};

constexpr std::string_view states[] = {"employed", "on leave", "left", "not employed", "removed"};

}  // namespace

/// Under a role that opens all records.
Gate::Actor Gate::sees_everybody(const Request& request) {
  Actor who = actor(request, policy::Act::see_people, {});
  if (who.refusal) return who;
  const auto facts = facts_for(*sessions_.find(who.session));
  for (const auto& role : policy_->roles()) {
    const bool all = role.records == "all" || role.records == "by-function";
    if (!facts || !all || !role.lets(policy::Act::see_people)) continue;
    if (!policy::decide(*policy_, **facts, {role.name, policy::SignIn::card}, now()).allowed) continue;
    who.role = role.name;
    return who;
  }
  who.refusal = problem(403, "record_not_yours",
                        "Your role shows your team only: cardgate staff team. Everybody is shown to those "
                        "whose role opens all records.");
  return who;
}

/// Everybody, page by page; read beside the gate's thread and the changes, because a filter may pass over many.
Gate::Answer Gate::list_staff(Request& request) {
  Actor who = sees_everybody(request);
  if (who.refusal) co_return std::move(*who.refusal);
  StaffFilter filter;
  const auto take = [&](std::string_view key, std::string& to) {
    if (const auto* value = request.parameter(key)) to = *value;
  };
  take("name", filter.name);
  take("role", filter.role);
  take("manager", filter.manager);
  take("state", filter.state);
  take("after", filter.after);
  if (!filter.role.empty() && policy_->role(filter.role) == nullptr)
    co_return problem(404, "role_unknown", "There is no role of that name. GET /v1/access lists them.");
  if (!filter.state.empty() && std::ranges::find(states, filter.state) == std::end(states)) {
    co_return problem(400, "bad_request",
                      fmt::format("`state` must be one of: {}.", fmt::join(states, ", ")));
  }
  struct Page {
    std::vector<reg::Person> people;
    std::string next;  // where to go on; empty: that was all
  };
  RegisterThreads::LongWork<Page> work = [filter](const std::filesystem::path& file,
                                                  const std::atomic<bool>& stop) -> Result<Page> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    const auto part = folded_text(filter.name);
    Page out;
    std::size_t seen = 0;
    std::string at = filter.after;
    for (;;) {
      const auto ids =
          TRY(filter.manager.empty() ? staff->ids_after(at, max_listed)
                                     : staff->people_by(reg::Register::Relation::staff_of, filter.manager));
      for (const auto& id : ids) {
        if (stop) return Errc::cancelled;
        if (!filter.manager.empty() && id <= filter.after) continue;
        at = id;
        auto person = staff->person(id);
        if (!person && person.error().code == Errc::not_found) continue;  // gone since the list was read
        if (!person) return person.error();
        if (filter.name.empty() || folded_text(person->name).find(part) != std::string::npos)
          out.people.push_back(*std::move(person));
        if (out.people.size() >= max_listed || ++seen >= max_looked_through) {
          out.next = at;
          return out;
        }
      }
      if (!filter.manager.empty() || ids.size() < max_listed) return out;
    }
  };
  auto page = co_await register_.beside<Page>(std::move(work));
  if (!page) co_return register_unavailable(page.error());
  if (auto over = refuse_if_over(who)) co_return std::move(*over);
  json::array people;
  for (auto& one : page->people) {
    open_acts_.apply(one);
    auto item = person_json(one);
    if (!filter.state.empty() && item.at("state").as_string() != filter.state) continue;
    auto holdings = holdings_json(one);
    const auto& roles = holdings.at("roles").get_array();
    const bool has = std::ranges::any_of(roles, [&](const json::value& each) {
      return each.at("role").as_string() == filter.role && each.at("allowed").as_bool();
    });
    if (!filter.role.empty() && !has) continue;
    item["access"] = roles;
    item["open_forms"] = holdings.at("open_forms");
    people.push_back(std::move(item));
  }
  const auto what = fmt::format("list of {} (name '{}', role '{}', manager '{}', state '{}')", people.size(),
                                filter.name, filter.role, filter.manager, filter.state);
  if (auto no = note_look(request, who, {}, what)) co_return std::move(*no);
  co_return json_response(
      200, json::object{
               {"people", std::move(people)},
               {"next", page->next.empty() ? json::value(nullptr) : json::value(json::string(page->next))}});
}

/// Yes or no for one record: what a system that opens records asks, so that no token lists them.
Gate::Answer Gate::record_allowed(Request& request, const std::string& id) {
  const Peer& peer = *request.peer;
  std::string role_name;
  const Session* session = nullptr;
  if (request.authorization.empty()) {
    const auto* wanted = request.parameter("role");
    if (wanted == nullptr) co_return problem(400, "bad_request", "Give one `role` in the query, or a token.");
    const auto* named = request.parameter("session");
    auto chosen = choose_session(peer, named == nullptr ? std::string() : *named);
    if (chosen.refusal) co_return std::move(*chosen.refusal);
    role_name = *wanted;
    session = chosen.session;
  } else {
    auto bearer = shown_token(request);
    if (bearer.refusal) co_return std::move(*bearer.refusal);
    role_name = bearer.live.claims.role;
    const auto* wanted = request.parameter("role");
    if (wanted != nullptr && *wanted != role_name)
      co_return problem(403, "token_not_for_this", "The token is for another role.");
    session = sessions_.find(bearer.live.claims.sid);
  }
  const auto* role = policy_->role(role_name);
  if (role == nullptr)
    co_return problem(404, "role_unknown", "There is no role of that name. GET /v1/access lists them.");
  const auto refused = [&](Response answer, std::string_view why) {
    audit::Record record;
    record.event = "record_asked";
    record.person = session->person;
    record.session = session->id;
    record.role = role_name;
    record.reason = why;
    record.details["record"] = id;
    refuse(peer, std::move(record));
    return answer;
  };
  const auto no = [&](std::string_view why) {
    return refused(json_response(200, json::object{{"allowed", false}, {"records", role->records}}), why);
  };
  // A token says of itself whether it is live: with its card out for a time of grace it may be.
  if (request.authorization.empty() && (session->locked || session->card_out)) co_return no("locked");
  const auto facts = facts_for(*session);
  if (!facts) co_return register_unavailable(facts.error());
  const auto decision = policy::decide(*policy_, **facts, {role_name, session->sign_in}, now());
  if (!decision.allowed) {
    co_return refused(problem(403, "access_denied", fmt::format("{} is not yours now.", role->title),
                              {{"unmet", to_json(decision.unmet)}}),
                      "role not held");
  }
  const policy::Facts mine = **facts;
  const auto subject = person(id);
  if (!subject && subject.error().code != Errc::not_found) co_return no_person(subject.error(), id);
  // Somebody unknown and somebody else's staff are answered alike.
  if (!subject || !policy::in_scope(*role, mine, id, (*subject)->record.line_manager, now()))
    co_return no("out of scope");
  sessions_.used(session->id, clock_.boot());
  co_return json_response(
      200, json::object{
               {"allowed", true}, {"records", role->records}, {"view_only", role->records == "team-view"}});
}

}  // namespace cardgate::daemon
