// SPDX-License-Identifier: Apache-2.0
// POST /v1/sessions: from a passcode to a session, and every way in which it is refused.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/cards/card_name.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
Result<reg::Person> Gate::record_of(const std::string& id) {
  auto record = TRY(staff_->person(id));
  open_acts_.apply(record);
  return record;
}

RecordOf Gate::records() {
  return [this](const std::string& id) { return record_of(id); };
}

Result<Gate::Person*> Gate::person(const std::string& id) {
  if (const auto found = people_.find(id); found != people_.end()) return &found->second;
  auto record = TRY(record_of(id));
  auto facts = to_facts(record, records());
  if (people_.size() > 10'000) people_.clear();
  return &people_.insert_or_assign(id, Person{std::move(record), std::move(facts)}).first->second;
}

Result<const policy::Facts*> Gate::facts_for(const Session& session) {
  Person* found = TRY(person(session.person));
  set_card(found->facts, found->record, session.card);
  found->facts.answers_until.reset();
  if (session.sign_in == policy::SignIn::card) found->facts.answers_until = session.answers_until;
  return &found->facts;
}

std::string_view revocation_word(const Session& session, WallTime now) {
  return now <= session.answers_until ? "good" : "cached";
}

json::object Gate::session_json(const Session& session) {
  json::array warnings;
  for (const auto& warning : session.warnings) warnings.push_back(json::string(warning));
  json::object out{{"id", session.id},
                   {"person", person_json(session.person, session.person_name)},
                   {"acr", policy::name(session.sign_in)},
                   {"amr", json::array{"pwd"}},
                   {"signed_in_at", to_rfc3339(session.auth_time)},
                   {"expires_at", to_rfc3339(session.expires)},
                   {"state", session.locked     ? "locked"
                             : session.card_out ? "grace"
                                                : "active"},
                   {"warnings", std::move(warnings)}};
  if (session.sign_in == policy::SignIn::card) {
    out["amr"] = json::array{"sc", "pin"};
    out["reader"] = session.reader;
    out["card"] = session.card;
    out["revocation"] = revocation_word(session, now());
  } else {
    out["username"] = session.username;
  }
  return out;
}

void Gate::begin_times(Session& session, const policy::Decision& standing) {
  session.auth_time = now();
  session.last_used = clock_.boot();
  milliseconds longest{0};
  for (const auto& role : policy_->roles()) {
    if (role.accepts(session.sign_in)) longest = std::max(longest, role.max_session);
  }
  session.ends = clock_.boot() + longest;
  session.expires = session.auth_time + longest;
  if (standing.valid_until) session.review_at = boot_time_of(*standing.valid_until);
  for (const auto& warning : standing.warnings) session.warnings.push_back(warning.text);
}

std::optional<Response> Gate::refuse_opening(const Peer& peer, const Session& session) {
  const auto refused = [&](Response answer, std::string_view reason) {
    audit::Record record;
    record.event = "sign_in_refused";
    record.person = session.person;
    record.reason = reason;
    refuse(peer, std::move(record));
    return answer;
  };
  if (shutting_down_)
    return refused(problem(503, "draining", "The service is stopping. Try again in a moment."), "draining");
  const auto room = sessions_.may_open(session, opening_);
  if (room) return std::nullopt;
  if (room.error().code == Errc::permission_denied) {
    return refused(problem(409, "card_in_use",
                           "This card is already signed in for another user of this machine. Sign out there, "
                           "or take the card out and put it in again."),
                   "card_in_use");
  }
  return refused(
      problem(503, "too_many_sessions",
              "Too many people are signed in on this machine. Try again when one of them has signed out."),
      "too_many_sessions");
}

/// Not folded as other refusals: it takes back a record, by the session that this names.
void Gate::note_not_opened(const Peer& peer, const std::string& person, const std::string& session,
                           std::string_view reason) {
  audit::Record record;
  record.event = "sign_in_refused";
  record.person = person;
  record.session = session;
  record.reason = fmt::format("not done: {}", reason);
  record.details["peer"] = describe(peer);
  note(std::move(record));
}

Gate::Answer Gate::sign_in(Request& request) {
  auto ask = proto::parse_any_sign_in(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  const std::string none;
  auto* by_card = std::get_if<proto::SignIn>(&*ask);
  auto signing_in = by_card != nullptr ? sign_in_with(request, std::move(*by_card), none)
                                       : sign_in_by_password(
                                             request, std::get<proto::PasswordSignIn>(std::move(*ask)), none);
  auto answer = co_await std::move(signing_in);
  co_return answer;
}

Gate::Answer Gate::resume(Request& request, const std::string& id) {
  auto parsed = proto::parse_any_sign_in(request.body);
  wipe(request.body);
  if (!parsed) co_return problem(400, "bad_request", parsed.error().context + ".");
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0)) {
    co_return problem(404, "not_found",
                      "There is no such session. It may have ended. Sign in again: cardgate login");
  }
  if (auto* by_password = std::get_if<proto::PasswordSignIn>(&*parsed)) {
    auto resuming = sign_in_by_password(request, std::move(*by_password), id);
    auto resumed = co_await std::move(resuming);
    co_return resumed;
  }
  auto* ask = std::get_if<proto::SignIn>(&*parsed);
  // Its card may have moved to another reader while the session was locked.
  if (ask->card != session->card || (!session->card_out && ask->reader != session->reader)) {
    co_return problem(
        409, "card_changed",
        "This session belongs to another card. No try was spent. Sign in with this card: cardgate login");
  }
  auto answer = co_await sign_in_with(request, std::move(*ask), id);
  co_return answer;
}

