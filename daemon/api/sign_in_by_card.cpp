// SPDX-License-Identifier: Apache-2.0
// By card and passcode.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/crypto.hpp"
#include "daemon/api/session_json.hpp"
#include "daemon/api/sign_in_api.hpp"
#include "daemon/cards/card_name.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/people_view.hpp"
#include "daemon/people/teams.hpp"
#include "daemon/work/rules.hpp"
#include "proto/card_words.hpp"

namespace cardgate::daemon {

struct SignInApi::ByCard {
  const Peer& peer;
  proto::SignIn ask;
  std::string resume_id;  // empty: a new session
  CardUse use;
  Patience patience;
  std::optional<UnixAccount> account{};  // of `ask.account`, where the peer may ask for it
  uid_t uid = 0;                         // whose session it will be
  std::string client{};
  std::shared_ptr<const CardFacts> card{};
  std::uint64_t insertion = 0;
  Session session{};
  policy::Decision standing{};
  std::optional<Counted> place{};
  WallTime asked_at{};
  trust::Verdict proof{};
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();

  bool is_new() const { return resume_id.empty(); }
  const std::string& on_record() const { return is_new() ? session.id : resume_id; }
};

Response SignInApi::access_denied(const policy::Decision& standing, const reg::Person& holder,
                                  const std::string& card) {
  auto detail = sentences(standing.unmet);
  for (const auto& other : work::other_cards(holder, card, roll_.records()))
    detail += fmt::format(" {}. If you did not ask for it, tell the {} now.", other,
                          rules_.policy()->contacts().access_team);
  json::object more{{"unmet", to_json(standing.unmet)}};
  add_continuity(more, rules_.config().downtime, holder.teams, roll_.staff());
  return problem(403, "access_denied", std::move(detail), std::move(more));
}

Response SignInApi::refuse_certificate(const ByCard& going, const trust::Verdict& verdict) {
  json::array findings;
  for (const auto& finding : verdict.findings) {
    findings.push_back(json::object{{"status", trust::name(finding.status)},
                                    {"text", trust::explain(finding)},
                                    {"subject", finding.subject}});
  }
  const auto worst = verdict.findings.empty() ? trust::Finding{} : verdict.findings.front();
  json::object more{{"findings", std::move(findings)}};
  const auto holder = roll_.person(cards_.holder_of(*going.card).person);
  add_continuity(more, rules_.config().downtime, holder ? (*holder)->facts.teams : std::vector<std::string>(),
                 roll_.staff());
  return cards_.refuse(
      going.use, problem(403, "certificate_refused", std::string(trust::explain(worst)), std::move(more)),
      "certificate_" + std::string(trust::name(worst.status)));
}

/// Who asks, before what is asked.
SignInApi::Refusal SignInApi::admit(ByCard& going) {
  const Peer& peer = going.peer;
  const auto& ask = going.ask;
  if (auto no = cards_.refuse_peer(going.use)) return no;
  if (ask.for_uid && *ask.for_uid != peer.uid && peer.uid != 0) {
    return cards_.refuse(
        going.use,
        problem(403, "sign_in_not_allowed", "Only root can sign in for another user of the machine."),
        "for_uid");
  }
  going.uid = ask.for_uid.value_or(peer.uid);
  going.client = admission_.signs_in(peer)->name;  // refuse_peer() found it
  if (!ask.account.empty()) {
    if (auto no = admit_account(going)) return no;
  } else if (!ask.for_uid && peer.uid == 0 && !admission_.is_at(ask.reader, 0)) {
    return cards_.refuse(going.use,
                         problem(403, "sign_in_not_allowed",
                                 "As root, name the user to sign in for: cardgate login --for-user USER"),
                         "for_uid");
  }
  auto found = cards_.in_hand(going.use, ask.card, ask.tries_left);
  if (found.refusal) return std::move(found.refusal);
  going.card = found.reader->card;
  going.insertion = found.reader->insertion;
  return std::nullopt;
}

SignInApi::Refusal SignInApi::admit_account(ByCard& going) {
  auto refused = accounts_.refuse_ask(going.peer, going.ask.account, going.account, going.ask.for_uid);
  if (refused) return cards_.refuse(going.use, std::move(refused->answer), refused->reason);
  going.uid = going.account->uid;
  if (going.is_new()) return std::nullopt;
  const Session* session = sessions_.find(going.resume_id);
  if (session != nullptr && session->uid == going.uid) return std::nullopt;
  return no_such_session();
}

SignInApi::Refusal SignInApi::refuse_account(const ByCard& going) {
  if (!going.account) return std::nullopt;
  auto refused = accounts_.refuse_person(going.account->name, going.session.person);
  if (!refused) return std::nullopt;
  return cards_.refuse(going.use, std::move(refused->answer), refused->reason);
}

SignInApi::Refusal SignInApi::refuse_first_passcode(const ByCard& going, const reg::Person& holder) {
  if (!work::needs_new_passcode(holder, going.card->id)) return std::nullopt;
  return cards_.refuse(going.use,
                       problem(403, "passcode_change_required", std::string(proto::new_passcode_first)),
                       "passcode_change_required");
}

/// A try is not spent on a card that cannot get in anyway.
SignInApi::LaterRefusal SignInApi::judge_again(ByCard& going) {
  if (going.card->verdict.valid) co_return std::nullopt;
  auto& readers = cards_.readers();
  readers.find(going.ask.reader)->busy = true;
  auto judging = readers.judge_again(going.ask.reader, going.card, clock_.now(), going.patience);
  const auto again = co_await std::move(judging);
  Reader* reader = readers.find(going.ask.reader);
  if (reader != nullptr && reader->insertion == going.insertion) reader->busy = false;
  if (again && !again->valid) co_return refuse_certificate(going, *again);
  if (auto gone = cards_.refuse_if_gone(going.use, going.insertion)) co_return gone;
  if (!again) co_return cards_.error(going.use, *reader, again.error());
  co_return std::nullopt;
}

SignInApi::Refusal SignInApi::stand(ByCard& going) {
  const auto begun = std::chrono::steady_clock::now();
  CardUse& use = going.use;
  const auto& card = going.card;
  Session& session = going.session;
  auto stands_for = cards_.holder_of(*card);
  if (stands_for.refusal) return cards_.refuse(use, std::move(*stands_for.refusal), stands_for.reason);
  const auto holder = roll_.person(stands_for.person);
  if (!holder) return register_unavailable(holder.error());
  const auto& person = (*holder)->record;
  session.person = person.id;
  session.person_name = person.name;
  session.card = card->id;
  session.uid = going.uid;
  use.person = person.id;
  if (auto no = refuse_account(going)) return no;
  const auto facts = sessions_.facts_for(session);
  if (!facts) return register_unavailable(facts.error());
  going.standing = policy::decide_sign_in(*rules_.policy(), *facts, policy::SignIn::card, clock_.now());
  if (!going.standing.allowed) {
    const auto& unmet = going.standing.unmet;
    return cards_.refuse(use, access_denied(going.standing, person, card->id),
                         unmet.empty() ? "access" : unmet.front().prerequisite);
  }
  if (auto no = cards_.refuse_name(use, *card, person)) return no;
  if (auto no = going.is_new() ? downtime_.refuse_sign_in(*facts, policy::SignIn::card) : std::nullopt)
    return cards_.refuse(use, std::move(*no), "downtime");
  if (auto no = refuse_first_passcode(going, person)) return no;
  for (const auto& other : work::other_cards(person, card->id, roll_.records())) {
    session.warnings.push_back(fmt::format("{}. If you did not ask for it, tell the {} now", other,
                                           rules_.policy()->contacts().access_team));
  }
  if (auto words = work::loan_words(person, card->id); !words.empty())
    session.warnings.push_back(std::move(words));
  if (const Session* other = sessions_.by_card(card->id); other != nullptr && other->uid != going.uid) {
    log(Level::warning, fmt::format("Two users of this machine ask for the card of person {}.", person.id),
        {{"CARDGATE_PERSON", person.id}});
    return cards_.refuse(use, problem(409, "card_in_use", std::string(work::card_in_use)), "card_in_use");
  }
  recorder_.took("sign_in_seconds", "register", begun);
  // A place first: neither a try nor a record is spent on a session for which there is no room.
  if (!going.is_new()) return std::nullopt;
  if (auto no = refuse_opening(going.peer, session)) return no;
  going.place.emplace(sessions_.opening());
  return std::nullopt;
}

/// The passcode, once.
SignInApi::LaterRefusal SignInApi::prove(ByCard& going) {
  auto& readers = cards_.readers();
  const std::string name = going.ask.reader;
  going.session.id = random_id();
  readers.find(name)->busy = true;
  Attempt attempt{going.card, {}, host_, going.session.id};
  attempt.use.reader = name;
  attempt.use.tries_shown = going.ask.tries_left;
  attempt.use.spend_last_try = going.ask.spend_last_try;
  attempt.use.passcode = std::move(going.ask.passcode);
  going.asked_at = clock_.now();
  auto proving = readers.prove(std::move(attempt), going.asked_at, going.patience);
  const auto proof = co_await std::move(proving);

  // The world may have changed while the card worked: everything is looked up again.
  Reader* reader = readers.find(name);
  if (reader != nullptr && reader->insertion == going.insertion) reader->busy = false;
  if (auto gone = cards_.refuse_if_gone(going.use, going.insertion)) co_return gone;
  if (!proof) {
    auto answer = cards_.error(going.use, *reader, proof.error());
    cards_.publish("read", name);
    co_return answer;
  }
  if (!proof->verdict.valid) co_return refuse_certificate(going, proof->verdict);
  recorder_.took("sign_in_seconds", "card", proof->card);
  recorder_.took("sign_in_seconds", "certificate", proof->certificate);
  recorder_.took("sign_in_seconds", "revocation", proof->revocation);
  readers.proved(name);
  if (going.patience.left.stop_requested()) co_return cards_.refuse_who_left(going.use);
  // No card is issued with fewer than three tries, so three or more of them need no second look.
  const bool few = reader->tries_left < 3 && reader->tries_left != tries_unknown;
  if (reader->failures > 0 || few) boost::asio::co_spawn(io_, readers.recount(name), boost::asio::detached);
  reader->failures = 0;
  going.proof = proof->verdict;
  co_return std::nullopt;
}

void SignInApi::begin_session(ByCard& going) {
  auto& session = going.session;
  session.reader = going.ask.reader;
  session.insertion = going.insertion;
  session.certificate = going.card->certificate;
  sessions_.begin_times(session, going.standing);
  session.answers_until = going.proof.fresh_until;
  session.ask_at = clock_.boot() + rules_.config().fetch.recheck;
  if (auto warning = certificate_warning(going.card->info, session.auth_time))
    session.warnings.push_back(*std::move(warning));
}

SignInApi::LaterRefusal SignInApi::record(ByCard& going) {
  audit::Record record;
  record.event = name_of(going.is_new() ? audit::Event::sign_in : audit::Event::session_resumed);
  record.person = going.session.person;
  record.client = going.client;
  record.session = going.on_record();
  record.policy = rules_.policy()->hash();
  record.details = {{"reader", going.ask.reader},
                    {"card", going.card->id},
                    {"uid", going.uid},
                    {"serial", going.card->info.serial},
                    {"revocation", going.proof.revocation},
                    {"peer", describe(going.peer)}};
  if (going.account) record.details["account"] = going.account->name;
  record.details["took_ms"] =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - going.begun).count();
  const auto begun = std::chrono::steady_clock::now();
  auto recording = recorder_.write(std::move(record));
  const auto recorded = co_await std::move(recording);
  if (!recorded) co_return recorder_.unavailable();
  recorder_.took("sign_in_seconds", "log", begun);
  co_return refuse_after_record(going);
}

