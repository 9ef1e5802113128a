// SPDX-License-Identifier: Apache-2.0
// What both ways to sign in have in common; sign_in_by_card.cpp and sign_in_by_password.cpp have each.
#include "daemon/api/sign_in_api.hpp"

#include <fmt/format.h>

#include "daemon/api/session_json.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/teams.hpp"
#include "daemon/work/login.hpp"

namespace cardgate::daemon {

SignInApi::SignInApi(boost::asio::io_context& io, RuleBook& rules, Admission& admission, Roll& roll,
                     SessionDesk& sessions, Events& events, CardDesk& cards, AccountDesk& accounts,
                     PasswordDesk& passwords, RegisterThreads& register_threads, SetUp& set_up,
                     DowntimeDesk& downtime, Notices& notices, Recorder& recorder, GuardedClock& clock,
                     std::string host)
    : io_(io),
      rules_(rules),
      admission_(admission),
      roll_(roll),
      sessions_(sessions),
      events_(events),
      cards_(cards),
      accounts_(accounts),
      passwords_(passwords),
      register_(register_threads),
      set_up_(set_up),
      downtime_(downtime),
      notices_(notices),
      recorder_(recorder),
      clock_(clock),
      host_(std::move(host)) {}

Answer SignInApi::sign_in(Request& request) {
  auto ask = proto::parse_any_sign_in(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  auto* by_card = std::get_if<proto::SignIn>(&*ask);
  auto signing_in = by_card != nullptr
                        ? sign_in_by_card(request, std::move(*by_card), {})
                        : sign_in_by_password(request, std::get<proto::PasswordSignIn>(std::move(*ask)), {});
  auto answer = co_await std::move(signing_in);
  if (answer.status == 503) add_continuity(answer, rules_.config().downtime, roll_.staff());
  co_return answer;
}

Answer SignInApi::resume(Request& request, const std::string& id) {
  auto parsed = proto::parse_any_sign_in(request.body);
  wipe(request.body);
  if (!parsed) co_return problem(400, "bad_request", parsed.error().context + ".");
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0))
    co_return no_such_session();
  if (auto* by_password = std::get_if<proto::PasswordSignIn>(&*parsed)) {
    auto resuming = sign_in_by_password(request, std::move(*by_password), id);
    auto resumed = co_await std::move(resuming);
    co_return resumed;
  }
  auto* ask = std::get_if<proto::SignIn>(&*parsed);
  // Its card may have moved to another reader while the session was locked.
  if (ask->card != session->card || (!session->card_out && ask->reader != session->reader)) {
    co_return problem(409, "card_changed",
                      std::string(work::not_the_card_that_locked) + " No try was spent.");
  }
  auto resuming = sign_in_by_card(request, std::move(*ask), id);
  auto answer = co_await std::move(resuming);
  co_return answer;
}

SignInApi::Refusal SignInApi::refuse_opening(const Peer& peer, const Session& session) {
  const auto refused = [&](Response answer, std::string_view reason) {
    audit::Record record;
    record.event = name_of(audit::Event::sign_in_refused);
    record.person = session.person;
    record.reason = reason;
    recorder_.refuse(peer, std::move(record));
    return answer;
  };
  if (sessions_.stopping()) return refused(draining(), "draining");
  const auto room = sessions_.may_open(session);
  if (room) return std::nullopt;
  if (room.error().code == Errc::permission_denied) {
    return refused(problem(409, "card_in_use", std::string(work::card_in_use)), "card_in_use");
  }
  return refused(
      problem(503, "too_many_sessions",
              "Too many people are signed in on this machine. Try again when one of them has signed out."),
      "too_many_sessions");
}

/// Not folded as other refusals: it takes back a record, by the session that this names.
void SignInApi::note_not_opened(const Peer& peer, const std::string& person, const std::string& session,
                                std::string_view reason) {
  audit::Record record;
  record.event = name_of(audit::Event::sign_in_refused);
  record.person = person;
  record.session = session;
  record.reason = fmt::format("not done: {}", reason);
  record.details["peer"] = describe(peer);
  recorder_.note(std::move(record));
}

Response SignInApi::no_such_session() {
  return problem(404, "not_found",
                 "There is no such session. It may have ended. Sign in again: cardgate login");
}

Response SignInApi::opened(const Session& session) {
  auto body = session_json(session, clock_.now());
  // Said at the sign-in; afterwards status and events say what holds then.
  for (auto& text : downtime_.announcements()) body["warnings"].get_array().push_back(json::string(text));
  auto answer = json_response(201, body);
  answer.headers.emplace_back("Location", "/v1/sessions/" + session.id);
  return answer;
}

Response SignInApi::has_ended() {
  return problem(404, "not_found", "The session has ended. Sign in again: cardgate login");
}

Response SignInApi::too_late() {
  return access_just_ended(rules_.policy()->contacts());
}

}  // namespace cardgate::daemon