std::optional<Response> Gate::refuse_card_name(const CardUse& use, const CardFacts& card,
                                               const reg::Person& holder) {
  const auto registered = std::ranges::find(holder.cards, card.id, &reg::Card::uuid);
  if (registered == holder.cards.end() || registered->registered_by.empty()) return std::nullopt;
  if (says_name(card.info, registered->certificate_name)) return std::nullopt;
  return refuse_card_use(
      use,
      problem(403, "certificate_name_differs",
              fmt::format("The certificate on this card names '{}', but the card was registered for '{}'. No "
                          "try was spent. Take the card to the {}, who registered it.",
                          certificate_name(card.info), registered->certificate_name,
                          policy_->contacts().access_team)),
      "certificate_name");
}

Response Gate::access_denied(const policy::Decision& standing, const reg::Person& holder,
                             const std::string& card) {
  std::string detail;
  for (const auto& item : standing.unmet)
    detail += (detail.empty() ? "" : " ") + item.text + ". " + item.next_step + ".";
  for (const auto& other : work::other_cards(holder, card, records()))
    detail += fmt::format(" {}. If you did not ask for it, tell the {} now.", other,
                          policy_->contacts().access_team);
  return problem(403, "access_denied", std::move(detail), {{"unmet", to_json(standing.unmet)}});
}

