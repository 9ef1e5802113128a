// SPDX-License-Identifier: Apache-2.0
// Enrolment for Employee Self Service: a person asks with what Human Resources know of them, the smartcard help desk looks
// at the person and hands over a code, and the code sets the first password. And the help desk's new password for who has
// forgotten theirs. No answer tells whether a person is known until a code or a password was right.
#include <fmt/format.h>

#include "base/unicode.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/facts.hpp"
#include "proto/body.hpp"
#include "register/enrolment.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t code_groups = 3;      // 60 bits, valid for days and few tries
constexpr std::size_t password_groups = 4;  // 80 bits

struct Match {
  std::string person;  // empty: nobody, or not one alone
  std::string_view reason;
};

/// On the register's thread. Who is not employed now is nobody.
Result<Match> match(reg::Register& staff, const policy::Policy& policy, const std::string& name, Date born,
                    const std::string& ni_start, WallTime at) {
  Match out{{}, "no match"};
  const std::string wanted = search_text(name);
  std::size_t found = 0;
  for (const auto& id : TRY(staff.people_by_enrolment(born, ni_start))) {
    const auto person = TRY(staff.person(id));
    const auto facts = to_facts(person, [&staff](const std::string& other) { return staff.person(other); });
    const auto standing = policy::decide_sign_in(policy, facts, policy::SignIn::password, at);
    if (!standing.allowed || search_text(person.name) != wanted) continue;
    ++found;
    out.person = person.id;
  }
  if (found == 1) out.reason = "match";
  if (found > 1) out = {{}, "several"};
  return out;
}

const std::string& username_of(const reg::Person& person) {
  return person.username.empty() ? person.id : person.username;
}

/// Why a code or password was not kept. `over`: the session of whoever gives it is.
Response not_saved(const Error& error, std::optional<Response> over) {
  if (error.code != Errc::permission_denied) return register_unavailable(error);
  return over ? std::move(*over) : not_possible(error);
}

/// Put together in one piece of memory, which the server wipes: no copy of the secret stays behind.
Response shown_once(std::string_view member, const Secret& secret, const std::string& username,
                    WallTime expires) {
  Response answer;
  answer.status = 201;
  const std::string rest = fmt::format(R"(","username":{},"expires_at":"{}"}})",
                                       json::serialize(json::string(username)), to_rfc3339(expires));
  answer.body.reserve(member.size() + secret.size() + rest.size() + 8);
  for (const std::string_view part :
       {std::string_view("{\""), member, std::string_view("\":\""), secret.text(), std::string_view(rest)})
    answer.body += part;
  return answer;
}

}  // namespace

Gate::Answer Gate::enrol(Request& request) {
  const Peer& peer = *request.peer;
  auto ask = proto::parse_enrolment(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = refuse_typing(peer, "enrolment")) co_return std::move(*no);
  auto ni_start = reg::ni_start_of(ask->national_insurance.text());
  if (!ni_start) {
    co_return problem(400, "bad_request",
                      "Give the first four characters of your National Insurance number, like QQ12 "
                      "(\"national_insurance\").");
  }
  const WallTime at = now();
  std::function<Result<Match>(reg::Register&)> look =
      [policy = policy_, name = ask->name, born = ask->date_of_birth, ni = *ni_start,
       at](reg::Register& staff) { return match(staff, *policy, name, born, ni, at); };
  wipe(*ni_start);
  auto looking = register_.write<Match>(look);
  const auto found = co_await std::move(looking);
  if (!found) co_return register_unavailable(found.error());
  std::function<Result<seconds>(reg::Credentials&)> note_it = [uid = peer.counted_as, who = found->person,
                                                               at](reg::Credentials& file) {
    return file.request_activation(uid, who, at);
  };
  auto noting = register_.on_file<seconds>(std::move(note_it));
  const auto wait = co_await std::move(noting);
  if (!wait) co_return register_unavailable(wait.error());
  if (wait->count() > 0) {
    auto answer = problem(
        429, "throttled",
        fmt::format(
            "Too many people have enrolled on this machine in a short time. Wait {} s, then try again.",
            wait->count()),
        {{"retry_after", wait->count()}});
    retry_after(answer, *wait);
    co_return refuse_password(peer, "enrolment", std::move(answer), "throttled");
  }
  audit::Record record;
  record.event = "enrolment";
  record.person = found->person;
  record.client = describe(peer);
  record.reason = found->reason;
  record.details["act"] = "asked";
  auto recording = durable_.wait(durable_.start(*log_, std::move(record)));
  const auto recorded = co_await std::move(recording);
  if (!recorded) co_return audit_unavailable();
  metrics_.add("enrolments");
  co_return json_response(
      202, json::object{{"message",
                         "If these details belong to one current employee, the smartcard help desk can now "
                         "give you an activation code. Go there with proof of who you are."}});
}

