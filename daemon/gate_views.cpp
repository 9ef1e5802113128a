// SPDX-License-Identifier: Apache-2.0
// What may be looked at: own sessions and access, readers, downtime, counters. Others' business is not shown
// (rule 10).
#include <fmt/format.h>

#include "daemon/cards/card_name.hpp"
#include "daemon/cards/tries.hpp"
#include "daemon/gate.hpp"
#include "daemon/holder.hpp"
#include "daemon/journal.hpp"
#include "daemon/work/answers.hpp"
#include "policy/lapses.hpp"
#include "proto/openapi.hpp"

namespace cardgate::daemon {
namespace {

std::string_view state_name(Reader::State state) {
  switch (state) {
    case Reader::State::reading:
      return "reading";
    case Reader::State::ready:
      return "ready";
    case Reader::State::unusable:
    case Reader::State::empty:
      break;
  }
  return "unusable";
}

json::value lists_json(const trust::ListTimes& lists) {
  if (lists.count == 0)
    return json::object{{"count", 0}, {"oldest_made_at", nullptr}, {"first_ends_at", nullptr}};
  return json::object{{"count", lists.count},
                      {"oldest_made_at", to_rfc3339(lists.oldest)},
                      {"first_ends_at", to_rfc3339(lists.first_due)}};
}

}  // namespace

Gate::Answer Gate::status(Request& request) {
  const Peer& peer = *request.peer;
  const auto health = log_->health();
  json::array problems;
  if (!health.ok)
    problems.push_back(
        json::string("The audit log cannot be written, so no tokens are issued: " + health.problem));
  const auto owed = open_acts_.owed().size();
  if (owed > 0) {
    problems.push_back(
        json::string(fmt::format("{} changes that take access away are in force, but not yet in the staff "
                                 "register, because it cannot be written.",
                                 owed)));
  }
  if (const auto unsure = open_acts_.problem(); !unsure.empty())
    problems.push_back(json::string("The reserve file for changes that have begun has a problem: " + unsure));
  if (health.late > 0) {
    problems.push_back(json::string(
        fmt::format("{} audit records wait until the audit log can be written{}.", health.late,
                    health.late_unsafe > 0
                        ? fmt::format("; {} of them are only in memory, and are lost when the service stops",
                                      health.late_unsafe)
                        : std::string())));
  }
  if (!health.late_problem.empty())
    problems.push_back(
        json::string("The reserve file for late audit records has a problem: " + health.late_problem));
  if (health.ok && !health.problem.empty())
    problems.push_back(json::string("The audit log warns: " + health.problem));
  if (const auto there = staff_->in_place(); !there) register_.failed(there.error());
  if (!register_.problem().empty()) problems.push_back(json::string(register_.problem()));
  if (!register_problem_.empty()) problems.push_back(json::string(register_problem_));
  if (!passwords_.problem().empty()) problems.push_back(json::string(passwords_.problem()));
  if (!trust_problem_.empty()) problems.push_back(json::string(trust_problem_));
  if (!readers_.service_up()) problems.push_back(json::string(readers_.service_problem()));
  look_at_clock();  // so that a clock set back since the last call is noticed
  if (const auto back = wall_.set_back_by()) {
    problems.push_back(json::string(fmt::format("The clock was set back by {} s.", back->count())));
  }
  const auto configuration = configuration_.told();
  if (configuration.state == ConfigurationInUse::State::refused)
    problems.push_back(json::string(configuration.text));
  const auto lists = judge_->authorities().list_times();
  const auto told_of_lists = told_of_overdue(lists, now());
  const bool lists_overdue = told_of_lists && !judge_->fetches() && now() > lists.first_due;
  if (lists_overdue) problems.push_back(json::string(*told_of_lists));
  const bool sound = problems.empty();
  // Told, but nothing that the service does is worse for it.
  if (configuration.state == ConfigurationInUse::State::changed)
    problems.push_back(json::string(configuration.text));
  if (told_of_lists && !lists_overdue) problems.push_back(json::string(*told_of_lists));
  const auto people = people_count_.of(*staff_, clock_.boot());
  if (people == 0U) {
    problems.push_back(
        json::string("0 people are registered, so nobody can sign in. Import your staff file: cardgate staff "
                     "import FILE"));
  }
  for (const auto& told : told_at_start_) problems.push_back(json::string(told));
  for (const auto& told : told_of_passed_over(judge_->authorities(), now()))
    problems.push_back(json::string(told));
  json::array readers;
  for (const auto& [reader_name, reader] : readers_.all()) {
    // What was found of a card holds until the answers about it end.
    if (reader.card && reader.card->verdict.valid &&
        (now() > reader.card->verdict.good_until ||
         (reader.card->verdict.revocation == "good" && now() > reader.card->verdict.fresh_until)))
      judge_card(reader_name);
    json::object entry{{"name", reader_name}, {"card_present", reader.state != Reader::State::empty}};
    if (reader.state != Reader::State::empty && may_sign_in_at(peer, reader_name)) {
      json::object card{{"state", state_name(reader.state)}};
      if (reader.state == Reader::State::unusable) card["problem"] = reader.problem;
      if (reader.state == Reader::State::ready) {
        card["id"] = reader.card->id;
        if (reader.card->info.subject_fields.contains("CN"))
          card["name"] = certificate_name(reader.card->info);
        const auto* chuid = reader.card->chuid ? &*reader.card->chuid : nullptr;
        if (const auto holder = find_holder(*staff_, config_.mapping, reader.card->info, chuid))
          card["registered"] = holder->people.size() == 1;
        if (reader.card->named_by_certificate) {
          card["issuer_serial"] = fmt::format("{};{}", reader.card->info.issuer, reader.card->info.serial);
        }
        card["tries_left"] = tries_json(reader.tries_left);
        if (reader.unblocking_tries_left != tries_unknown)
          card["unblocking_tries_left"] = reader.unblocking_tries_left;
        card["genuine"] = reader.card->present ? "shown" : "not shown";
        card["transaction"] = reader.card->driver->transaction_guaranteed() ? "guaranteed" : "not guaranteed";
        card["certificate_expires_at"] = to_rfc3339(reader.card->info.not_after);
        card["revocation"] = reader.card->verdict.revocation;
        if (const auto warning = certificate_warning(reader.card->info, now())) card["warning"] = *warning;
        if (reader.tries_left == 0) {
          card["problem"] =
              "The card is blocked, because the passcode was wrong too many times. Take it to the smartcard "
              "help desk to have it unblocked.";
        }
        if (!reader.card->verdict.valid && !reader.card->verdict.findings.empty()) {
          card["problem"] = trust::explain(reader.card->verdict.findings.front());
        }
      }
      entry["card"] = std::move(card);
    }
    readers.push_back(std::move(entry));
  }
  json::array downtime;
  for (const auto& notice : config_.downtime) {
    if (notice.until <= now()) continue;
    downtime.push_back(json::object{{"severity", notice.severity},
                                    {"begins_at", to_rfc3339(notice.from)},
                                    {"ends_at", to_rfc3339(notice.until)},
                                    {"text", notice.text}});
  }
  json::object service{{"people_registered", people ? json::value(*people) : json::value(nullptr)},
                       {"configuration", name(configuration.state)},
                       {"revocation_lists", lists_json(lists)}};
  const std::string_view state = shutting_down_ ? "draining" : sound ? "ok" : "degraded";
  service["version"] = CARDGATE_VERSION;
  service["state"] = state;
  service["problems"] = std::move(problems);
  service["audit"] = health.ok ? "ok" : "failing";
  service["late_records"] = health.late;
  service["unwritten_acts"] = owed;
  service["pcscd"] = readers_.service_up() ? "ok" : "unreachable";
  service["policy"] = policy_->hash();
  co_return json_response(200, json::object{{"service", std::move(service)},
                                            {"readers", std::move(readers)},
                                            {"downtime", std::move(downtime)}});
}

Gate::Answer Gate::events(Request& request) {
  const Peer& peer = *request.peer;
  if (events_.listeners_of(peer.counted_as) >= static_cast<std::size_t>(config_.limits.listeners_per_uid)) {
    co_return problem(
        429, "too_many_listeners",
        "Too many programs of this user of the machine are already listening. Close one of them.");
  }
  Response answer;
  answer.listener =
      events_.listen(peer.uid, peer.counted_as, static_cast<std::size_t>(config_.limits.listener_queue));
  co_return answer;
}

Gate::Answer Gate::list_sessions(Request& request) {
  json::array list;
  const Peer& peer = *request.peer;
  for (const Session* session : peer.admin_socket ? sessions_.all() : sessions_.of_uid(peer.uid)) {
    list.push_back(session_json(*session));
  }
  co_return json_response(200, json::object{{"sessions", std::move(list)}});
}

Gate::Answer Gate::show_session(Request& request, const std::string& id) {
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0)) {
    co_return problem(404, "not_found", "There is no such session. It may have ended.");
  }
  co_return json_response(200, session_json(*session));
}