Gate::Answer Gate::sign_in_with(Request& request, proto::SignIn ask, const std::string& resume_id) {
  const Peer& peer = *request.peer;
  CardUse use{peer, "sign_in_refused", ask.reader, {}};
  const auto refused = [&](Response answer, std::string_view reason, const std::string& who = {}) {
    use.person = who;
    return refuse_card_use(use, std::move(answer), reason);
  };
  // Who asks, before what is asked.
  if (auto no = refuse_peer(use)) co_return std::move(*no);
  if (ask.for_uid && *ask.for_uid != peer.uid && peer.uid != 0) {
    co_return refused(
        problem(403, "sign_in_not_allowed", "Only root can sign in for another user of the machine."),
        "for_uid");
  }
  const uid_t uid = ask.for_uid.value_or(peer.uid);
  const std::string client = client_for(peer, [](const ClientEntry& entry) {
                               return entry.sign_in;
                             })->name;  // refuse_peer() found it
  if (!ask.for_uid && peer.uid == 0 && !sits_at(config_.readers, ask.reader, 0)) {
    co_return refused(problem(403, "sign_in_not_allowed",
                              "As root, name the user to sign in for: cardgate login --for-user USER"),
                      "for_uid");
  }
  auto found_card = card_in_hand(use, ask.card, ask.tries_left);
  if (found_card.refusal) co_return std::move(*found_card.refusal);
  Reader* reader = found_card.reader;
  const auto card = reader->card;
  const auto refuse_certificate = [&](const trust::Verdict& verdict) {
    json::array findings;
    for (const auto& finding : verdict.findings) {
      findings.push_back(json::object{{"status", trust::name(finding.status)},
                                      {"text", trust::explain(finding)},
                                      {"subject", finding.subject}});
    }
    const auto worst = verdict.findings.empty() ? trust::Finding{} : verdict.findings.front();
    return refused(problem(403, "certificate_refused", std::string(trust::explain(worst)),
                           {{"findings", std::move(findings)}}),
                   "certificate_" + std::string(trust::name(worst.status)));
  };
  const Patience patience{std::chrono::steady_clock::now() + longest_card_work, request.left()};
  // A try is not spent on a card that cannot get in anyway.
  if (!card->verdict.valid) {
    const std::uint64_t before = reader->insertion;
    reader->busy = true;
    const auto again = co_await readers_.judge_again(ask.reader, card, now(), patience);
    reader = readers_.find(ask.reader);
    if (reader != nullptr && reader->insertion == before) reader->busy = false;
    if (again && !again->valid) co_return refuse_certificate(*again);
    if (auto gone = refuse_if_gone(use, before)) co_return std::move(*gone);
    if (!again) co_return card_error(use, *reader, again.error());
  }
  auto stands_for = holder_of(*card);
  if (stands_for.refusal) co_return refused(std::move(*stands_for.refusal), stands_for.reason);
  const auto holder = person(stands_for.person);
  if (!holder) co_return register_unavailable(holder.error());
  const std::string person_id = (*holder)->record.id;
  Session session;
  session.person = person_id;
  session.person_name = (*holder)->record.name;
  session.card = card->id;
  const auto facts = facts_for(session);
  if (!facts) co_return register_unavailable(facts.error());
  const auto standing = policy::decide_sign_in(*policy_, **facts, policy::SignIn::card, now());
  if (!standing.allowed) {
    const std::string reason = standing.unmet.empty() ? "access" : standing.unmet.front().prerequisite;
    co_return refused(access_denied(standing, (*holder)->record, card->id), reason, person_id);
  }
  use.person = person_id;
  if (auto no = refuse_card_name(use, *card, (*holder)->record)) co_return std::move(*no);
  for (const auto& other : work::other_cards((*holder)->record, card->id, records())) {
    session.warnings.push_back(fmt::format("{}. If you did not ask for it, tell the {} now", other,
                                           policy_->contacts().access_team));
  }
  if (const Session* other = sessions_.by_card(card->id); other != nullptr && other->uid != uid) {
    log(Level::warning, fmt::format("Two users of this machine ask for the card of person {}.", person_id),
        {{"CARDGATE_PERSON", person_id}});
    co_return refused(problem(409, "card_in_use",
                              "This card is already signed in for another user of this machine. Sign out "
                              "there, or take the card out and put it in again."),
                      "card_in_use", person_id);
  }

  // A place first: neither a try nor a record is spent on a session for which there is no room.
  session.uid = uid;
  std::optional<Counted> place;
  if (resume_id.empty()) {
    if (auto no = refuse_opening(peer, session)) co_return std::move(*no);
    place.emplace(opening_);
  }

  // The passcode, once.
  const std::uint64_t insertion = reader->insertion;
  session.id = random_id();
  reader->busy = true;
  Attempt attempt{card, {}, host_, session.id};
  attempt.use.reader = ask.reader;
  attempt.use.tries_shown = ask.tries_left;
  attempt.use.spend_last_try = ask.spend_last_try;
  attempt.use.passcode = std::move(ask.passcode);
  const WallTime asked_at = now();
  const auto proof = co_await readers_.prove(std::move(attempt), asked_at, patience);

  // The world may have changed while the card worked: everything is looked up again.
  reader = readers_.find(ask.reader);
  const bool same_card = reader != nullptr && reader->insertion == insertion;
  if (same_card) reader->busy = false;
  use.person = person_id;
  if (auto gone = refuse_if_gone(use, insertion)) co_return std::move(*gone);
  if (!proof) {
    const auto answer = card_error(use, *reader, proof.error());
    publish_card("read", ask.reader);
    co_return answer;
  }
  if (!proof->valid) co_return refuse_certificate(*proof);
  readers_.proved(ask.reader);
  if (patience.left.stop_requested()) co_return refuse_who_left(use);
  // No card is issued with fewer than three tries, so three or more of them need no second look.
  const bool few = reader->tries_left < 3 && reader->tries_left != tries_unknown;
  if (reader->failures > 0 || few)
    boost::asio::co_spawn(io_, readers_.recount(ask.reader), boost::asio::detached);
  reader->failures = 0;

  session.reader = ask.reader;
  session.insertion = insertion;
  session.certificate = card->certificate;
  begin_times(session, standing);
  session.answers_until = proof->fresh_until;
  session.ask_at = clock_.boot() + config_.fetch.recheck;
  if (auto warning = certificate_warning(card->info, session.auth_time)) {
    session.warnings.push_back(*std::move(warning));
  }

  const std::string on_record = resume_id.empty() ? session.id : resume_id;
  audit::Record record;
  record.event = resume_id.empty() ? "sign_in" : "session_resumed";
  record.person = person_id;
  record.client = client;
  record.session = on_record;
  record.policy = policy_->hash();
  record.details = {{"reader", ask.reader},
                    {"card", card->id},
                    {"uid", uid},
                    {"serial", card->info.serial},
                    {"revocation", proof->revocation},
                    {"peer", describe(peer)}};
  const auto recorded = co_await durable_.wait(durable_.start(*log_, std::move(record)));
  if (!recorded) co_return audit_unavailable();
  if (shutting_down_) {
    note_not_opened(peer, person_id, on_record, "the service stopped");
    co_return problem(503, "draining", "The service is stopping. Try again in a moment.");
  }
  reader = readers_.find(ask.reader);
  if (patience.left.stop_requested()) {
    note_not_opened(peer, person_id, on_record,
                    "the program that asked left while the sign-in was being recorded");
    co_return refuse_who_left(use);
  }
  if (reader == nullptr || reader->insertion != insertion) {
    note_not_opened(peer, person_id, on_record,
                    "the card was taken out while the sign-in was being recorded");
    co_return problem(404, "no_card", "The card was taken out. Put it in and try again.");
  }
  // A reload may have taken the client, the seat or the uid its right while the person typed.
  use.person = person_id;
  if (auto no = refuse_peer(use)) {
    note_not_opened(peer, person_id, on_record, "the program or the seat lost its right meanwhile");
    co_return std::move(*no);
  }
  if (!resume_id.empty() && !sessions_.resume(resume_id, ask.reader, insertion, clock_.boot())) {
    note_not_opened(peer, person_id, on_record, "the session ended while it was being resumed");
    co_return problem(404, "not_found", "The session has ended. Sign in again: cardgate login");
  }

  metrics_.add("sign_ins");
  log(Level::info,
      fmt::format("Person {} {} at reader {}.", person_id,
                  resume_id.empty() ? "signed in" : "took up the session again", ask.reader),
      {{"CARDGATE_EVENT", resume_id.empty() ? "sign_in" : "session_resumed"},
       {"CARDGATE_PERSON", person_id},
       {"CARDGATE_READER", ask.reader}});
  if (!resume_id.empty()) {
    review(resume_id);
    if (sessions_.find(resume_id) == nullptr) co_return access_just_ended(policy_->contacts());
    on_deadline_changed();
    events_.publish("session", {{"kind", "resumed"}, {"session", resume_id}}, uid);
    co_return json_response(200, session_json(*sessions_.find(resume_id)));
  }
  // A removal, or the last day, may have come while the person typed.
  const auto still = facts_for(session);
  if (!still || !policy::decide_sign_in(*policy_, **still, policy::SignIn::card, now()).allowed) {
    note_not_opened(peer, person_id, on_record, "access ended while the sign-in was being recorded");
    co_return access_just_ended(policy_->contacts());
  }
  const std::string id = session.id;
  auto opened = sessions_.open(std::move(session));
  if (!opened) {
    note_not_opened(peer, person_id, on_record, opened.error().context);
    const bool in_use = opened.error().code == Errc::permission_denied;
    co_return problem(in_use ? 409 : 503, in_use ? "card_in_use" : "too_many_sessions",
                      opened.error().context + ".");
  }
  apply(std::move(*opened));
  watch_certificate(id, *proof, asked_at);
  // By the trust files and the register as they are now: both may have changed since the certificate was judged.
  review(id);
  if (sessions_.find(id) == nullptr) co_return access_just_ended(policy_->contacts());
  on_deadline_changed();
  events_.publish("session", {{"kind", "opened"}, {"session", id}, {"reader", ask.reader}}, uid);
  auto answer = json_response(201, session_json(*sessions_.find(id)));
  boost::asio::co_spawn(io_, signed_in_at_set_up(person_id), boost::asio::detached);
  answer.headers.emplace_back("Location", "/v1/sessions/" + id);
  co_return answer;
}

}  // namespace cardgate::daemon
