// SPDX-License-Identifier: Apache-2.0
// Questions about the policy: would this person get this role, now or on another day, and who will lose what.
#include "daemon/api/policy_api.hpp"

#include <fmt/format.h>

#include "base/number.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/forecast.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::string_view not_part =
    "This answer uses what is on record today. It does not check the card's certificate, nor whether the "
    "issuer has withdrawn it.";

/// A day stands for its beginning. Errors: malformed.
Result<WallTime> read_time(const std::string& text, const Calendar& calendar) {
  if (const auto day = parse_date(text)) return calendar.start_of(*day);
  return parse_rfc3339(text);
}

std::optional<int> read_days(const std::string& text) {
  const auto days = whole_number<int>(text);
  return days && *days >= 1 && *days <= max_forecast_days ? days : std::nullopt;
}

}  // namespace

struct PolicyApi::Question {
  std::string person, role;
  WallTime at;
  policy::SignIn sign_in = policy::SignIn::card;
};

std::optional<Response> PolicyApi::read(const Request& request, Question& question) {
  const std::string* person = request.parameter("person");
  const std::string* role = request.parameter("role");
  if (person == nullptr || role == nullptr)
    return problem(400, "bad_request", "Give `person` and `role` in the query.");
  question.person = *person;
  question.role = *role;
  question.at = clock_.now();
  if (const std::string* text = request.parameter("at")) {
    const auto time = read_time(*text, clock_.calendar());
    if (!time) {
      return problem(400, "bad_request", "`at` must be a day (2026-12-01) or a time (2026-12-01T09:30:00Z).");
    }
    question.at = *time;
  }
  if (const std::string* way = request.parameter("sign_in")) {
    if (*way != "card" && *way != "password")
      return problem(400, "bad_request", "`sign_in` must be card or password.");
    if (*way == "password") question.sign_in = policy::SignIn::password;
  }
  return std::nullopt;
}

Actor PolicyApi::looker_at(const Request& request, const std::string& person) {
  Actor looker;
  looker.person = "root";
  if (request.peer->admin_socket) return looker;
  looker = actors_.myself(request);
  if (!looker.refusal && looker.person != person)
    looker = actors_.actor(request, policy::Act::see_people, person);
  return looker;
}

boost::asio::awaitable<PeopleDesk::Made> PolicyApi::decide(const Request& request, const Actor& looker,
                                                           const reg::Person& record,
                                                           const Question& question) {
  PeopleDesk::PersonWork work = [record, sign_in = question.sign_in, at = question.at, name = question.role](
                                    const PeopleView& view, const RecordOf& record_of, Names&) {
    const auto facts = to_facts_with_best_card(record, record_of);
    return decision_json(*view.policy, *view.policy->role(name),
                         policy::decide(*view.policy, facts, {name, sign_in}, at));
  };
  return people_.make(request, looker.person, entries_of(record), std::move(work));
}

Answer PolicyApi::explain(Request& request) {
  Question question;
  if (auto wrong = read(request, question)) co_return std::move(*wrong);
  auto meaning = people_.meant(request, question.person, policy::Act::see_people);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  question.person = std::move(meant.id);
  Actor looker = looker_at(request, question.person);
  if (looker.refusal) co_return std::move(*looker.refusal);
  if (rules_.policy()->role(question.role) == nullptr) {
    co_return problem(
        404, "role_unknown",
        fmt::format("The policy has no role '{}'. See the roles: cardgate access", question.role));
  }
  const auto found = roll_.person(question.person);
  if (!found) co_return no_person(found.error(), question.person);
  if (looker.person != question.person) {
    const auto what = "what-if for " + question.role;
    if (auto no = people_.note_look(request, looker, question.person, what)) co_return std::move(*no);
  }
  const json::object whose = person_json((*found)->record);
  const std::string policy_hash = rules_.policy()->hash();
  auto deciding = decide(request, looker, (*found)->record, question);
  auto made = co_await std::move(deciding);
  if (made.refusal) co_return std::move(*made.refusal);
  if (!request.peer->admin_socket) {
    if (auto over = actors_.refuse_if_over(looker)) co_return std::move(*over);
  }
  auto& body = made.body;
  body["person"] = whose;
  body["at"] = to_rfc3339(question.at);
  body["sign_in"] = policy::name(question.sign_in);
  body["note"] = not_part;
  body["policy"] = policy_hash;
  co_return json_response(200, body);
}

Answer PolicyApi::forecast(Request& request) {
  Forecast::Question question;
  question.from = clock_.today();
  if (const std::string* text = request.parameter("days")) {
    const auto days = read_days(*text);
    if (!days) {
      co_return problem(400, "bad_request",
                        fmt::format("`days` must be a whole number from 1 to {}.", max_forecast_days));
    }
    question.span = std::chrono::days(*days);
  }
  if (const std::string* role = request.parameter("role")) {
    if (rules_.policy()->role(*role) == nullptr)
      co_return problem(404, "role_unknown",
                        fmt::format("The policy has no role '{}'. See the roles: cardgate access", *role));
    question.role = *role;
  }
  Actor who;
  who.person = "root";
  if (!request.peer->admin_socket) who = actors_.sees_everybody(request);
  if (who.refusal) co_return std::move(*who.refusal);
  if (forecasting_)
    co_return problem(409, "busy", "Another forecast is still being made. Try again when it has finished.");
  auto begun = people_.begin_dear(*request.peer, who.person);
  if (!begun.turn) co_return std::move(begun.refusal);
  if (auto no = people_.note_look(request, who, {}, "forecast")) co_return std::move(*no);
  const Raised forecasting(forecasting_);
  RegisterThreads::LongWork<json::object> work = [policy = rules_.policy(), question](
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
    if (auto over = actors_.refuse_if_over(who)) co_return std::move(*over);
  }
  co_return json_response(200, *made);
}

}  // namespace cardgate::daemon
