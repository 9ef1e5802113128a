// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/sessions.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "daemon/limits.hpp"
#include "daemon/sessions/halt.hpp"

namespace cardgate::daemon {
namespace {

/// Each part is a name of the policy or the configuration, none of which has a line's end in it.
std::string asked_key(std::string_view role, std::string_view audience, std::string_view client) {
  std::string key;
  key.reserve(role.size() + audience.size() + client.size() + 2);
  key.append(role).append(1, '\n').append(audience).append(1, '\n').append(client);
  return key;
}

}  // namespace

Actions Sessions::end_where(EndReason reason, const auto& predicate) {
  Actions actions;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    if (!predicate(it->second)) {
      ++it;
      continue;
    }
    // Its tokens are inactive from here on, because their session is gone; tick() forgets them when their
    // time is over.
    const std::size_t tokens = it->second.tokens;
    actions.ended.push_back({std::move(it->second), reason, tokens});
    it = sessions_.erase(it);
  }
  return actions;
}

bool Sessions::takes_place_of(const Session& next, const Session& old) {
  if (old.sign_in != next.sign_in) return false;
  if (next.sign_in == policy::SignIn::card) return old.card == next.card;
  return old.person == next.person && old.uid == next.uid;
}

Result<void> Sessions::may_open(const Session& session, std::size_t others) const {
  if (const Session* other = by_card(session.card); other != nullptr && other->uid != session.uid) {
    return Error{Errc::permission_denied, "This card is already signed in for another user of this machine"};
  }
  const auto older = std::ranges::count_if(
      sessions_, [&](const auto& entry) { return takes_place_of(session, entry.second); });
  if (sessions_.size() - static_cast<std::size_t>(older) + others >= bounds_.sessions)
    return Error{Errc::too_large,
                 "Too many people are signed in on this machine. Try again when one of them has signed out"};
  return {};
}

Result<Actions> Sessions::open(Session session) {
  TRY(may_open(session, 0));
  Actions actions = end_where(EndReason::signed_in_again,
                              [&session](const Session& old) { return takes_place_of(session, old); });
  std::string id = session.id;
  sessions_.emplace(std::move(id), std::move(session));
  return actions;
}

Actions Sessions::end_over(BootTime now) {
  Actions actions;
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    const auto over = it->second.over();
    if (over.at > now) {
      ++it;
      continue;
    }
    const std::size_t tokens = it->second.tokens;
    actions.ended.push_back({std::move(it->second), over.reason, tokens});
    it = sessions_.erase(it);
  }
  return actions;
}

Actions Sessions::card_gone(EndReason reason, BootTime now, const auto& predicate) {
  using Mode = CardRemoval::Mode;
  const auto its_card = [&](const Session& s) {
    return s.sign_in == policy::SignIn::card && !s.card_out && predicate(s);
  };
  Actions actions =
      end_where(reason, [&](const Session& s) { return its_card(s) && s.removal().mode == Mode::end; });
  for (auto& [id, session] : sessions_) {
    if (!its_card(session)) continue;
    session.card_out = true;
    session.out_since = now;
    const auto removal = session.removal();
    if (removal.mode == Mode::lock) {
      session.locked = true;
      actions.locked.push_back({id, LockReason::card_removed});
    } else if (removal.mode == Mode::grace) {
      session.grace_until = now + removal.time;
      session.was_out = true;
      actions.grace.push_back(id);
    } else {
      session.was_out = true;
      if (session.over().at > now) actions.kept.push_back(id);
    }
  }
  // The time for which the card may be out counts from the last proof: it may be over as the card comes out.
  auto over = end_where(EndReason::card_out_too_long,
                        [&](const Session& s) { return s.was_out && predicate(s) && s.over().at <= now; });
  std::ranges::move(over.ended, std::back_inserter(actions.ended));
  return actions;
}

Actions Sessions::card_removed(const std::string& reader, std::uint64_t insertion, BootTime now) {
  return card_gone(EndReason::card_removed, now,
                   [&](const Session& s) { return s.reader == reader && s.insertion == insertion; });
}

Actions Sessions::reader_gone(const std::string& reader, BootTime now) {
  return card_gone(EndReason::reader_gone, now, [&](const Session& s) { return s.reader == reader; });
}

