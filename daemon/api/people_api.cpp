// SPDX-License-Identifier: Apache-2.0
// What may be seen of others, by whom: the team, the staff, one record. Every look is recorded. Lists are read beside the
// service's thread, a page at a time.
#include "daemon/api/people_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/people/answers.hpp"
#include "daemon/sessions/halt.hpp"
#include "policy/lapses.hpp"

namespace cardgate::daemon {

Answer PeopleApi::show_staff(Request& request, const std::string& given) {
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto meaning = people_.meant(request, given, policy::Act::see_people);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string id = std::move(meant.id);
  const bool other = id != who.person;
  if (other) {
    who = actors_.actor(request, policy::Act::see_people, id);
    if (who.refusal) co_return std::move(*who.refusal);
    if (auto no = people_.note_look(request, who, id, "record")) co_return std::move(*no);
  }
  const auto record = roll_.record_of(id);
  if (!record) co_return no_person(record.error(), id);
  // Why somebody was removed is for those who can give it back.
  const bool tells = other && !actors_.shows(request, policy::Act::restore_access, id).refusal;
  PeopleDesk::PersonWork work = [record = *record, tells](const PeopleView& view, const RecordOf& record_of,
                                                          Names& names) {
    auto out = view.row(record, record_of, names);
    json::array forms;
    for (const auto& form : record.forms) forms.push_back(view.form(record, form, names));
    out["forms"] = std::move(forms);
    out["declarations"] = list_json(record.declarations);
    out["training"] = list_json(record.training, names);
    out["delegations"] = list_json(record.delegations, record, names);
    out["standing_in"] = list_json(record.acting, record, names);
    if (tells) out["removals"] = list_json(record.removals, record, names);
    return out;
  };
  const auto entries = entries_of(*record);
  auto made = co_await people_.make(request, who.person, entries, std::move(work));
  if (made.refusal) co_return std::move(*made.refusal);
  if (auto over = actors_.refuse_if_over(who)) co_return std::move(*over);
  co_return json_response(200, made.body);
}

/// The staff of mine and of those for whom I stand in. A line manager without a role for it is shown names and numbers: without
/// them nobody could verify the first form of all.
Answer PeopleApi::team(Request& request) {
  bool names_only = false;
  const std::function<Actor()> asks = [&] {
    Actor who = actors_.may(request, policy::Act::see_people, {});
    const auto& facts = who.reach.facts;
    names_only = who.refusal && !who.needs_proof && (facts.is_line_manager || !facts.acting.empty());
    if (!names_only) return actors_.actor(request, policy::Act::see_people, {});
    Actor manager = actors_.in_person(request, "line-manager");
    if (manager.refusal) return manager;
    manager.reach = std::move(who.reach);
    manager.reach.roles.clear();
    return manager;
  };
  PeopleDesk::ListWork work = [](reg::Register& staff, const ListAsk& ask, const std::atomic<bool>& stop) {
    const auto& reach = ask.reach;
    if (reach.roles.empty()) return team_names_page(staff, ask, stop);
    std::vector<std::string> managers{reach.facts.person};
    for (const auto* role : reach.roles) {
      for (auto& each : policy::managers_in_scope(*role, reach.facts, reach.today))
        managers.push_back(std::move(each.id));
    }
    return team_page(staff, ask, managers, stop);
  };
  auto listed = co_await people_.list(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  if (names_only != listed.who.reach.roles.empty())
    co_return problem(403, "role_needed", "Your role ended while the list was read.");
  auto& page = listed.page;
  if (auto no = people_.note_list(request, listed.who, page.people, names_only ? "team, names" : "team"))
    co_return std::move(*no);
  co_return json_response(
      200, json::object{
               {"people", std::move(page.rows)}, {"names_only", names_only}, {"next", next_json(page.next)}});
}

namespace {

constexpr std::string_view states[] = {"employed", "on leave", "left", "not employed", "removed"};

}  // namespace

/// Everybody, page by page; a filter may pass over many.
Answer PeopleApi::list_staff(Request& request) {
  StaffFilter filter;
  json::object asked;
  const auto take = [&](std::string_view key, std::string& to) {
    const auto* value = request.parameter(key);
    if (value == nullptr) return;
    to = *value;
    asked[key] = to;
  };
  take("name", filter.name);
  take("role", filter.role);
  take("manager", filter.manager);
  take("state", filter.state);
  // Who asks, before what is asked.
  Actor who = actors_.sees_everybody(request);
  if (who.refusal) co_return std::move(*who.refusal);
  if (!filter.manager.empty()) {
    auto meaning = people_.meant(request, filter.manager, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    filter.manager = std::move(meant.id);
  }
  if (!filter.role.empty() && rules_.policy()->role(filter.role) == nullptr)
    co_return problem(404, "role_unknown", "There is no role with that name. See the roles: cardgate access");
  if (!filter.state.empty() && std::ranges::find(states, filter.state) == std::end(states)) {
    co_return problem(400, "bad_request",
                      fmt::format("`state` must be one of: {}.", fmt::join(states, ", ")));
  }
  const std::function<Actor()> asks = [&] { return actors_.sees_everybody(request); };
  PeopleDesk::ListWork work = [filter](reg::Register& staff, const ListAsk& ask,
                                       const std::atomic<bool>& stop) {
    return staff_page(staff, ask, filter, stop);
  };
  auto listed = co_await people_.list(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  auto& page = listed.page;
  if (auto no = people_.note_list(request, listed.who, page.people, "list", std::move(asked)))
    co_return std::move(*no);
  co_return json_response(200,
                          json::object{{"people", std::move(page.rows)}, {"next", next_json(page.next)}});
}

struct PeopleApi::RecordAsk {
  const Peer& peer;
  std::string record;
  bool by_token = false;  // the program shows a token; else the person has a session here
  std::string role_name{};
  const policy::Role* role = nullptr;
  const Session* session = nullptr;
  policy::Facts facts{};
};

std::optional<Response> PeopleApi::choose(const Request& request, RecordAsk& ask) {
  const auto* wanted = request.parameter("role");
  if (ask.by_token) {
    auto bearer = tokens_.shown_token(request);
    if (bearer.refusal) return std::move(*bearer.refusal);
    ask.role_name = bearer.live.claims.role;
    if (wanted != nullptr && *wanted != ask.role_name)
      return problem(403, "token_not_for_this", "The token is for another role than the one asked for.");
    ask.session = sessions_.find(bearer.live.claims.sid);
  } else {
    if (wanted == nullptr) return problem(400, "bad_request", "Give one `role` in the query, or a token.");
    const auto* named = request.parameter("session");
    auto chosen = sessions_.choose(ask.peer, named == nullptr ? std::string() : *named);
    if (chosen.refusal) return std::move(*chosen.refusal);
    ask.role_name = *wanted;
    ask.session = chosen.session;
  }
  ask.role = rules_.policy()->role(ask.role_name);
  if (ask.role == nullptr)
    return problem(404, "role_unknown", "There is no role with that name. See the roles: cardgate access");
  return std::nullopt;
}

Response PeopleApi::refused(const RecordAsk& ask, Response answer, std::string_view why) {
  audit::Record record;
  record.event = name_of(audit::Event::record_asked);
  record.person = ask.session->person;
  record.session = ask.session->id;
  record.role = ask.role_name;
  record.reason = why;
  record.details["record"] = ask.record;
  recorder_.refuse(ask.peer, std::move(record));
  return answer;
}

Response PeopleApi::not_allowed(const RecordAsk& ask, std::string_view why) {
  return refused(ask, json_response(200, json::object{{"allowed", false}, {"records", ask.role->records}}),
                 why);
}

std::optional<Response> PeopleApi::refuse_without_role(RecordAsk& ask) {
  const Session& session = *ask.session;
  // A token says of itself whether it is live: with its card out for a time of grace it may be. Nor does it outlive its role.
  const Terms terms = session.asked_by(*ask.role);
  if (!ask.by_token && halt(session, terms, clock_.boot()) != Halt::none) return not_allowed(ask, "locked");
  if (!ask.by_token && terms.max_session && session.signed_in + *terms.max_session <= clock_.now())
    return not_allowed(ask, "role's time over");
  auto facts = sessions_.facts_for(session);
  if (!facts) return register_unavailable(facts.error());
  ask.facts = std::move(*facts);
  const auto decision =
      policy::decide(*rules_.policy(), ask.facts, {ask.role_name, session.sign_in}, clock_.now());
  if (decision.allowed) return std::nullopt;
  return refused(
      ask,
      problem(403, "access_denied", fmt::format("You do not have the role {} now.", ask.role->title),
              {{"unmet", to_json(decision.unmet)}}),
      "role not held");
}

/// Yes or no for one record: what a system that opens records asks, so that no token lists them.
Answer PeopleApi::record_allowed(Request& request, const std::string& given) {
  RecordAsk ask{*request.peer, given, !request.authorization.empty()};
  // Systems that open records give numbers.
  if (!ask.by_token) {
    auto meaning = people_.meant(request, given, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal && meant.refusal->status == 409) co_return std::move(*meant.refusal);
    ask.record = std::move(meant.id);
  }
  if (auto no = choose(request, ask)) co_return std::move(*no);
  if (auto no = refuse_without_role(ask)) co_return std::move(*no);
  const auto subject = roll_.person(ask.record);
  if (!subject && subject.error().code != Errc::not_found) co_return no_person(subject.error(), ask.record);
  // Somebody unknown and somebody else's staff are answered alike.
  if (!subject ||
      !policy::in_scope(*ask.role, ask.facts, ask.record, (*subject)->record.line_manager, clock_.today()))
    co_return not_allowed(ask, "out of scope");
  const Terms terms = ask.session->asked_by(*ask.role);
  sessions_.used_in(ask.session->id, ask.role_name, terms);
  co_return json_response(200, json::object{{"allowed", true},
                                            {"records", ask.role->records},
                                            {"view_only", ask.role->records == "team-view"}});
}

Answer PeopleApi::access(Request& request) {
  const std::string* wanted = request.parameter("role");
  const std::string* named = request.parameter("session");
  auto chosen = sessions_.choose(*request.peer, named == nullptr ? std::string() : *named);
  if (chosen.refusal) co_return std::move(*chosen.refusal);
  const Session& session = *chosen.session;
  const auto facts = sessions_.facts_for(session);
  if (!facts) co_return register_unavailable(facts.error());
  if (wanted != nullptr && rules_.policy()->role(*wanted) == nullptr) {
    co_return problem(404, "role_unknown", "There is no role with that name. See the roles: cardgate access");
  }
  const std::string id = session.id;
  const std::string who = session.person;
  auto whose = person_json(session.person, session.person_name);
  const std::string role_name = wanted == nullptr ? std::string() : *wanted;
  PeopleDesk::PersonWork work = [facts = *facts, role_name, way = session.sign_in](const PeopleView& view,
                                                                                   const RecordOf&, Names&) {
    json::array roles;
    std::set<std::pair<std::string, std::string>> lapsing;  // what ends several roles is one thing
    for (const auto& role : view.policy->roles()) {
      if (!role_name.empty() && role.name != role_name) continue;
      auto entry =
          decision_json(*view.policy, role, policy::decide(*view.policy, facts, {role.name, way}, view.now));
      const auto lapses =
          policy::lapses(*view.policy, facts, {role.name, way, policy::Day(view.today()), lapse_horizon});
      for (const auto& lapse : lapses) lapsing.emplace(to_text(lapse.date), lapse.title);
      entry["lapses"] = list_json(lapses);
      roles.push_back(std::move(entry));
    }
    return json::object{{"roles", std::move(roles)}, {"lapsing", lapsing.size()}};
  };
  const auto entries = entries_of(*facts);
  auto made = co_await people_.make(request, who, entries, std::move(work));
  if (made.refusal) co_return std::move(*made.refusal);
  if (sessions_.find(id) == nullptr)
    co_return problem(401, "no_session", "Your session has ended. Sign in again: cardgate login");
  made.body["person"] = std::move(whose);
  co_return json_response(200, made.body);
}

}  // namespace cardgate::daemon