Gate::Answer Gate::end_session(Request& request, const std::string& id) {
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0)) {
    co_return problem(404, "not_found", "There is no such session. It may have ended.");
  }
  apply(sessions_.end(id, EndReason::signed_out));
  co_await noted();
  co_return no_content();
}

Gate::Answer Gate::access(Request& request) {
  const std::string* wanted = request.parameter("role");
  const std::string* named = request.parameter("session");
  auto chosen = choose_session(*request.peer, named == nullptr ? std::string() : *named);
  if (chosen.refusal) co_return std::move(*chosen.refusal);
  const Session& session = *chosen.session;
  const auto facts = facts_for(session);
  if (!facts) co_return register_unavailable(facts.error());
  if (wanted != nullptr && policy_->role(*wanted) == nullptr) {
    co_return problem(404, "role_unknown", "There is no role with that name. See the roles: cardgate access");
  }
  const std::string id = session.id;
  const std::string who = session.person;
  auto whose = person_json(session.person, session.person_name);
  const std::string role_name = wanted == nullptr ? std::string() : *wanted;
  PersonWork work = [facts = **facts, role_name, way = session.sign_in](const PeopleView& view,
                                                                        const RecordOf&, Names&) {
    json::array roles;
    std::set<std::pair<std::string, std::string>> lapsing;  // what ends several roles is one thing
    for (const auto& role : view.policy->roles()) {
      if (!role_name.empty() && role.name != role_name) continue;
      auto entry = decision_json(role, policy::decide(*view.policy, facts, {role.name, way}, view.now));
      const auto lapses = policy::lapses(*view.policy, facts, {role.name, way, view.now, lapse_horizon});
      for (const auto& lapse : lapses) lapsing.emplace(to_text(lapse.date), lapse.title);
      entry["lapses"] = list_json(lapses);
      roles.push_back(std::move(entry));
    }
    return json::object{{"roles", std::move(roles)}, {"lapsing", lapsing.size()}};
  };
  const auto entries = entries_of(**facts);
  auto made = co_await make_of_person(request, who, entries, std::move(work));
  if (made.refusal) co_return std::move(*made.refusal);
  if (sessions_.find(id) == nullptr)
    co_return problem(401, "no_session", "Your session has ended. Sign in again: cardgate login");
  made.body["person"] = std::move(whose);
  co_return json_response(200, made.body);
}