Actions Sessions::card_inserted(const std::string& card, const std::string& reader, std::uint64_t insertion,
                                bool genuine, BootTime now) {
  Actions actions;
  if (!genuine) return actions;
  for (auto& [id, session] : sessions_) {
    const bool its_card = session.sign_in == policy::SignIn::card && session.card == card && session.card_out;
    const bool in_grace = session.grace_until.has_value();
    if (!its_card || session.over().at <= now || !(in_grace || session.keeps_card_out())) continue;
    session.card_out = false;
    session.grace_until.reset();
    if (const auto since = std::exchange(session.out_since, std::nullopt))
      session.longest_out = std::max(session.longest_out, std::chrono::ceil<milliseconds>(now - *since));
    session.reader = reader;
    session.insertion = insertion;
    (in_grace ? actions.back : actions.card_back).push_back(id);
  }
  return actions;
}

Actions Sessions::end(const std::string& id, EndReason reason) {
  Actions actions;
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return actions;
  const std::size_t tokens = found->second.tokens;
  actions.ended.push_back({std::move(found->second), reason, tokens});
  sessions_.erase(found);
  return actions;
}

Actions Sessions::end_all(EndReason reason) {
  return end_where(reason, [](const Session&) { return true; });
}

Actions Sessions::end_by_password(const std::string& person, EndReason reason) {
  return end_where(
      reason, [&](const Session& s) { return s.sign_in == policy::SignIn::password && s.person == person; });
}

Actions Sessions::screen(const std::string& id, bool locked, BootTime now) {
  Actions actions;
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return actions;
  Session& session = found->second;
  if (!locked) {
    // What the lock has ended by now stays ended, however late the tick.
    if (session.over().at > now && std::exchange(session.screen_locked, std::nullopt))
      session.last_used = now;  // somebody is there
    return actions;
  }
  if (!session.screen_locked) session.screen_locked = now;
  if (!session.locked && session.screen().mode == ScreenLock::Mode::lock) {
    session.locked = true;
    actions.locked.push_back({id, LockReason::screen});
  }
  return actions;
}

void Sessions::use(Session& session, const std::string& role, const Terms& terms, BootTime now) {
  if (std::ranges::find(session.roles_used, role) == session.roles_used.end())
    session.roles_used.push_back(role);
  // The idle time begins with the first role.
  if (!session.terms) session.last_used = now;
  session.terms = session.terms ? stricter(*session.terms, terms) : terms;
}

Result<void> Sessions::token_issued(const std::string& jti, Token token, BootTime now, const Terms& terms) {
  const auto found = sessions_.find(token.session);
  if (found == sessions_.end() || halt(found->second, terms, now) != Halt::none)
    return Error{Errc::not_found, "the session has ended"};
  Session& session = found->second;
  if (session.tokens >= bounds_.tokens_per_session) {
    return Error{Errc::too_large, "this session already has too many tokens"};
  }
  use(session, token.role, terms, now);
  // A program that renews its token says nothing of a person.
  if (session.asked_before.try_emplace(asked_key(token.role, token.audience, token.client)).second)
    session.last_used = now;
  ++session.tokens;
  expiries_.push({token.expires, jti});
  tokens_.emplace(jti, std::move(token));
  return {};
}

Actions Sessions::tighten(const std::string& id, const Terms& terms, BootTime now) {
  using Mode = CardRemoval::Mode;
  Actions actions;
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || !found->second.terms) return actions;
  Session& session = found->second;
  const auto before = session.removal();
  session.terms = stricter(*session.terms, terms);
  const auto removal = session.removal();
  const bool away = session.card_out || session.was_out;
  if (away && removal != before) {
    if (removal.mode == Mode::end) return end(id, EndReason::card_removed);
    // With grace the same card goes on only where it was back in that time.
    const bool back_late =
        removal.mode == Mode::grace && !session.card_out && session.longest_out > removal.time;
    if ((removal.mode == Mode::lock || back_late) && !session.locked) {
      session.locked = true;
      actions.locked.push_back({id, LockReason::card_removed});
    }
    if (removal.mode == Mode::grace && session.card_out) {
      const BootTime until = now + removal.time;
      session.grace_until = session.grace_until ? std::min(*session.grace_until, until) : until;
      if (before.mode == Mode::keep) actions.grace.push_back(id);
    }
  }
  if (session.screen_locked && !session.locked && session.screen().mode == ScreenLock::Mode::lock) {
    session.locked = true;
    actions.locked.push_back({id, LockReason::screen});
  }
  return actions;
}

