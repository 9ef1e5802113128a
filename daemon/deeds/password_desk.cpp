// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/password_desk.hpp"

#include <fmt/format.h>

#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/people_view.hpp"
#include "daemon/people/teams.hpp"

namespace cardgate::daemon {

const std::string& username_of(const reg::Person& person) {
  return person.username.empty() ? person.id : person.username;
}

PasswordDesk::PasswordDesk(RuleBook& rules, Admission& admission, Roll& roll,
                           RegisterThreads& register_threads, SessionDesk& sessions, Actors& actors,
                           Deeds& deeds, Recorder& recorder, GuardedClock& clock)
    : rules_(rules),
      admission_(admission),
      roll_(roll),
      register_(register_threads),
      sessions_(sessions),
      actors_(actors),
      deeds_(deeds),
      recorder_(recorder),
      clock_(clock),
      passwords_(
          rules.config().passwords.cost, [this] { recorder_.count("password_hashes"); },
          [this](const std::string& problem) {
            const std::string text = problem.empty() ? "Passwords can be checked again." : problem;
            log(problem.empty() ? audit::Event::passwords_working : audit::Event::passwords_failing, text,
                {{"CARDGATE_REASON", text}});
            recorder_.note_incident(text);
          }) {}

void PasswordDesk::changed(const std::string& person) {
  checks_.changed(person);
  sessions_.end_by_password(person, EndReason::password_changed);
}

Response PasswordDesk::throttled(seconds wait) {
  auto answer =
      problem(429, "throttled",
              fmt::format("That was wrong too many times. Wait {} s before the next try. If you have "
                          "forgotten your password, the smartcard help desk gives you a new one.",
                          wait.count()),
              {{"retry_after", wait.count()}});
  retry_after(answer, wait);
  return answer;
}

Response PasswordDesk::refuse_busy() {
  if (!passwords_.problem().empty()) {
    return problem(
        503, "passwords_unavailable",
        "The password could not be checked, because this machine has too little memory. The try was not "
        "counted. Tell the people who run this machine; signing in by card still works.");
  }
  return problem(503, "passwords_busy",
                 "Too many people are signing in with a password right now. Try again in a moment.");
}

Response PasswordDesk::refuse(const Peer& peer, audit::Event event, Response answer, std::string_view reason,
                              const std::string& who) {
  audit::Record record;
  record.event = name_of(event);
  record.person = who;
  record.reason = reason;
  recorder_.refuse(peer, std::move(record));
  return answer;
}

std::optional<Response> PasswordDesk::refuse_client(const Peer& peer, audit::Event event,
                                                    const std::string& who) {
  if (admission_.signs_in(peer) != nullptr) return std::nullopt;
  return refuse(
      peer, event,
      problem(403, "sign_in_not_allowed",
              "This program or this user of the machine may not sign people in. The people who run this "
              "machine can allow it: `clients` in cardgate's configuration."),
      "sign_in_not_allowed", who);
}

std::optional<Response> PasswordDesk::refuse_typing(const Peer& peer, audit::Event event) {
  if (auto no = refuse_client(peer, event)) return no;
  if (!admission_.allow_sign_in(peer)) {
    return refuse(peer, event,
                  problem(429, "rate_limited",
                          "Too many sign-ins from this user of the machine in a short time. Wait a "
                          "minute, then try again."),
                  "rate_limited");
  }
  if (!recorder_.works()) return recorder_.unavailable();
  // Before the try is counted.
  if (passwords_.busy()) return refuse_busy();
  return std::nullopt;
}

boost::asio::awaitable<std::optional<Response>> PasswordDesk::take_back_try(const PasswordUse& use, uid_t uid,
                                                                            std::string person) {
  std::function<Result<void>(reg::Credentials&)> undo = [kind = use.kind, username = use.username, uid,
                                                         person](reg::Credentials& file) {
    return file.undone(kind, username, uid, person);
  };
  auto undoing = register_.on_file<void>(std::move(undo));
  const auto undone = co_await std::move(undoing);
  if (!undone) co_return register_unavailable(undone.error());
  co_return std::nullopt;
}

Response PasswordDesk::refuse_wrong(const Peer& peer, const PasswordUse& use, const reg::Credential& found) {
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
  return refuse(peer, use.refused_event, std::move(answer), reason, found.person);
}

boost::asio::awaitable<CheckedPassword> PasswordDesk::check(const Peer& peer, PasswordUse use) {
  const auto no = [](Response answer) { return CheckedPassword{std::move(answer), {}}; };
  const uid_t uid = peer.counted_as;
  std::function<Result<reg::Attempt>(reg::Credentials&)> begin =
      [kind = use.kind, username = use.username, uid, at = clock_.now()](reg::Credentials& file) {
        return file.begin(kind, username, uid, at);
      };
  auto beginning = register_.on_file<reg::Attempt>(std::move(begin));
  const auto attempt = co_await std::move(beginning);
  if (!attempt) co_return no(register_unavailable(attempt.error()));
  if (attempt->wait.count() > 0)
    co_return no(refuse(peer, use.refused_event, throttled(attempt->wait), "throttled"));
  const reg::Credential& found = attempt->credential;

  auto comparing = passwords_.fits(found.hash, use.typed);
  const auto fits = co_await std::move(comparing);
  if (!fits || sessions_.stopping()) {
    auto undoing = take_back_try(use, uid, found.person);
    if (auto failed = co_await std::move(undoing)) co_return no(std::move(*failed));
    co_return no(refuse_busy());
  }
  const bool over = use.kind == reg::CredentialKind::code && found.expires && *found.expires <= clock_.now();
  if (!*fits || over) co_return no(refuse_wrong(peer, use, found));
  std::function<Result<void>(reg::Credentials&)> succeed = [kind = use.kind, username = use.username, uid,
                                                            person = found.person](reg::Credentials& file) {
    return file.succeeded(kind, username, uid, person);
  };
  auto succeeding = register_.on_file<void>(std::move(succeed));
  const auto counted = co_await std::move(succeeding);
  if (!counted) co_return no(register_unavailable(counted.error()));
  co_return CheckedPassword{std::nullopt, found};
}

std::optional<Response> PasswordDesk::refuse_standing(const Peer& peer, audit::Event event,
                                                      const policy::Decision& standing,
                                                      const std::string& who) {
  if (standing.allowed) return std::nullopt;
  const std::string reason = standing.unmet.empty() ? "access" : standing.unmet.front().prerequisite;
  json::object more{{"unmet", to_json(standing.unmet)}};
  if (const auto person = roll_.person(who))
    add_continuity(more, rules_.config().downtime, (*person)->facts.teams, roll_.staff());
  return refuse(peer, event, problem(403, "access_denied", sentences(standing.unmet), std::move(more)),
                reason, who);
}

std::optional<Response> PasswordDesk::refuse_holder(const Peer& peer, audit::Event event,
                                                    const std::string& who) {
  const auto holder = roll_.person(who);
  if (!holder) return register_unavailable(holder.error());
  return refuse_standing(
      peer, event,
      policy::decide_sign_in(*rules_.policy(), (*holder)->facts, policy::SignIn::password, clock_.now()),
      who);
}

std::optional<Response> PasswordDesk::refuse_new(const Secret& wanted, const reg::Person& who) {
  auto why = rules_.password_rules()->refuse(wanted, {who.name, who.username, who.id, who.email});
  if (why.empty()) return std::nullopt;
  return problem(400, "password_refused", why + ". Nothing was changed.");
}

Response PasswordDesk::not_saved(const PasswordDeed& deed, const Error& why) {
  if (deed.overtaken && why.code == Errc::cancelled) return *deed.overtaken;
  if (deed.helper == nullptr || why.code != Errc::permission_denied) return register_unavailable(why);
  auto over = actors_.refuse_if_over(*deed.helper);
  return over ? std::move(*over) : not_possible(why);
}

boost::asio::awaitable<std::optional<Response>> PasswordDesk::put_on_file(PasswordDeed& deed) {
  auto recording = deeds_.recorded(deed.record);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  std::function<Result<void>(reg::Register&)> still;
  if (deed.helper != nullptr) {
    if (auto over = actors_.refuse_if_over(*deed.helper)) {
      deeds_.note_not_done(deed.record, "the session, or the right to do it, ended meanwhile");
      co_return over;
    }
    still = actors_.still_allowed(*deed.helper, deed.act);
  }
  std::function<Result<void>(reg::Register&, reg::Credentials&)> save =
      [how = deed.how, still = std::move(still), at = clock_.now()](reg::Register& staff,
                                                                    reg::Credentials& file) -> Result<void> {
    if (still) TRY(still(staff));
    return how(file, at);
  };
  auto saving = register_.on_both<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    deeds_.note_not_done(deed.record, saved.error());
    co_return not_saved(deed, saved.error());
  }
  if (deed.ends_sessions) changed(deed.record.person);
  deeds_.ended(deed.record);
  co_return std::nullopt;
}

}  // namespace cardgate::daemon