Gate::Actor Gate::may_give_codes(const Request& request, const std::string& subject) {
  Actor who = myself(request);
  if (who.refusal || who.person != subject)
    return who.refusal ? std::move(who) : actor(request, policy::Act::give_codes, subject);
  who.refusal = refuse_password(
      *request.peer, "client_refused",
      problem(403, "not_yours_to_do",
              "You cannot give a code or a password to yourself. Ask a colleague at the help desk."),
      "own", who.person);
  return who;
}

Gate::Answer Gate::make_code(Request& request) {
  const Peer& peer = *request.peer;
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = person_meant(request, given, policy::Act::give_codes);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string who = std::move(meant.id);
  auto helper = may_give_codes(request, who);
  if (helper.refusal) co_return std::move(*helper.refusal);
  const auto act = acts_.begin(helper.session, right_of(helper));
  if (!audit_ok()) co_return audit_unavailable();
  if (passwords_.busy()) co_return busy_with_passwords();
  const auto holder = person(who);
  if (!holder) co_return no_person(holder.error(), who);
  const std::string username = username_of((*holder)->record);
  const WallTime since = now() - config_.passwords.activation_life;
  std::function<Result<bool>(reg::Credentials&)> look = [who, since](reg::Credentials& file) {
    return file.has_request(who, since);
  };
  auto looking = register_.on_file<bool>(std::move(look));
  const auto asked = co_await std::move(looking);
  if (!asked) co_return register_unavailable(asked.error());
  if (!*asked) {
    co_return problem(409, "no_open_request",
                      "This person has not asked for an account yet, or asked too long ago. They ask with: "
                      "cardgate enrol. Then give them a code.");
  }

  const auto code = std::make_shared<const Secret>(random_code(code_groups));
  // Hashed like a password: 60 bits alone would not withstand who gets hold of the file and a fast hash.
  auto hashing = passwords_.hash(code);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return busy_with_passwords();
  const WallTime expires = now() + config_.passwords.activation_life;
  audit::Record record;
  record.event = "enrolment";
  record.person = who;
  record.client = describe(peer);
  record.session = helper.session;
  record.role = helper.role;
  record.details = {{"act", "code"}, {"by", helper.person}};
  if (!co_await recorded(record)) co_return audit_unavailable();
  if (auto over = refuse_if_over(helper)) {
    note_not_done(std::move(record), "the session, or the right to do it, ended meanwhile");
    co_return std::move(*over);
  }
  std::function<Result<void>(reg::Register&, reg::Credentials&)> save =
      [who, hash = *hash, expires, since, still = still_allowed(helper, act)](
          reg::Register& staff, reg::Credentials& file) -> Result<void> {
    TRY(still(staff));
    return file.set_code(who, hash, since, expires);
  };
  auto saving = register_.on_both<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    note_not_done(std::move(record), saved.error());
    co_return not_saved(saved.error(), refuse_if_over(helper));
  }
  ended(record);
  co_return shown_once("code", *code, username, expires);
}