bool Sessions::shorten_session(const std::string& id, milliseconds longest, BootTime now) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return false;
  Session& session = found->second;
  session.ends = std::min(session.ends, session.begun + longest);
  session.expires = std::min(session.expires, session.signed_in + longest);
  return session.ends <= now;
}

void Sessions::rules_changed(const policy::Policy& before) {
  for (auto& [id, session] : sessions_) {
    for (const auto& role : before.roles()) session.earlier[role.name] = session.asked_by(role);
    for (const auto& [act, line] : before.step_up_lines()) {
      const auto age = before.step_up_age(act);
      if (!age) continue;
      const auto [at, is_new] = session.earlier_acts.emplace(act, *age);
      if (!is_new) at->second = std::min(at->second, *age);
    }
  }
}

void Sessions::shorten(const std::string& session, std::string_view role, BootTime until) {
  for (auto& [jti, token] : tokens_) {
    if (token.session != session || token.role != role || token.expires <= until) continue;
    token.expires = until;
    expiries_.push({until, jti});
  }
}

void Sessions::review_by(const std::string& session, BootTime at) {
  if (const auto found = sessions_.find(session); found != sessions_.end()) {
    auto& review_at = found->second.review_at;
    review_at = review_at ? std::min(*review_at, at) : at;
  }
}

void Sessions::answers_are(const std::string& session, WallTime until, BootTime ask_at) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  found->second.answers_until = until;
  found->second.ask_at = ask_at;
}

void Sessions::used(const std::string& session, BootTime now) {
  if (const auto found = sessions_.find(session); found != sessions_.end()) found->second.last_used = now;
}

void Sessions::used_in(const std::string& session, const std::string& role, const Terms& terms,
                       BootTime now) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  use(found->second, role, terms, now);
  found->second.last_used = now;
}

bool Sessions::tell_step_up(const std::string& session, BootTime now) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return false;
  auto& told = found->second.step_up_told;
  if (told && now < *told + step_up_told_every) return false;
  told = now;
  return true;
}

Actions Sessions::revoke(const std::string& jti) {
  Actions actions;
  if (auto node = tokens_.extract(jti)) {
    if (const auto session = sessions_.find(node.mapped().session); session != sessions_.end()) {
      --session->second.tokens;
    }
    actions.revoked.push_back({node.key(), std::move(node.mapped()), EndReason::revoked});
  }
  return actions;
}

Actions Sessions::revoke_if(const std::function<bool(const Token&)>& dead) {
  std::vector<std::string> chosen;
  for (const auto& [jti, token] : tokens_) {
    if (dead(token)) chosen.push_back(jti);
  }
  Actions actions;
  for (const auto& jti : chosen) {
    auto one = revoke(jti);
    for (auto& item : one.revoked) item.reason = EndReason::access_lost;
    std::ranges::move(one.revoked, std::back_inserter(actions.revoked));
  }
  return actions;
}

Actions Sessions::revoke_signed_by(std::uint32_t key) {
  auto actions = revoke_if([&](const Token& token) { return token.key == key; });
  for (auto& one : actions.revoked) one.reason = EndReason::revoked;
  return actions;
}

Actions Sessions::revoke_role(const std::string& session, std::string_view role) {
  auto actions =
      revoke_if([&](const Token& token) { return token.session == session && token.role == role; });
  if (const auto found = sessions_.find(session); found != sessions_.end()) {
    std::erase(found->second.roles_used, role);
  }
  return actions;
}

Actions Sessions::revoke_outside(const std::string& session, std::string_view role,
                                 const std::vector<std::string>& records_of) {
  const auto gone = [&](const std::string& manager) {
    return std::ranges::find(records_of, manager) == records_of.end();
  };
  return revoke_if([&](const Token& token) {
    return token.session == session && token.role == role && std::ranges::any_of(token.records_of, gone);
  });
}

