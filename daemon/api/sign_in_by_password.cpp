// SPDX-License-Identifier: Apache-2.0
// Employee Self Service by user name and password.
#include <fmt/format.h>

#include "base/crypto.hpp"
#include "daemon/api/session_json.hpp"
#include "daemon/api/sign_in_api.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

constexpr auto refused_event = audit::Event::sign_in_refused;

Response mismatch() {
  return problem(409, "sign_in_mismatch",
                 "This session was opened by somebody else, or with a card. Unlock it the way it was "
                 "opened, or sign in: cardgate login");
}

}  // namespace

struct SignInApi::ByPassword {
  const Peer& peer;
  std::string username;
  std::string resume_id;  // empty: a new session
  Passwords::Typed typed;
  std::shared_ptr<const PasswordChecks::Check> check;
  reg::Credential credential{};
  Session session{};
  std::optional<Counted> place{};

  bool is_new() const { return resume_id.empty(); }
};

SignInApi::Refusal SignInApi::admit(ByPassword& going) {
  if (auto no = passwords_.refuse_typing(going.peer, refused_event)) return no;
  if (going.is_new()) return std::nullopt;
  const Session* session = sessions_.find(going.resume_id);
  if (session->sign_in == policy::SignIn::password) return std::nullopt;
  return passwords_.refuse(going.peer, refused_event, mismatch(), "sign_in_mismatch", session->person);
}

SignInApi::LaterRefusal SignInApi::prove(ByPassword& going) {
  auto checking = passwords_.check(
      going.peer, {reg::CredentialKind::password, refused_event, going.username, going.typed});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(checked.refusal);
  going.credential = std::move(checked.credential);
  if (going.credential.must_change) co_return refuse_temporary(going);
  if (!needs_rehash(going.credential.hash, passwords_.cost())) co_return std::nullopt;
  auto hashing = hash_anew(going);
  auto failed = co_await std::move(hashing);
  co_return failed;
}

SignInApi::Refusal SignInApi::refuse_temporary(const ByPassword& going) {
  const auto& credential = going.credential;
  const bool over = credential.expires && *credential.expires <= clock_.now();
  return over ? passwords_.refuse(going.peer, refused_event,
                                  problem(403, "password_expired",
                                          "This temporary password is too old to be used. Ask the smartcard "
                                          "help desk for another."),
                                  "password_expired", credential.person)
              : passwords_.refuse(
                    going.peer, refused_event,
                    problem(403, "password_change_required",
                            "This is a temporary password. Choose your own first: cardgate password"),
                    "password_change_required", credential.person);
}

/// Of a password that was hashed when hashing cost less.
SignInApi::LaterRefusal SignInApi::hash_anew(ByPassword& going) {
  auto hashing = passwords_.hash(going.typed);
  const auto fresh = co_await std::move(hashing);
  if (!fresh) co_return std::nullopt;  // the next sign-in will do it
  std::function<Result<void>(reg::Credentials&)> rehash =
      [person = going.credential.person, old = going.credential.hash, next = *fresh](reg::Credentials& file) {
        return file.rehash(person, old, next);
      };
  auto rehashing = register_.on_file<void>(std::move(rehash));
  const auto kept = co_await std::move(rehashing);
  if (!kept) co_return register_unavailable(kept.error());
  co_return std::nullopt;
}

SignInApi::Refusal SignInApi::stand(ByPassword& going) {
  Session& session = going.session;
  session.sign_in = policy::SignIn::password;
  const auto holder = roll_.person(going.credential.person);
  if (!holder) return register_unavailable(holder.error());
  session.person = (*holder)->record.id;
  session.person_name = (*holder)->record.name;
  session.username = going.username;
  session.uid = going.peer.uid;
  const auto facts = sessions_.facts_for(session);
  if (!facts) return register_unavailable(facts.error());
  const auto standing =
      policy::decide_sign_in(*rules_.policy(), *facts, policy::SignIn::password, clock_.now());
  if (auto no = passwords_.refuse_standing(going.peer, refused_event, standing, session.person)) return no;
  if (!going.is_new()) {
    const Session* locked = sessions_.find(going.resume_id);
    if (locked == nullptr) return has_ended();
    if (locked->person != session.person)
      return passwords_.refuse(going.peer, refused_event, mismatch(), "sign_in_mismatch", session.person);
  }
  if (going.is_new()) {
    if (auto no = downtime_.refuse_sign_in(*facts, policy::SignIn::password))
      return passwords_.refuse(going.peer, refused_event, std::move(*no), "downtime", session.person);
  }
  session.id = going.is_new() ? random_id() : going.resume_id;
  sessions_.begin_times(session, standing);
  if (!going.is_new()) return std::nullopt;
  if (auto no = refuse_opening(going.peer, session)) return no;
  going.place.emplace(sessions_.opening());
  return std::nullopt;
}