SignInApi::Refusal SignInApi::refuse_after_record(ByCard& going) {
  const auto not_opened = [&](std::string_view why) {
    note_not_opened(going.peer, going.session.person, going.on_record(), why);
  };
  if (sessions_.stopping()) {
    not_opened("the service stopped");
    return draining();
  }
  if (going.patience.left.stop_requested()) {
    not_opened("the program that asked left while the sign-in was being recorded");
    return cards_.refuse_who_left(going.use);
  }
  const Reader* reader = cards_.readers().find(going.ask.reader);
  if (reader == nullptr || reader->insertion != going.insertion) {
    not_opened("the card was taken out while the sign-in was being recorded");
    return problem(404, "no_card", "The card was taken out. Put it in and try again.");
  }
  // A reload may have taken the client, the seat or the uid its right while the person typed.
  if (auto no = cards_.refuse_peer(going.use)) {
    not_opened("the program or the seat lost its right meanwhile");
    return no;
  }
  if (auto no = refuse_account(going)) {
    not_opened("the account was taken from the person meanwhile");
    return no;
  }
  const auto holder = roll_.person(going.session.person);
  if (!holder) {
    not_opened("the staff register could not be read");
    return register_unavailable(holder.error());
  }
  if (auto no = refuse_first_passcode(going, (*holder)->record)) {
    not_opened("the card was lent anew meanwhile");
    return no;
  }
  return std::nullopt;
}

