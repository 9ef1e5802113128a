// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/sessions.hpp"

#include <algorithm>
#include <iterator>

namespace cardgate::daemon {

namespace {

CardRemoval stricter(const CardRemoval& a, const CardRemoval& b) {
  if (a.mode != b.mode) return a.mode < b.mode ? a : b;
  return a.grace <= b.grace ? a : b;
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

Actions Sessions::card_gone(EndReason reason, BootTime now, const auto& predicate) {
  const auto its_card = [&](const Session& s) {
    return s.sign_in == policy::SignIn::card && !s.card_out && predicate(s);
  };
  Actions actions = end_where(reason, [&](const Session& s) {
    return its_card(s) && (!s.removal || s.removal->mode == CardRemoval::Mode::end);
  });
  for (auto& [id, session] : sessions_) {
    if (!its_card(session)) continue;
    session.card_out = true;
    if (session.removal->mode == CardRemoval::Mode::lock) {
      session.locked = true;
      actions.locked.push_back({id, true});
    } else {
      session.grace_until = now + session.removal->grace;
      actions.grace.push_back(id);
    }
  }
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
  for (auto& [id, session] : sessions_) {
    const bool waits = session.sign_in == policy::SignIn::card && session.card == card &&
                       session.grace_until && *session.grace_until > now;
    if (!waits || !genuine) continue;
    session.card_out = false;
    session.grace_until.reset();
    session.reader = reader;
    session.insertion = insertion;
    actions.back.push_back(id);
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

Result<void> Sessions::token_issued(const std::string& jti, Token token, BootTime now, milliseconds idle,
                                    CardRemoval removal) {
  const auto found = sessions_.find(token.session);
  if (found == sessions_.end() || found->second.locked || found->second.card_out)
    return Error{Errc::not_found, "the session has ended"};
  Session& session = found->second;
  if (session.tokens >= bounds_.tokens_per_session) {
    return Error{Errc::too_large, "this session already has too many tokens"};
  }
  if (std::ranges::find(session.roles_used, token.role) == session.roles_used.end()) {
    session.roles_used.push_back(token.role);
  }
  session.removal = session.removal ? stricter(*session.removal, removal) : removal;
  session.used(now, idle);
  ++session.tokens;
  expiries_.push({token.expires, jti});
  tokens_.emplace(jti, std::move(token));
  return {};
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

void Sessions::used(const std::string& session, BootTime now, milliseconds idle) {
  if (const auto found = sessions_.find(session); found != sessions_.end()) found->second.used(now, idle);
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

bool Sessions::resume(const std::string& id, const std::string& reader, std::uint64_t insertion,
                      BootTime now) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return false;
  found->second.locked = false;
  found->second.card_out = false;
  found->second.grace_until.reset();
  found->second.reader = reader;
  found->second.insertion = insertion;
  found->second.last_used = now;
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
  Actions actions = end_where(EndReason::time_up, [&](const Session& s) { return s.ends <= now; });
  auto lapsed = end_where(EndReason::card_removed,
                          [&](const Session& s) { return s.grace_until && *s.grace_until <= now; });
  std::ranges::move(lapsed.ended, std::back_inserter(actions.ended));
  for (auto& [id, session] : sessions_) {
    if (!session.locked && session.idle.count() > 0 && session.last_used + session.idle <= now) {
      session.locked = true;
      actions.locked.push_back({id, false});
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

const Token* Sessions::active_token(const std::string& jti, BootTime now) const {
  const auto found = tokens_.find(jti);
  if (found == tokens_.end() || found->second.expires <= now) return nullptr;
  const Session* session = find(found->second.session);
  const bool idle =
      session != nullptr && session->idle.count() > 0 && session->last_used + session->idle <= now;
  // Judged here as well as in tick(): a late tick must not lengthen anything.
  if (session == nullptr || session->locked || idle || session->ends <= now) return nullptr;
  if (session->grace_until && *session->grace_until <= now) return nullptr;
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
    consider(session.ends);
    if (session.grace_until) consider(*session.grace_until);
    if (session.review_at) consider(*session.review_at);
    if (!session.locked && session.idle.count() > 0) consider(session.last_used + session.idle);
  }
  return next;
}

}  // namespace cardgate::daemon
