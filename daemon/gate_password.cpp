// SPDX-License-Identifier: Apache-2.0
// Employee Self Service by user name and password. Until a password was right, every refusal has the same words and has
// cost the same work, whether or not there is such a person.
#include <fmt/format.h>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/facts.hpp"

namespace cardgate::daemon {

Response Gate::throttled(seconds wait) {
  auto answer =
      problem(429, "throttled",
              fmt::format("That was wrong too many times. Wait {} s before the next try. If you have "
                          "forgotten your password, the smartcard help desk gives you a new one.",
                          wait.count()),
              {{"retry_after", wait.count()}});
  retry_after(answer, wait);
  return answer;
}

Response Gate::busy_with_passwords() {
  if (!passwords_.problem().empty()) {
    return problem(
        503, "passwords_unavailable",
        "The password could not be checked, because this machine has too little memory. The try was not "
        "counted. Tell the people who run this machine; signing in by card still works.");
  }
  return problem(503, "passwords_busy",
                 "Too many people are signing in with a password right now. Try again in a moment.");
}

Response Gate::refuse_password(const Peer& peer, std::string_view event, Response answer,
                               std::string_view reason, const std::string& who) {
  audit::Record record;
  record.event = event;
  record.person = who;
  record.reason = reason;
  refuse(peer, std::move(record));
  return answer;
}

std::optional<Response> Gate::refuse_client(const Peer& peer, std::string_view event,
                                            const std::string& who) {
  if (client_for(peer, [](const ClientEntry& client) { return client.sign_in; }) != nullptr)
    return std::nullopt;
  return refuse_password(
      peer, event,
      problem(403, "sign_in_not_allowed",
              "This program or this user of the machine may not sign people in. The people who run this "
              "machine can allow it: `clients` in cardgate's configuration."),
      "sign_in_not_allowed", who);
}

std::optional<Response> Gate::refuse_typing(const Peer& peer, std::string_view event) {
  if (auto no = refuse_client(peer, event)) return no;
  if (!sign_in_rate_.allow(peer.counted_as, clock_.boot())) {
    return refuse_password(peer, event,
                           problem(429, "rate_limited",
                                   "Too many sign-ins from this user of the machine in a short time. Wait a "
                                   "minute, then try again."),
                           "rate_limited");
  }
  if (!audit_ok()) return audit_unavailable();
  // Before the try is counted.
  if (passwords_.busy()) return busy_with_passwords();
  return std::nullopt;
}

boost::asio::awaitable<Gate::CheckedPassword> Gate::check_password(const Peer& peer, PasswordUse use) {
  const auto no = [](Response answer) { return CheckedPassword{std::move(answer), {}}; };
  const uid_t uid = peer.counted_as;
  std::function<Result<reg::Attempt>(reg::Credentials&)> begin = [kind = use.kind, username = use.username,
                                                                  uid, at = now()](reg::Credentials& file) {
    return file.begin(kind, username, uid, at);
  };
  auto beginning = register_.on_file<reg::Attempt>(std::move(begin));
  const auto attempt = co_await std::move(beginning);
  if (!attempt) co_return no(register_unavailable(attempt.error()));
  if (attempt->wait.count() > 0)
    co_return no(refuse_password(peer, use.refused_event, throttled(attempt->wait), "throttled"));
  const reg::Credential& found = attempt->credential;

  auto comparing = passwords_.fits(found.hash, use.typed);
  const auto fits = co_await std::move(comparing);
  if (!fits || shutting_down_) {
    std::function<Result<void>(reg::Credentials&)> undo = [kind = use.kind, username = use.username, uid,
                                                           person = found.person](reg::Credentials& file) {
      return file.undone(kind, username, uid, person);
    };
    auto undoing = register_.on_file<void>(std::move(undo));
    const auto undone = co_await std::move(undoing);
    if (!undone) co_return no(register_unavailable(undone.error()));
    co_return no(busy_with_passwords());
  }
  const bool over = use.kind == reg::CredentialKind::code && found.expires && *found.expires <= now();
  if (!*fits || over) {
    const bool code = use.kind == reg::CredentialKind::code;
    auto answer = code ? problem(401, "code_incorrect",
                                 "The user name or the code is wrong, or the code was already used or is too "
                                 "old. The smartcard help desk gives you a new code.")
                       : problem(401, "password_incorrect",
                                 "The user name or the password is wrong. After many wrong tries a password "
                                 "stops working. Then the smartcard help desk gives you a new one.");
    const std::string_view reason = found.dead ? "too_many_failures"
                                    : code     ? "code_incorrect"
                                               : "password_incorrect";
    co_return no(refuse_password(peer, use.refused_event, std::move(answer), reason, found.person));
  }
  std::function<Result<void>(reg::Credentials&)> succeed = [kind = use.kind, username = use.username, uid,
                                                            person = found.person](reg::Credentials& file) {
    return file.succeeded(kind, username, uid, person);
  };
  auto succeeding = register_.on_file<void>(std::move(succeed));
  const auto counted = co_await std::move(succeeding);
  if (!counted) co_return no(register_unavailable(counted.error()));
  co_return CheckedPassword{std::nullopt, found};
}

std::optional<Response> Gate::refuse_standing(const Peer& peer, std::string_view event,
                                              const policy::Decision& standing, const std::string& who) {
  if (standing.allowed) return std::nullopt;
  std::string detail;
  for (const auto& item : standing.unmet)
    detail += (detail.empty() ? "" : " ") + item.text + ". " + item.next_step + ".";
  const std::string reason = standing.unmet.empty() ? "access" : standing.unmet.front().prerequisite;
  return refuse_password(
      peer, event, problem(403, "access_denied", std::move(detail), {{"unmet", to_json(standing.unmet)}}),
      reason, who);
}

std::optional<Response> Gate::refuse_password_holder(const Peer& peer, std::string_view event,
                                                     const std::string& who) {
  const auto holder = person(who);
  if (!holder) return register_unavailable(holder.error());
  return refuse_standing(
      peer, event, policy::decide_sign_in(*policy_, (*holder)->facts, policy::SignIn::password, now()), who);
}

boost::asio::awaitable<Response> Gate::sign_in_by_password(Request& request, proto::PasswordSignIn ask,
                                                           const std::string& resume_id) {
  const Peer& peer = *request.peer;
  constexpr std::string_view event = "sign_in_refused";
  const auto refused = [&](Response answer, std::string_view reason, const std::string& who) {
    return refuse_password(peer, event, std::move(answer), reason, who);
  };
  if (auto no = refuse_typing(peer, event)) co_return std::move(*no);
  const auto mismatch = [] {
    return problem(409, "sign_in_mismatch",
                   "This session was opened by somebody else, or with a card. Unlock it the way it was "
                   "opened, or sign in: cardgate login");
  };
  if (!resume_id.empty()) {
    const Session* session = sessions_.find(resume_id);
    if (session->sign_in != policy::SignIn::password)
      co_return refused(mismatch(), "sign_in_mismatch", session->person);
  }
  const auto typed = std::make_shared<const Secret>(std::move(ask.password));
  const auto check = password_checks_.begin();
  auto checking = check_password(peer, {reg::CredentialKind::password, event, ask.username, typed});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(*checked.refusal);
  const reg::Credential& credential = checked.credential;
  if (credential.must_change) {
    const bool over = credential.expires && *credential.expires <= now();
    co_return over
        ? refused(
              problem(
                  403, "password_expired",
                  "This temporary password is too old to be used. Ask the smartcard help desk for another."),
              "password_expired", credential.person)
        : refused(problem(403, "password_change_required",
                          "This is a temporary password. Choose your own first: cardgate password"),
                  "password_change_required", credential.person);
  }
  if (needs_rehash(credential.hash, passwords_.cost())) {
    auto hashing = passwords_.hash(typed);
    const auto fresh = co_await std::move(hashing);
    if (fresh) {
      std::function<Result<void>(reg::Credentials&)> rehash =
          [person = credential.person, old = credential.hash, next = *fresh](reg::Credentials& file) {
            return file.rehash(person, old, next);
          };
      auto rehashing = register_.on_file<void>(std::move(rehash));
      const auto kept = co_await std::move(rehashing);
      if (!kept) co_return register_unavailable(kept.error());
    }
  }

  Session session;
  session.sign_in = policy::SignIn::password;
  const auto holder = person(credential.person);
  if (!holder) co_return register_unavailable(holder.error());
  session.person = (*holder)->record.id;
  session.person_name = (*holder)->record.name;
  session.username = ask.username;
  session.uid = peer.uid;
  const auto facts = facts_for(session);
  if (!facts) co_return register_unavailable(facts.error());
  const auto standing = policy::decide_sign_in(*policy_, **facts, policy::SignIn::password, now());
  if (auto no = refuse_standing(peer, event, standing, session.person)) co_return std::move(*no);
  if (!resume_id.empty()) {
    const Session* locked = sessions_.find(resume_id);
    if (locked == nullptr)
      co_return problem(404, "not_found", "The session has ended. Sign in again: cardgate login");
    if (locked->person != session.person) co_return refused(mismatch(), "sign_in_mismatch", session.person);
  }
  session.id = resume_id.empty() ? random_id() : resume_id;
  begin_times(session, standing);
  std::optional<Counted> place;
  if (resume_id.empty()) {
    if (auto no = refuse_opening(peer, session)) co_return std::move(*no);
    place.emplace(opening_);
  }

  audit::Record record;
  record.event = resume_id.empty() ? "sign_in" : "session_resumed";
  record.person = session.person;
  const ClientEntry* entry = client_for(peer, [](const ClientEntry& client) { return client.sign_in; });
  if (entry != nullptr) record.client = entry->name;  // a reload may just have taken it away
  record.session = session.id;
  record.policy = policy_->hash();
  record.details = {{"sign_in", "password"}, {"uid", peer.uid}, {"peer", describe(peer)}};
  auto recording = durable_.wait(durable_.start(*log_, std::move(record)));
  const auto recorded = co_await std::move(recording);
  if (!recorded) co_return audit_unavailable();
  if (shutting_down_) {
    note_not_opened(peer, session.person, session.id, "the service stopped");
    co_return problem(503, "draining", "The service is stopping. Try again in a moment.");
  }
  if (check->outdated_for(session.person)) {
    note_not_opened(peer, session.person, session.id, "the password was changed meanwhile");
    co_return problem(401, "password_incorrect",
                      "The password was changed while you were signing in. Sign in with the new one.");
  }
  if (auto no = refuse_client(peer, event, session.person)) {
    note_not_opened(peer, session.person, session.id, "the program may no longer sign people in");
    co_return std::move(*no);
  }
  if (!resume_id.empty() && !sessions_.resume(resume_id, {}, 0, clock_.boot())) {
    note_not_opened(peer, session.person, session.id, "the session ended while it was being resumed");
    co_return problem(404, "not_found", "The session has ended. Sign in again: cardgate login");
  }
  metrics_.add("sign_ins", "password");
  log(Level::info, resume_id.empty() ? "signed in" : "session resumed",
      {{"CARDGATE_EVENT", resume_id.empty() ? "sign_in" : "session_resumed"},
       {"CARDGATE_PERSON", session.person}});
  const std::string id = session.id;
  if (resume_id.empty()) {
    const std::string person_id = session.person;
    auto opened = sessions_.open(std::move(session));
    if (!opened) {
      note_not_opened(peer, person_id, id, opened.error().context);
      co_return problem(503, "too_many_sessions", opened.error().context + ".");
    }
    apply(std::move(*opened));
  }
  // What the register said may have changed while the record was written.
  review(id);
  if (sessions_.find(id) == nullptr) co_return access_just_ended(policy_->contacts());
  on_deadline_changed();
  events_.publish("session", {{"kind", resume_id.empty() ? "opened" : "resumed"}, {"session", id}}, peer.uid);
  auto answer = json_response(resume_id.empty() ? 201 : 200, session_json(*sessions_.find(id)));
  if (resume_id.empty()) answer.headers.emplace_back("Location", "/v1/sessions/" + id);
  co_return answer;
}

std::optional<Response> Gate::refuse_new_password(const Secret& wanted, const reg::Person& who) {
  auto why = password_rules_->refuse(wanted, {who.name, who.username, who.id, who.email});
  if (why.empty()) return std::nullopt;
  return problem(400, "password_refused", why + ". Nothing was changed.");
}

Gate::Answer Gate::change_password(Request& request) {
  const Peer& peer = *request.peer;
  constexpr std::string_view event = "sign_in_refused";
  auto ask = proto::parse_password_change(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = refuse_typing(peer, event)) co_return std::move(*no);
  const auto typed = std::make_shared<const Secret>(std::move(ask->password));
  const auto wanted = std::make_shared<const Secret>(std::move(ask->new_password));
  auto checking = check_password(peer, {reg::CredentialKind::password, event, ask->username, typed});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(*checked.refusal);
  const reg::Credential credential = checked.credential;
  if (credential.must_change && credential.expires && *credential.expires <= now()) {
    co_return refuse_password(
        peer, event,
        problem(403, "password_expired",
                "This temporary password is too old to be used. Ask the smartcard help desk for another."),
        "password_expired", credential.person);
  }
  const auto holder = person(credential.person);
  if (!holder) co_return register_unavailable(holder.error());
  const auto standing = policy::decide_sign_in(*policy_, (*holder)->facts, policy::SignIn::password, now());
  if (auto no = refuse_standing(peer, event, standing, credential.person)) co_return std::move(*no);
  if (equal_constant_time(typed->bytes(), wanted->bytes())) {
    co_return problem(400, "password_refused",
                      "The new password is the same as the old one. Choose another. Nothing was changed.");
  }
  if (auto no = refuse_new_password(*wanted, (*holder)->record)) co_return std::move(*no);
  auto hashing = passwords_.hash(wanted);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return busy_with_passwords();
  if (auto no = refuse_password_holder(peer, event, credential.person)) co_return std::move(*no);
  audit::Record record;
  record.event = "password_changed";
  record.person = credential.person;
  record.client = describe(peer);
  record.reason = credential.must_change ? "temporary" : "own";
  if (!co_await recorded(record)) co_return audit_unavailable();
  std::function<Result<void>(reg::Credentials&)> save = [credential, hash = *hash,
                                                         at = now()](reg::Credentials& file) {
    return file.set_password({credential.person, hash, false, {}}, credential.hash, at);
  };
  auto saving = register_.on_file<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    note_not_done(std::move(record), saved.error());
    if (saved.error().code == Errc::cancelled)
      co_return problem(409, "password_changed",
                        "Somebody else changed this password at the same time, so yours was not saved. Sign "
                        "in with the other new password, or ask the smartcard help desk.");
    co_return register_unavailable(saved.error());
  }
  password_checks_.changed(credential.person);
  ended(record);
  apply(sessions_.end_by_password(credential.person, EndReason::password_changed));
  log(Level::info, "a password was changed",
      {{"CARDGATE_EVENT", "password_changed"}, {"CARDGATE_PERSON", credential.person}});
  co_return no_content();
}

}  // namespace cardgate::daemon