SignInApi::LaterRefusal SignInApi::record(ByPassword& going) {
  const auto& session = going.session;
  audit::Record record;
  record.event = name_of(going.is_new() ? audit::Event::sign_in : audit::Event::session_resumed);
  record.person = session.person;
  const ClientEntry* entry = admission_.signs_in(going.peer);
  if (entry != nullptr) record.client = entry->name;  // a reload may just have taken it away
  record.session = session.id;
  record.policy = rules_.policy()->hash();
  record.details = {{"sign_in", "password"}, {"uid", going.peer.uid}, {"peer", describe(going.peer)}};
  auto recording = recorder_.write(std::move(record));
  const auto recorded = co_await std::move(recording);
  if (!recorded) co_return recorder_.unavailable();
  const auto not_opened = [&](std::string_view why) {
    note_not_opened(going.peer, session.person, session.id, why);
  };
  if (sessions_.stopping()) {
    not_opened("the service stopped");
    co_return draining();
  }
  if (going.check->outdated_for(session.person)) {
    not_opened("the password was changed meanwhile");
    co_return problem(401, "password_incorrect",
                      "The password was changed while you were signing in. Sign in with the new one.");
  }
  auto no = passwords_.refuse_client(going.peer, refused_event, session.person);
  if (no) not_opened("the program may no longer sign people in");
  co_return no;
}

Response SignInApi::open(ByPassword& going) {
  const std::string id = going.session.id;
  const bool is_new = going.is_new();
  if (is_new) {
    const std::string person = going.session.person;
    const auto facts = sessions_.facts_for(going.session);
    if (!facts) return register_unavailable(facts.error());
    if (auto no = downtime_.refuse_sign_in(*facts, policy::SignIn::password)) {
      note_not_opened(going.peer, person, id, "a downtime began while the sign-in was being recorded");
      return std::move(*no);
    }
    if (const auto opened = sessions_.open(std::move(going.session)); !opened) {
      note_not_opened(going.peer, person, id, opened.error().context);
      return problem(503, "too_many_sessions", opened.error().context + ".");
    }
  }
  // What the register said may have changed while the record was written.
  sessions_.review(id);
  const Session* session = sessions_.find(id);
  if (session == nullptr) return too_late();
  events_.publish("session", {{"kind", is_new ? "opened" : "resumed"}, {"session", id}}, going.peer.uid);
  return is_new ? opened(*session) : json_response(200, session_json(*session, clock_.now()));
}

boost::asio::awaitable<Response> SignInApi::sign_in_by_password(Request& request, proto::PasswordSignIn ask,
                                                                std::string resume_id) {
  ByPassword going{*request.peer, std::move(ask.username), std::move(resume_id),
                   std::make_shared<const Secret>(std::move(ask.password)), nullptr};
  if (auto no = admit(going)) co_return std::move(*no);
  going.check = passwords_.begin_check();
  auto proving = prove(going);
  if (auto no = co_await std::move(proving)) co_return std::move(*no);
  if (auto no = stand(going)) co_return std::move(*no);
  auto recording = record(going);
  if (auto no = co_await std::move(recording)) co_return std::move(*no);
  if (!going.is_new() &&
      !sessions_.resume(going.resume_id, {{}, 0, going.session.proved, going.session.auth_time})) {
    note_not_opened(going.peer, going.session.person, going.resume_id,
                    "the session ended while it was being resumed");
    co_return has_ended();
  }
  recorder_.count("sign_ins", "password");
  log(going.is_new() ? audit::Event::sign_in : audit::Event::session_resumed,
      going.is_new() ? "signed in" : "session resumed", {{"CARDGATE_PERSON", going.session.person}});
  co_return open(going);
}

}  // namespace cardgate::daemon
