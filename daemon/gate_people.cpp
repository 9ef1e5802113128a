// SPDX-License-Identifier: Apache-2.0
// What may be seen of others, by whom: the team, the staff, one record. Every look is recorded. Lists are read beside the
// gate's thread, a page at a time.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/gate.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {

boost::asio::awaitable<Gate::Listed> Gate::list_beside(const Request& request,
                                                       const std::function<Actor()>& asks, ListWork work) {
  Listed out;
  out.who = asks();
  if (out.who.refusal) {
    out.refusal = std::move(out.who.refusal);
    co_return out;
  }
  auto begun = dear_calls_.begin(request.peer->counted_as, out.who.person, clock_.boot());
  if (!begun.turn) {
    out.refusal = std::move(begun.refusal);
    co_return out;
  }
  const auto* after = request.parameter("after");
  RegisterThreads::LongWork<PeoplePage> reading =
      [work = std::move(work),
       ask = ListAsk{view(), out.who.reach, after == nullptr ? std::string() : *after}](
          const std::filesystem::path& file, const std::atomic<bool>& stop) -> Result<PeoplePage> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    return work(*staff, ask, stop);
  };
  auto page = co_await register_.look<PeoplePage>(std::move(reading));
  if (!page) {
    out.refusal = register_unavailable(page.error());
    co_return out;
  }
  begun.turn->read(page->read, clock_.boot());
  // What lets them see it may have ended while it was read.
  out.refusal = refuse_if_over(out.who);
  if (!out.refusal) out.refusal = asks().refusal;
  out.page = std::move(*page);
  co_return out;
}

boost::asio::awaitable<Gate::Made> Gate::make_of_person(const Request& request, std::string who,
                                                        std::size_t entries, PersonWork work) {
  if (entries <= few_entries) {
    // Not one call like another: its rate is paid for by what it costs.
    if (!request.peer->admin_socket)
      request_rate_.charge(request.peer->counted_as, clock_.boot(),
                           static_cast<double>(entries) / entries_per_request);
    Names names(*staff_);
    co_return Made{std::nullopt, work(view(), records(), names)};
  }
  auto begun = dear_calls_.begin(request.peer->counted_as, who, clock_.boot());
  if (!begun.turn) co_return Made{std::move(begun.refusal), {}};
  RegisterThreads::LongWork<json::object> making = [work = std::move(work), view = view()](
                                                       const std::filesystem::path& file,
                                                       const std::atomic<bool>&) -> Result<json::object> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    Names names(*staff);
    return work(view, view.records(*staff), names);
  };
  auto made = co_await register_.look<json::object>(std::move(making));
  if (!made) co_return Made{register_unavailable(made.error()), {}};
  begun.turn->read(entries, clock_.boot());
  co_return Made{std::nullopt, std::move(*made)};
}

Gate::Answer Gate::show_staff(Request& request, const std::string& given) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto meaning = person_meant(request, given, policy::Act::see_people);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string id = std::move(meant.id);
  const bool other = id != who.person;
  if (other) {
    who = actor(request, policy::Act::see_people, id);
    if (who.refusal) co_return std::move(*who.refusal);
    if (auto no = note_look(request, who, id, "record")) co_return std::move(*no);
  }
  const auto record = record_of(id);
  if (!record) co_return no_person(record.error(), id);
  // Why somebody was removed is for those who can give it back.
  const bool tells = other && !may(request, policy::Act::restore_access, id).refusal;
  PersonWork work = [record = *record, tells](const PeopleView& view, const RecordOf& record_of,
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
  auto made = co_await make_of_person(request, who.person, entries, std::move(work));
  if (made.refusal) co_return std::move(*made.refusal);
  if (auto over = refuse_if_over(who)) co_return std::move(*over);
  co_return json_response(200, made.body);
}