Response SignInApi::resumed(ByCard& going) {
  const std::string& id = going.resume_id;
  sessions_.review(id);
  const Session* session = sessions_.find(id);
  if (session == nullptr) return too_late();
  events_.publish("session", {{"kind", "resumed"}, {"session", id}}, going.uid);
  return json_response(200, session_json(*session, clock_.now()));
}

Response SignInApi::open(ByCard& going) {
  const std::string id = going.session.id;
  const std::string person = going.session.person;
  const auto not_opened = [&](std::string_view why) { note_not_opened(going.peer, person, id, why); };
  // A removal, or the last day, may have come while the person typed.
  const auto still = sessions_.facts_for(going.session);
  if (!still ||
      !policy::decide_sign_in(*rules_.policy(), *still, policy::SignIn::card, clock_.now()).allowed) {
    not_opened("access ended while the sign-in was being recorded");
    return too_late();
  }
  if (auto no = downtime_.refuse_sign_in(*still, policy::SignIn::card)) {
    not_opened("a downtime began while the sign-in was being recorded");
    return std::move(*no);
  }
  if (const auto opened = sessions_.open(std::move(going.session)); !opened) {
    not_opened(opened.error().context);
    const bool in_use = opened.error().code == Errc::permission_denied;
    return problem(in_use ? 409 : 503, in_use ? "card_in_use" : "too_many_sessions",
                   opened.error().context + ".");
  }
  sessions_.watch_certificate(id, going.proof, going.asked_at);
  // By the trust files and the register as they are now: both may have changed since the certificate was judged.
  sessions_.review(id);
  const Session* session = sessions_.find(id);
  if (session == nullptr) return too_late();
  events_.publish("session", {{"kind", "opened"}, {"session", id}, {"reader", going.ask.reader}}, going.uid);
  auto answer = this->opened(*session);
  notices_.guide(*session, *still);
  boost::asio::co_spawn(io_, set_up_.signed_in(person), boost::asio::detached);
  return answer;
}

