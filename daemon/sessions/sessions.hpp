// SPDX-License-Identifier: Apache-2.0
// The sessions: a pure state machine. Events go in (card removed, token asked, tick, access lost), actions
// come out (session ended, token revoked); the shell records and announces the actions. No clock, no
// descriptor, no lock: one thread.
//
//   open -> active <-> locked -> ended        sign-out, access lost, time up: ended at once
//                                             card out, reader gone: ended, locked, or ended after a time of
//                                             grace, by the strictest of the roles it has used
//
// What happens to cards and readers never touches a session by password.
//
// A token is active while its session is active in this process, its time is not over and it was not revoked;
// the table of tokens *is* that fact, so a restart ends everything.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "daemon/sessions/session.hpp"

namespace cardgate::daemon {

class Sessions {
 public:
  struct Bounds {
    std::size_t sessions;
    std::size_t tokens_per_session;
  };
  explicit Sessions(Bounds bounds) : bounds_(bounds) {}
  void set_bounds(Bounds bounds) { bounds_ = bounds; }

  // --- events in ---
  /// Ends an older session of the same card; by password, of the same person and uid. Errors: too_large (no room), permission_denied (card in use by
  /// another uid).
  Result<Actions> open(Session session);
  /// Whether it could be opened now, beside `others` that are about to be. Errors: as open().
  Result<void> may_open(const Session& session, std::size_t others) const;
  Actions card_removed(const std::string& reader, std::uint64_t insertion, BootTime now);
  Actions reader_gone(const std::string& reader, BootTime now);
  /// A card was put in and read. `genuine`: it showed that it is no copy; without that, a session in its
  /// grace is not taken up again but runs out.
  Actions card_inserted(const std::string& card, const std::string& reader, std::uint64_t insertion,
                        bool genuine, BootTime now);
  Actions end(const std::string& id, EndReason reason);
  Actions end_all(EndReason reason);
  /// All sessions by password of one person.
  Actions end_by_password(const std::string& person, EndReason reason);
  /// Registers a token of an active session whose card is in. `idle` and `removal` are its role's. Errors:
  /// not_found, too_large.
  Result<void> token_issued(const std::string& jti, Token token, BootTime now, milliseconds idle,
                            CardRemoval removal = {});
  /// Brings the next review forward to `at`; later than what is set already changes nothing.
  void review_by(const std::string& session, BootTime at);
  /// What is known of the session's certificate, and when its issuer is asked again.
  void answers_are(const std::string& session, WallTime until, BootTime ask_at);
  /// A token was used at a gate, or its person did something: the session is not idle. `idle` is of the role that they did
  /// it in; 0: of none.
  void used(const std::string& session, BootTime now, milliseconds idle = milliseconds{0});
  Actions revoke(const std::string& jti);
  /// All tokens of one role of a session.
  Actions revoke_role(const std::string& session, std::string_view role);
  /// Those that name somebody in `records_of` who is not there now.
  Actions revoke_outside(const std::string& session, std::string_view role,
                         const std::vector<std::string>& records_of);
  /// Unlocks after the passcode was given again, to the card as it is in now. False when there is no such
  /// session.
  bool resume(const std::string& id, const std::string& reader, std::uint64_t insertion, BootTime now);
  /// Ends what is over, locks what is idle, forgets tokens whose time has passed.
  Actions tick(BootTime now);

  // --- state out ---
  const Session* find(const std::string& id) const;
  /// nullptr for an empty one, too.
  const Session* by_card(const std::string& card) const;
  /// nullptr unless the token is active now.
  const Token* active_token(const std::string& jti, BootTime now) const;
  std::vector<const Session*> of_uid(uid_t uid) const;
  std::vector<const Session*> all() const;
  std::size_t size() const { return sessions_.size(); }
  std::size_t token_count() const;
  /// When tick() next has something to do; nothing while there is nothing.
  std::optional<BootTime> next_deadline() const;

 private:
  static bool takes_place_of(const Session& next, const Session& old);
  Actions end_where(EndReason reason, const auto& predicate);
  Actions revoke_if(const std::function<bool(const Token&)>& dead);
  Actions card_gone(EndReason reason, BootTime now, const auto& predicate);

  struct Expiry {
    BootTime at;
    std::string jti;
    bool operator>(const Expiry& other) const { return at > other.at; }
  };

  Bounds bounds_;
  std::map<std::string, Session> sessions_;
  std::unordered_map<std::string, Token> tokens_;
  std::priority_queue<Expiry, std::vector<Expiry>, std::greater<>> expiries_;
};

}  // namespace cardgate::daemon