Gate::Answer Gate::activate(Request& request) {
  const Peer& peer = *request.peer;
  constexpr std::string_view event = "enrolment";
  auto ask = proto::parse_activation(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = refuse_typing(peer, event)) co_return std::move(*no);
  const auto code = std::make_shared<const Secret>(normal_code(ask->code));
  const auto wanted = std::make_shared<const Secret>(std::move(ask->new_password));
  auto checking = check_password(peer, {reg::CredentialKind::code, event, ask->username, code});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(*checked.refusal);
  const reg::Credential credential = checked.credential;
  const auto holder = person(credential.person);
  if (!holder) co_return register_unavailable(holder.error());
  const std::string username = username_of((*holder)->record);
  if (auto no = refuse_new_password(*wanted, (*holder)->record)) co_return std::move(*no);
  auto hashing = passwords_.hash(wanted);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return busy_with_passwords();
  // Whoever left, or was removed, since they asked for the code: looked at behind the waits.
  if (auto no = refuse_password_holder(peer, event, credential.person)) co_return std::move(*no);
  audit::Record record;
  record.event = event;
  record.person = credential.person;
  record.client = describe(peer);
  record.details["act"] = "activated";
  if (!co_await recorded(record)) co_return audit_unavailable();
  std::function<Result<void>(reg::Credentials&)> save = [credential, hash = *hash,
                                                         at = now()](reg::Credentials& file) {
    return file.activate(credential.person, credential.hash, hash, at);
  };
  auto saving = register_.on_file<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    note_not_done(std::move(record), saved.error());
    if (saved.error().code == Errc::cancelled)
      co_return problem(409, "password_changed",
                        "This code was used by somebody else at the same time, so your password was not "
                        "saved. Ask the smartcard help desk.");
    co_return register_unavailable(saved.error());
  }
  password_checks_.changed(credential.person);
  ended(record);
  apply(sessions_.end_by_password(credential.person, EndReason::password_changed));
  metrics_.add("activations");
  co_return json_response(200, json::object{{"username", username}});
}

Gate::Answer Gate::reset_password(Request& request) {
  const Peer& peer = *request.peer;
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = person_meant(request, given, policy::Act::give_codes);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string who = std::move(meant.id);
  auto helper = may_give_codes(request, who);
  if (helper.refusal) co_return std::move(*helper.refusal);
  const auto act = acts_.begin(helper.session, right_of(helper));
  if (!audit_ok()) co_return audit_unavailable();
  if (passwords_.busy()) co_return busy_with_passwords();
  const auto holder = person(who);
  if (!holder) co_return no_person(holder.error(), who);
  const std::string username = username_of((*holder)->record);
  std::function<Result<bool>(reg::Credentials&)> look = [who](reg::Credentials& file) {
    return file.has_password(who);
  };
  auto looking = register_.on_file<bool>(std::move(look));
  const auto has_one = co_await std::move(looking);
  if (!has_one) co_return register_unavailable(has_one.error());
  if (!*has_one) {
    co_return problem(409, "no_password",
                      "This person has no password yet. They ask for an account with: cardgate enrol. Then "
                      "give them a code: cardgate enrol code");
  }

  const auto temporary = std::make_shared<const Secret>(random_code(password_groups));
  auto hashing = passwords_.hash(temporary);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return busy_with_passwords();
  const WallTime expires = now() + config_.passwords.reset_life;
  audit::Record record;
  record.event = "password_reset";
  record.person = who;
  record.client = describe(peer);
  record.session = helper.session;
  record.role = helper.role;
  record.reason = reason;
  record.details["by"] = helper.person;
  if (!co_await recorded(record)) co_return audit_unavailable();
  if (auto over = refuse_if_over(helper)) {
    note_not_done(std::move(record), "the session, or the right to do it, ended meanwhile");
    co_return std::move(*over);
  }
  std::function<Result<void>(reg::Register&, reg::Credentials&)> save =
      [who, hash = *hash, expires, at = now(), still = still_allowed(helper, act)](
          reg::Register& staff, reg::Credentials& file) -> Result<void> {
    TRY(still(staff));
    return file.set_password({who, hash, true, expires}, {}, at);
  };
  auto saving = register_.on_both<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    note_not_done(std::move(record), saved.error());
    co_return not_saved(saved.error(), refuse_if_over(helper));
  }
  password_checks_.changed(who);
  ended(record);
  apply(sessions_.end_by_password(who, EndReason::password_changed));
  log(Level::info, "A password was replaced by a temporary one.",
      {{"CARDGATE_EVENT", "password_reset"}, {"CARDGATE_PERSON", who}});
  co_return shown_once("temporary_password", *temporary, username, expires);
}

}  // namespace cardgate::daemon
