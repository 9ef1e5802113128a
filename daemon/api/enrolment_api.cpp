// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/enrolment_api.hpp"

#include <fmt/format.h>

#include "base/password.hpp"
#include "base/unicode.hpp"
#include "daemon/api/secret_answers.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/facts.hpp"
#include "proto/body.hpp"
#include "proto/messages.hpp"
#include "register/enrolment.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t code_groups = 3;  // 60 bits, valid for days and few tries

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

}  // namespace

Answer EnrolmentApi::ask(Request& request) {
  const Peer& peer = *request.peer;
  auto ask = proto::parse_enrolment(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = passwords_.refuse_typing(peer, audit::Event::enrolment)) co_return std::move(*no);
  auto ni_start = reg::ni_start_of(ask->national_insurance.text());
  if (!ni_start) {
    co_return problem(400, "bad_request",
                      "Give the first four characters of your National Insurance number, like QQ12 "
                      "(\"national_insurance\").");
  }
  const WallTime at = clock_.now();
  std::function<Result<Match>(reg::Register&)> look =
      [policy = rules_.policy(), name = ask->name, born = ask->date_of_birth, ni = *ni_start,
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
    co_return passwords_.refuse(peer, audit::Event::enrolment, std::move(answer), "throttled");
  }
  audit::Record record;
  record.event = name_of(audit::Event::enrolment);
  record.person = found->person;
  record.client = describe(peer);
  record.reason = found->reason;
  record.details["act"] = "asked";
  auto recording = recorder_.write(std::move(record));
  const auto recorded = co_await std::move(recording);
  if (!recorded) co_return recorder_.unavailable();
  recorder_.count("enrolments");
  co_return json_response(
      202, json::object{{"message",
                         "If these details belong to one current employee, the smartcard help desk can now "
                         "give you an activation code. Go there with proof of who you are."}});
}

Answer EnrolmentApi::make_code(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  HandOut out{request};
  auto admitting = help_desk_.admit(out, given);
  if (auto no = co_await std::move(admitting)) co_return std::move(*no);
  const WallTime since = clock_.now() - rules_.config().passwords.activation_life;
  std::function<Result<bool>(reg::Credentials&)> look = [who = out.person, since](reg::Credentials& file) {
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

  // Hashed like a password: 60 bits alone would not withstand who gets hold of the file and a fast hash.
  auto making = help_desk_.make(out, code_groups);
  if (auto no = co_await std::move(making)) co_return std::move(*no);
  const WallTime expires = clock_.now() + rules_.config().passwords.activation_life;
  json::object details{{"act", "code"}};
  auto deed = help_desk_.deed_of(out, audit::Event::enrolment, std::move(details));
  deed.ends_sessions = false;
  deed.how = [who = out.person, hash = out.hash, since, expires](reg::Credentials& file, WallTime) {
    return file.set_code(who, hash, since, expires);
  };
  auto saving = passwords_.put_on_file(deed);
  if (auto no = co_await std::move(saving)) co_return std::move(*no);
  co_return shown_once("code", *out.secret, out.username, expires);
}

Answer EnrolmentApi::activate(Request& request) {
  const Peer& peer = *request.peer;
  constexpr auto event = audit::Event::enrolment;
  auto ask = proto::parse_activation(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = passwords_.refuse_typing(peer, event)) co_return std::move(*no);
  const auto code = std::make_shared<const Secret>(normal_code(ask->code));
  const auto wanted = std::make_shared<const Secret>(std::move(ask->new_password));
  auto checking = passwords_.check(peer, {reg::CredentialKind::code, event, ask->username, code});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(*checked.refusal);
  const reg::Credential credential = checked.credential;
  const auto holder = roll_.person(credential.person);
  if (!holder) co_return register_unavailable(holder.error());
  const std::string username = username_of((*holder)->record);
  if (auto no = passwords_.refuse_new(*wanted, (*holder)->record)) co_return std::move(*no);
  auto hashing = passwords_.hash(wanted);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return passwords_.refuse_busy();
  // Whoever left, or was removed, since they asked for the code: looked at behind the waits.
  if (auto no = passwords_.refuse_holder(peer, event, credential.person)) co_return std::move(*no);
  PasswordDeed deed;
  deed.record.event = name_of(event);
  deed.record.person = credential.person;
  deed.record.client = describe(peer);
  deed.record.details["act"] = "activated";
  deed.how = [credential, hash = *hash](reg::Credentials& file, WallTime at) {
    return file.activate(credential.person, credential.hash, hash, at);
  };
  deed.overtaken = problem(409, "password_changed",
                           "This code was used by somebody else at the same time, so your password was not "
                           "saved. Ask the smartcard help desk.");
  auto saving = passwords_.put_on_file(deed);
  if (auto no = co_await std::move(saving)) co_return std::move(*no);
  recorder_.count("activations");
  co_return json_response(200, json::object{{"username", username}});
}

}  // namespace cardgate::daemon
