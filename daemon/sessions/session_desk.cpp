// SPDX-License-Identifier: Apache-2.0
// The changes of sessions and what comes out of them; session_review.cpp looks at what they stand on.
#include "daemon/sessions/session_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/journal.hpp"

namespace cardgate::daemon {

Sessions::Bounds session_bounds(const Limits& limits) {
  return {static_cast<std::size_t>(limits.sessions), static_cast<std::size_t>(limits.tokens_per_session)};
}

std::vector<std::string> records_of(const policy::Role& role, const policy::Facts& facts, policy::Day today) {
  std::vector<std::string> out;
  for (const auto& manager : policy::managers_in_scope(role, facts, today))
    out.push_back(manager.until ? manager.id + "@" + to_text(*manager.until) : manager.id);
  return out;
}

std::string_view revocation_word(const Session& session, WallTime now) {
  return now <= session.answers_until ? "good" : "cached";
}

SessionDesk::SessionDesk(boost::asio::io_context& io, Sessions& sessions, RuleBook& rules, Roll& roll,
                         Recorder& recorder, Events& events, WaitingActs& acts, RuleLoader& loader,
                         GuardedClock& clock)
    : sessions_(sessions),
      rules_(rules),
      roll_(roll),
      recorder_(recorder),
      events_(events),
      acts_(acts),
      loader_(loader),
      clock_(clock),
      timer_(io, [this] { tick(); }) {}

SessionDesk::Chosen SessionDesk::choose(const Peer& peer, const std::string& wanted) const {
  if (!wanted.empty()) {
    const Session* session = sessions_.find(wanted);
    if (session != nullptr && session->uid == peer.uid) return {session, std::nullopt};
    return {nullptr, problem(401, "no_session",
                             "There is no such session. It may have ended. Sign in: cardgate login")};
  }
  const auto mine = sessions_.of_uid(peer.uid);
  if (mine.empty()) {
    return {nullptr,
            problem(401, "no_session", "Nobody is signed in. Put your card in and sign in: cardgate login")};
  }
  if (mine.size() == 1) return {mine.front(), std::nullopt};
  json::array ids;
  std::string text = "Several sessions are open. Choose one of them with --session:";
  for (const Session* session : mine) {
    ids.push_back(json::string(session->id));
    text += fmt::format(
        "\n  --session {}  ({}, {})", session->id, session->person_name,
        session->sign_in == policy::SignIn::card ? "card in " + session->reader : std::string("by password"));
  }
  return {nullptr, problem(409, "session_ambiguous", std::move(text), {{"sessions", std::move(ids)}})};
}

Result<policy::Facts> SessionDesk::facts_for(const Session& session) {
  const auto person = TRY(roll_.person(session.person));
  policy::Facts facts = person->facts;
  set_card(facts, person->record, session.card);
  facts.answers_until.reset();
  if (session.sign_in == policy::SignIn::card) facts.answers_until = session.answers_until;
  return facts;
}

milliseconds SessionDesk::longest_session(policy::SignIn way) const {
  milliseconds longest{0};
  for (const auto& role : rules_.policy()->roles()) {
    if (role.accepts(way)) longest = std::max(longest, role.max_session);
  }
  return longest;
}

void SessionDesk::begin_times(Session& session, const policy::Decision& standing) {
  session.auth_time = session.signed_in = clock_.now();
  session.begun = session.last_used = session.proved = clock_.boot();
  const auto longest = longest_session(session.sign_in);
  session.ends = session.begun + longest;
  session.expires = session.auth_time + longest;
  if (standing.valid_until) session.review_at = clock_.boot_time_of(*standing.valid_until);
  for (const auto& warning : standing.warnings) session.warnings.push_back(warning.text);
}

Result<void> SessionDesk::open(Session session) {
  apply(TRY(sessions_.open(std::move(session))));
  return {};
}

bool SessionDesk::resume(const std::string& id, const Sessions::Proof& proof) {
  const bool resumed = sessions_.resume(id, proof, clock_.boot());
  arm();
  return resumed;
}

void SessionDesk::card_inserted(const std::string& card, const std::string& reader, std::uint64_t insertion,
                                bool genuine) {
  apply(sessions_.card_inserted(card, reader, insertion, genuine, clock_.boot()));
}

void SessionDesk::card_removed(const std::string& reader, std::uint64_t insertion) {
  auto actions = sessions_.card_removed(reader, insertion, clock_.boot());
  for (const auto& ended : actions.ended) {
    audit::Record record;
    record.event = name_of(audit::Event::card_removed);
    record.person = ended.session.person;
    record.session = ended.session.id;
    record.details["reader"] = reader;
    recorder_.note(std::move(record));
  }
  apply(std::move(actions));
}

void SessionDesk::reader_gone(const std::string& reader) {
  apply(sessions_.reader_gone(reader, clock_.boot()));
}

void SessionDesk::end_of_person(const std::string& person, EndReason reason) {
  std::vector<std::string> theirs;
  for (const Session* session : sessions_.all()) {
    if (session->person == person) theirs.push_back(session->id);
  }
  for (const auto& id : theirs) end(id, reason);
}

void SessionDesk::end_by_password(const std::string& person, EndReason reason) {
  apply(sessions_.end_by_password(person, reason));
}

void SessionDesk::close_for_downtime(const std::function<bool(const policy::Role&)>& goes_on) {
  std::vector<std::string> ids;
  for (const Session* session : sessions_.all()) ids.push_back(session->id);
  for (const auto& id : ids) {
    const Session* session = sessions_.find(id);
    if (session == nullptr) continue;
    const auto facts = facts_for(*session);
    const auto& policy = *rules_.policy();
    const bool stays =
        facts && std::ranges::any_of(policy.roles(), [&](const policy::Role& role) {
          return goes_on(role) && role.accepts(session->sign_in) &&
                 policy::decide(policy, *facts, {role.name, session->sign_in}, clock_.now()).allowed;
        });
    if (!stays) {
      end(id, EndReason::downtime);
      continue;
    }
    const auto used = session->roles_used;
    for (const auto& name : used) {
      const policy::Role* role = policy.role(name);
      if (role == nullptr || !goes_on(*role)) apply(sessions_.revoke_role(id, name));
    }
  }
}

void SessionDesk::screen(const std::string& id, bool locked) {
  const Session* before = sessions_.find(id);
  const bool was_locked = before != nullptr && before->screen_locked.has_value();
  apply(sessions_.screen(id, locked, clock_.boot()));
  const Session* session = sessions_.find(id);
  // Told when it changes: a program that says it again and again is not to fill others' queues.
  if (session == nullptr || session->locked || session->screen_locked.has_value() == was_locked) return;
  events_.publish("session", {{"kind", locked ? "screen_locked" : "screen_unlocked"}, {"session", id}},
                  session->uid);
}

Result<void> SessionDesk::token_issued(const std::string& jti, Token token, const Terms& terms) {
  auto issued = sessions_.token_issued(jti, std::move(token), clock_.boot(), terms);
  arm();
  return issued;
}

std::shared_ptr<const Handed> SessionDesk::handed_before(const Session& session, std::string_view role,
                                                         std::string_view audience,
                                                         std::string_view client) const {
  return sessions_.handed_before(session, role, audience, client, clock_.boot());
}

void SessionDesk::token_made(const std::string& jti, const Digest& hash) {
  sessions_.token_made(jti, hash);
}

void SessionDesk::forget_token(const std::string& jti) {
  (void)sessions_.revoke(jti);
  arm();
}

void SessionDesk::used(const std::string& session) {
  // It only locks later: the timer comes too early, and is set anew then. Every use of a token comes here, and to
  // find the next deadline every session is looked at.
  sessions_.used(session, clock_.boot());
}

void SessionDesk::used_in(const std::string& session, const std::string& role, const Terms& terms) {
  sessions_.used_in(session, role, terms, clock_.boot());
  arm();
}

void SessionDesk::step_up_needed(const std::string& id, std::string_view what) {
  const Session* session = sessions_.find(id);
  if (session == nullptr || !sessions_.tell_step_up(id, clock_.boot())) return;
  events_.publish("session", {{"kind", "step_up_needed"}, {"session", id}, {"for", what}}, session->uid);
}

void SessionDesk::review_by(const std::string& session, WallTime when) {
  if (const auto at = clock_.boot_time_of(when)) sessions_.review_by(session, *at);
  arm();
}

void SessionDesk::apply(Actions actions) {
  for (const auto& ended : actions.ended) acts_.session_over(ended.session.id);
  for (const auto& locked : actions.locked) acts_.session_over(locked.session);
  for (const auto& id : actions.grace) acts_.session_over(id);
  for (const auto& id : actions.kept) acts_.card_out(id);
  for (const auto& ended : actions.ended) tell_of_end(ended);
  for (const auto& revoked : actions.revoked) tell_of_revoked(revoked);
  for (const auto& locked : actions.locked)
    tell_of_session(locked.session, audit::Event::session_locked, "locked", name(locked.reason));
  for (const auto& id : actions.grace)
    tell_of_session(id, audit::Event::session_grace, "grace", "card_removed");
  for (const auto& id : actions.back)
    tell_of_session(id, audit::Event::session_resumed, "resumed", "card_back");
  for (const auto& id : actions.kept) tell_of_session(id, audit::Event::session_kept, "kept", "card_removed");
  for (const auto& id : actions.card_back)
    tell_of_session(id, audit::Event::session_kept, "card_back", "card_back");
  for (const auto& id : actions.review) review(id);
  arm();
}

void SessionDesk::tell_of_end(const Ended& ended) {
  const Session& session = ended.session;
  const std::string reason(name(ended.reason));
  audit::Record record;
  record.event = name_of(audit::Event::session_ended);
  record.person = session.person;
  record.session = session.id;
  record.reason = reason;
  record.details["tokens"] = ended.tokens;
  if (session.sign_in == policy::SignIn::card) {
    record.details["reader"] = session.reader;
    record.details["card"] = session.card;
  }
  recorder_.note(std::move(record));
  log(audit::Event::session_ended, fmt::format("The session of person {} ended: {}.", session.person, reason),
      {{"CARDGATE_PERSON", session.person}, {"CARDGATE_REASON", reason}});
  recorder_.count("sessions_ended", reason);
  events_.publish("session",
                  {{"kind", "ended"}, {"session", session.id}, {"reason", reason}, {"tokens", ended.tokens}},
                  session.uid);
}

void SessionDesk::tell_of_revoked(const Revoked& revoked) {
  const Session* session = sessions_.find(revoked.token.session);
  audit::Record record;
  record.event = name_of(audit::Event::revoked);
  record.person = session != nullptr ? session->person : std::string();
  record.role = revoked.token.role;
  record.client = revoked.token.client;
  record.session = revoked.token.session;
  record.reason = name(revoked.reason);
  record.details["jti"] = revoked.jti;
  recorder_.note(std::move(record));
  recorder_.count("tokens_revoked", name(revoked.reason));
  if (session == nullptr) return;
  events_.publish("token", {{"kind", "revoked"}, {"jti", revoked.jti}, {"reason", name(revoked.reason)}},
                  session->uid);
}

/// A session that lives on in another state: recorded and announced.
void SessionDesk::tell_of_session(const std::string& id, audit::Event event, std::string_view kind,
                                  std::string_view reason) {
  const Session* session = sessions_.find(id);
  if (session == nullptr) return;
  audit::Record record;
  record.event = name_of(event);
  record.person = session->person;
  record.session = id;
  record.reason = reason;
  if (session->sign_in == policy::SignIn::card)
    record.details = {{"reader", session->reader}, {"card", session->card}};
  recorder_.note(std::move(record));
  events_.publish("session", {{"kind", kind}, {"session", id}, {"reason", reason}}, session->uid);
}

void SessionDesk::tick() {
  look_at_clock();
  apply(sessions_.tick(clock_.boot()));
}

void SessionDesk::shut_down() {
  stopping_ = true;
  apply(sessions_.end_all(EndReason::shutdown));
}

namespace {

struct JumpWords {
  Level level;
  std::string text;
};

JumpWords words_of(const WallGuard::News& news) {
  const auto by = std::chrono::abs(std::chrono::duration_cast<seconds>(news.to - news.from)).count();
  switch (news.jump) {
    case WallGuard::Jump::forward:
      return {
          Level::warning,
          fmt::format("the clock was set forward by {} s; if that is wrong, set it right: within {} days the "
                      "right time is taken over",
                      by, WallGuard::doubt.count())};
    case WallGuard::Jump::put_right:
      return {
          Level::warning,
          fmt::format("the clock had been set forward and was put right: the time goes back by {} s", by)};
    case WallGuard::Jump::set_back:
      return {
          Level::error,
          fmt::format("the clock was set back by {} s; the old time is used until it is right again or the "
                      "service is restarted",
                      by)};
    case WallGuard::Jump::right_again:
      break;
  }
  return {Level::notice, "the clock, which had been set back, is right again"};
}

}  // namespace

bool SessionDesk::look_at_clock() {
  const WallTime now = clock_.now();
  const auto news = clock_.guard().take_news();
  if (!news) return false;
  const auto [level, text] = words_of(*news);
  log(level, audit::Event::clock_jump, text);
  audit::Record record;
  record.event = name_of(audit::Event::clock_jump);
  record.reason = text;
  record.details = {{"from", to_rfc3339(news->from)}, {"to", to_rfc3339(news->to)}};
  recorder_.note(std::move(record));
  // Opened at a time that has not come yet: its hours would be counted from then.
  std::vector<std::string> ahead;
  for (const Session* session : sessions_.all()) {
    if (session->auth_time > now) ahead.push_back(session->id);
  }
  for (const auto& id : ahead) end(id, EndReason::time_up);
  // Set forward, dates may have come: what lapsed must end now.
  review_all();
  return true;
}

void SessionDesk::clock_was_set() {
  if (look_at_clock()) return;
  // By so little that nothing depends on it; but the times of the log may be out of order.
  audit::Record record;
  record.event = name_of(audit::Event::clock_jump);
  record.details = {{"from", to_rfc3339(clock_.now())}, {"to", to_rfc3339(clock_.shown())}};
  recorder_.note(std::move(record));
}

}  // namespace cardgate::daemon