Gate::Answer Gate::openapi(Request&) {
  Response answer;
  answer.body = proto::openapi_json();
  co_return answer;
}

Gate::Answer Gate::metrics(Request&) {
  const auto health = log_->health();
  std::size_t cards = 0;
  for (const auto& [reader_name, reader] : readers_.all())
    cards += reader.state != Reader::State::empty ? 1 : 0;
  Response answer;
  const auto lists = judge_->authorities().list_times();
  const auto age = [&](WallTime since) {
    return lists.count == 0 ? 0.0 : std::chrono::duration<double>(now() - since).count();
  };
  answer.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  answer.body = metrics_.text(
      {{"people", static_cast<double>(people_count_.of(*staff_, clock_.boot()).value_or(0))},
       {"configuration_in_use", configuration_.told().state == ConfigurationInUse::State::in_use ? 1 : 0},
       {"revocation_lists", static_cast<double>(lists.count)},
       {"revocation_list_age_seconds", age(lists.oldest)},
       {"revocation_list_left_seconds", -age(lists.first_due)},
       {"sessions", static_cast<double>(sessions_.size())},
       {"tokens_live", static_cast<double>(sessions_.token_count())},
       {"readers", static_cast<double>(readers_.all().size())},
       {"cards", static_cast<double>(cards)},
       {"listeners", static_cast<double>(events_.listeners())},
       {"connections", static_cast<double>(connections ? connections() : 0)},
       {"audit_ok", health.ok ? 1 : 0},
       {"audit_records", static_cast<double>(health.records)},
       {"audit_syncs", static_cast<double>(health.syncs)},
       {"acts_unwritten", static_cast<double>(open_acts_.owed().size())},
       {"audit_late", static_cast<double>(health.late)},
       {"pcscd_up", readers_.service_up() ? 1 : 0}});
  co_return answer;
}

}  // namespace cardgate::daemon