/// The staff of mine and of those for whom I stand in. A line manager without a role for it is shown names and numbers: without
/// them nobody could verify the first form of all.
Gate::Answer Gate::team(Request& request) {
  bool names_only = false;
  const std::function<Actor()> asks = [&] {
    Actor who = may(request, policy::Act::see_people, {});
    const auto& facts = who.reach.facts;
    names_only = who.refusal && (facts.is_line_manager || !facts.acting.empty());
    if (!names_only) return actor(request, policy::Act::see_people, {});
    Actor manager = myself(request);
    manager.reach = std::move(who.reach);
    manager.reach.roles.clear();
    return manager;
  };
  ListWork work = [](reg::Register& staff, const ListAsk& ask, const std::atomic<bool>& stop) {
    const auto& reach = ask.reach;
    if (reach.roles.empty()) return team_names_page(staff, ask, stop);
    std::vector<std::string> managers{reach.facts.person};
    for (const auto* role : reach.roles) {
      for (auto& each : policy::managers_in_scope(*role, reach.facts, reach.now))
        managers.push_back(std::move(each.id));
    }
    return team_page(staff, ask, managers, stop);
  };
  auto listed = co_await list_beside(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  if (names_only != listed.who.reach.roles.empty())
    co_return problem(403, "role_needed", "Your role ended while the list was read.");
  auto& page = listed.page;
  if (auto no = note_list(request, listed.who, page.people, names_only ? "team, names" : "team"))
    co_return std::move(*no);
  co_return json_response(
      200, json::object{
               {"people", std::move(page.rows)}, {"names_only", names_only}, {"next", next_json(page.next)}});
}

namespace {

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
  who.refusal =
      problem(403, "record_not_yours", "Your role shows you your own team only. See it: cardgate staff team");
  return who;
}

/// Everybody, page by page; a filter may pass over many.
Gate::Answer Gate::list_staff(Request& request) {
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
  Actor who = sees_everybody(request);
  if (who.refusal) co_return std::move(*who.refusal);
  if (!filter.manager.empty()) {
    auto meaning = person_meant(request, filter.manager, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    filter.manager = std::move(meant.id);
  }
  if (!filter.role.empty() && policy_->role(filter.role) == nullptr)
    co_return problem(404, "role_unknown", "There is no role with that name. See the roles: cardgate access");
  if (!filter.state.empty() && std::ranges::find(states, filter.state) == std::end(states)) {
    co_return problem(400, "bad_request",
                      fmt::format("`state` must be one of: {}.", fmt::join(states, ", ")));
  }
  const std::function<Actor()> asks = [&] { return sees_everybody(request); };
  ListWork work = [filter](reg::Register& staff, const ListAsk& ask, const std::atomic<bool>& stop) {
    return staff_page(staff, ask, filter, stop);
  };
  auto listed = co_await list_beside(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  auto& page = listed.page;
  if (auto no = note_list(request, listed.who, page.people, "list", std::move(asked)))
    co_return std::move(*no);
  co_return json_response(200,
                          json::object{{"people", std::move(page.rows)}, {"next", next_json(page.next)}});
}

/// Yes or no for one record: what a system that opens records asks, so that no token lists them.
Gate::Answer Gate::record_allowed(Request& request, const std::string& given) {
  const Peer& peer = *request.peer;
  std::string id = given;
  // Systems that open records give numbers.
  if (request.authorization.empty()) {
    auto meaning = person_meant(request, given, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal && meant.refusal->status == 409) co_return std::move(*meant.refusal);
    id = std::move(meant.id);
  }
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
      co_return problem(403, "token_not_for_this", "The token is for another role than the one asked for.");
    session = sessions_.find(bearer.live.claims.sid);
  }
  const auto* role = policy_->role(role_name);
  if (role == nullptr)
    co_return problem(404, "role_unknown", "There is no role with that name. See the roles: cardgate access");
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
    co_return refused(
        problem(403, "access_denied", fmt::format("You do not have the role {} now.", role->title),
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