bool Sessions::resume(const std::string& id, const Proof& proof, BootTime now) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.over().at <= now) return false;
  Session& session = found->second;
  // Proved at another place (sudo, a terminal), an open session's screen is as locked as before.
  if (session.locked) session.screen_locked.reset();
  session.locked = false;
  session.card_out = false;
  session.out_since.reset();
  session.was_out = false;
  session.longest_out = milliseconds(0);
  session.grace_until.reset();
  session.step_up_told.reset();
  for (auto& [role, terms] : session.earlier) terms.step_up_age.reset();
  session.earlier_acts.clear();
  session.reader = proof.reader;
  session.insertion = proof.insertion;
  session.proved = proof.at;
  session.auth_time = proof.auth_time;
  session.last_used = now;
  return true;
}

Actions Sessions::tick(BootTime now) {
  while (!expiries_.empty() && expiries_.top().at <= now) {
    if (const auto found = tokens_.find(expiries_.top().jti); found != tokens_.end()) {
      if (const auto session = sessions_.find(found->second.session); session != sessions_.end()) {
        --session->second.tokens;
      }
      tokens_.erase(found);
    }
    expiries_.pop();
  }
  Actions actions = end_over(now);
  for (auto& [id, session] : sessions_) {
    if (const auto idle = session.idle_at(); idle && *idle <= now) {
      session.locked = true;
      actions.locked.push_back({id, LockReason::idle});
    }
    if (session.review_at && *session.review_at <= now) {
      session.review_at.reset();
      actions.review.push_back(id);
    }
  }
  return actions;
}

const Session* Sessions::find(const std::string& id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

const Session* Sessions::by_card(const std::string& card) const {
  if (card.empty()) return nullptr;
  const auto found =
      std::ranges::find_if(sessions_, [&](const auto& entry) { return entry.second.card == card; });
  return found == sessions_.end() ? nullptr : &found->second;
}

void Sessions::token_made(const std::string& jti, const Digest& hash) {
  if (const auto found = tokens_.find(jti); found != tokens_.end()) found->second.hash = hash;
}

void Sessions::handed_out(const std::string& jti, Handed handed) {
  const auto found = tokens_.find(jti);
  if (found == tokens_.end()) return;
  Token& token = found->second;
  token.handed = std::make_shared<const Handed>(std::move(handed));
  const auto session = sessions_.find(token.session);
  if (session == sessions_.end()) return;
  auto& last = session->second.asked_before[asked_key(token.role, token.audience, token.client)];
  // The one before is not handed out again, so nobody asks for its text.
  if (const auto before = last == jti ? tokens_.end() : tokens_.find(last); before != tokens_.end())
    before->second.handed.reset();
  last = jti;
}

std::shared_ptr<const Handed> Sessions::handed_before(const Session& session, std::string_view role,
                                                      std::string_view audience, std::string_view client,
                                                      BootTime now) const {
  const auto asked = session.asked_before.find(asked_key(role, audience, client));
  if (asked == session.asked_before.end()) return nullptr;
  const Token* token = active_token(asked->second, now);
  return token != nullptr && token->handed && now < token->handed->until ? token->handed : nullptr;
}

const Token* Sessions::active_token(const std::string& jti, BootTime now) const {
  const auto found = tokens_.find(jti);
  if (found == tokens_.end() || found->second.expires <= now) return nullptr;
  const Session* session = find(found->second.session);
  // Judged here as well as in tick(): a late tick must not lengthen anything.
  if (session == nullptr || session->locked || session->over().at <= now) return nullptr;
  if (const auto idle = session->idle_at(); idle && *idle <= now) return nullptr;
  return &found->second;
}

std::vector<const Session*> Sessions::of_uid(uid_t uid) const {
  std::vector<const Session*> out;
  for (const auto& [id, session] : sessions_) {
    if (session.uid == uid) out.push_back(&session);
  }
  return out;
}

std::vector<const Session*> Sessions::all() const {
  std::vector<const Session*> out;
  for (const auto& [id, session] : sessions_) out.push_back(&session);
  return out;
}

std::size_t Sessions::token_count() const {
  std::size_t count = 0;
  for (const auto& [id, session] : sessions_) count += session.tokens;
  return count;
}

std::optional<BootTime> Sessions::next_deadline() const {
  std::optional<BootTime> next;
  const auto consider = [&](BootTime at) { next = next ? std::min(*next, at) : at; };
  if (!expiries_.empty()) consider(expiries_.top().at);
  for (const auto& [id, session] : sessions_) {
    consider(session.over().at);
    if (session.review_at) consider(*session.review_at);
    if (const auto idle = session.idle_at()) consider(*idle);
  }
  return next;
}

}  // namespace cardgate::daemon
