// SPDX-License-Identifier: Apache-2.0
// Questions about the policy: would this person get this role, now or on another day, and who will lose what.
#include <fmt/format.h>

#include "base/number.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/forecast.hpp"
#include "policy/check.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::string_view not_part =
    "This answer uses what is on record today. It does not check the card's certificate, nor whether the "
    "issuer has withdrawn it.";

/// A day stands for its beginning. Errors: malformed.
Result<WallTime> read_time(const std::string& text) {
  if (const auto day = parse_date(text)) return start_of(*day);
  return parse_rfc3339(text);
}

std::optional<int> read_days(const std::string& text) {
  const auto days = whole_number<int>(text);
  return days && *days >= 1 && *days <= max_forecast_days ? days : std::nullopt;
}

}  // namespace

void log_findings(const policy::Policy& policy, std::string_view file) {
  for (const auto& finding : policy::check(policy)) {
    if (finding.severity != policy::Finding::Severity::error) continue;
    const std::string place = finding.line > 0 ? fmt::format("{}:{}", file, finding.line) : std::string(file);
    const std::string role = finding.role.empty() ? std::string() : finding.role + ": ";
    log(Level::warning, fmt::format("{}: {}{}. {}", place, role, finding.text, finding.next_step),
        {{"CARDGATE_EVENT", "policy_finding"}, {"CARDGATE_ROLE", finding.role}});
  }
}

Gate::Answer Gate::explain_policy(Request& request) {
  const std::string* given = request.parameter("person");
  const std::string* role_name = request.parameter("role");
  if (given == nullptr || role_name == nullptr)
    co_return problem(400, "bad_request", "Give `person` and `role` in the query.");
  WallTime at = now();
  if (const std::string* text = request.parameter("at")) {
    const auto time = read_time(*text);
    if (!time) {
      co_return problem(400, "bad_request",
                        "`at` must be a day (2026-12-01) or a time (2026-12-01T09:30:00Z).");
    }
    at = *time;
  }
  policy::SignIn sign_in = policy::SignIn::card;
  if (const std::string* way = request.parameter("sign_in")) {
    if (*way != "card" && *way != "password")
      co_return problem(400, "bad_request", "`sign_in` must be card or password.");
    if (*way == "password") sign_in = policy::SignIn::password;
  }
  auto meaning = person_meant(request, *given, policy::Act::see_people);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string who = std::move(meant.id);
  Actor looker;
  looker.person = "root";
  if (!request.peer->admin_socket) {
    looker = myself(request);
    if (!looker.refusal && looker.person != who) looker = actor(request, policy::Act::see_people, who);
    if (looker.refusal) co_return std::move(*looker.refusal);
  }
  const policy::Role* role = policy_->role(*role_name);
  if (role == nullptr) {
    co_return problem(404, "role_unknown",
                      fmt::format("The policy has no role '{}'. See the roles: cardgate access", *role_name));
  }
  const auto found = person(who);
  if (!found) co_return no_person(found.error(), who);
  if (looker.person != who) {
    const auto what = "what-if for " + role->name;
    if (auto no = note_look(request, looker, who, what)) co_return std::move(*no);
  }
  const auto& record = (*found)->record;
  PersonWork work = [record, sign_in, at, name = role->name](const PeopleView& view,
                                                             const RecordOf& record_of, Names&) {
    const auto facts = to_facts_with_best_card(record, record_of);
    return decision_json(*view.policy->role(name), policy::decide(*view.policy, facts, {name, sign_in}, at));
  };
  const json::object whose = person_json(record);
  const auto entries = entries_of(record);
  const std::string policy_hash = policy_->hash();
  auto made = co_await make_of_person(request, looker.person, entries, std::move(work));
  if (made.refusal) co_return std::move(*made.refusal);
  if (!request.peer->admin_socket) {
    if (auto over = refuse_if_over(looker)) co_return std::move(*over);
  }
  auto& body = made.body;
  body["person"] = whose;
  body["at"] = to_rfc3339(at);
  body["sign_in"] = policy::name(sign_in);
  body["note"] = not_part;
  body["policy"] = policy_hash;
  co_return json_response(200, body);
}

Gate::Answer Gate::forecast_policy(Request& request) {
  Forecast::Question question;
  question.from = now();
  if (const std::string* text = request.parameter("days")) {
    const auto days = read_days(*text);
    if (!days) {
      co_return problem(400, "bad_request",
                        fmt::format("`days` must be a whole number from 1 to {}.", max_forecast_days));
    }
    question.span = std::chrono::days(*days);
  }
  if (const std::string* role = request.parameter("role")) {
    if (policy_->role(*role) == nullptr)
      co_return problem(404, "role_unknown",
                        fmt::format("The policy has no role '{}'. See the roles: cardgate access", *role));
    question.role = *role;
  }
  Actor who;
  who.person = "root";
  if (!request.peer->admin_socket) who = sees_everybody(request);
  if (who.refusal) co_return std::move(*who.refusal);
  if (forecasting_)
    co_return problem(409, "busy", "Another forecast is still being made. Try again when it has finished.");
  auto begun = dear_calls_.begin(request.peer->counted_as, who.person, clock_.boot());
  if (!begun.turn) co_return std::move(begun.refusal);
  if (auto no = note_look(request, who, {}, "forecast")) co_return std::move(*no);
  const Raised forecasting(forecasting_);
  RegisterThreads::LongWork<json::object> work = [policy = policy_, question](
                                                     const std::filesystem::path& file,
                                                     const std::atomic<bool>& stop) -> Result<json::object> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    Forecast forecast(policy, question);
    TRY(forecast.add_everybody(*staff, stop));
    return forecast.to_json(*staff);
  };
  const auto made = co_await register_.beside<json::object>(std::move(work));
  if (!made) co_return register_unavailable(made.error());
  if (!request.peer->admin_socket) {
    if (auto over = refuse_if_over(who)) co_return std::move(*over);
  }
  co_return json_response(200, *made);
}

}  // namespace cardgate::daemon