boost::asio::awaitable<Response> SignInApi::sign_in_by_card(Request& request, proto::SignIn ask,
                                                            std::string resume_id) {
  Peer peer = *request.peer;
  // Whoever runs su again and again uses up the share of that account, and not root's, which all others need.
  std::optional<UnixAccount> account;
  if (!ask.account.empty()) {
    auto looking = accounts_.account_for(peer, ask.account, AccountDesk::Turn::before_proof);
    auto looked = co_await std::move(looking);
    if (!looked) co_return AccountDesk::accounts_unavailable();
    account = std::move(*looked);
  }
  if (peer.uid == 0 && account) peer.counted_as = account->uid;
  CardUse use{peer, audit::Event::sign_in_refused, ask.reader, {}};
  ByCard going{peer, std::move(ask), std::move(resume_id), std::move(use),
               Patience{std::chrono::steady_clock::now() + longest_card_work, request.left()}};
  going.account = std::move(account);
  if (auto no = admit(going)) co_return std::move(*no);
  auto judging = judge_again(going);
  if (auto no = co_await std::move(judging)) co_return std::move(*no);
  if (auto no = stand(going)) co_return std::move(*no);
  auto proving = prove(going);
  if (auto no = co_await std::move(proving)) co_return std::move(*no);
  begin_session(going);
  auto recording = record(going);
  if (auto no = co_await std::move(recording)) co_return std::move(*no);
  const auto& proved = going.session;
  if (!going.is_new() && !sessions_.resume(going.resume_id, {going.ask.reader, going.insertion, proved.proved,
                                                             proved.auth_time})) {
    note_not_opened(peer, going.session.person, going.resume_id,
                    "the session ended while it was being resumed");
    co_return has_ended();
  }
  recorder_.count("sign_ins");
  recorder_.took("sign_in_seconds", "all", going.begun);
  log(going.is_new() ? audit::Event::sign_in : audit::Event::session_resumed,
      fmt::format("Person {} {} at reader {}.", going.session.person,
                  going.is_new() ? "signed in" : "took up the session again", going.ask.reader),
      {{"CARDGATE_PERSON", going.session.person}, {"CARDGATE_READER", going.ask.reader}});
  co_return going.is_new() ? open(going) : resumed(going);
}

}  // namespace cardgate::daemon
