// SPDX-License-Identifier: Apache-2.0
// The sessions: a pure state machine. Events go in (card removed, token asked, tick, access lost), actions
// come out (session ended, token revoked); the shell records and announces the actions. No clock, no
// descriptor, no lock: one thread.
//
//   open -> active <-> locked -> ended        sign-out, access lost, time up: ended at once
//                                             card out, reader gone: ended, locked, ended after a time of grace, or
//                                             kept for a time, by the strictest of the roles it has used
//                                             screen locked: locked, or kept for a time, likewise
//
// A kept session lives without its card until a time after its person last proved themselves by card and passcode. Its card put
// back proves nothing: roles that need the card in the reader, and that time, begin anew with the next proof alone.
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
  /// grace is not taken up again but runs out, and one that is kept still counts as without its card.
  Actions card_inserted(const std::string& card, const std::string& reader, std::uint64_t insertion,
                        bool genuine, BootTime now);
  Actions end(const std::string& id, EndReason reason);
  Actions end_all(EndReason reason);
  /// All sessions by password of one person.
  Actions end_by_password(const std::string& person, EndReason reason);
  /// Its person's screen was locked or unlocked. Unlocking it never unlocks the session; locking it twice changes nothing.
  Actions screen(const std::string& id, bool locked, BootTime now);
  /// Registers a token of an active session whose card is in, or may be out. `terms` are its role's. Errors:
  /// not_found, too_large.
  Result<void> token_issued(const std::string& jti, Token token, BootTime now, const Terms& terms);
  /// By another policy the roles that it has used ask this: what is stricter than before holds at once, what is not comes with
  /// the next sign-in.
  Actions tighten(const std::string& id, const Terms& terms, BootTime now);
  /// Another policy takes the place of this one. What it asked of the sessions that are open is not loosened.
  void rules_changed(const policy::Policy& before);
  /// It lives for so long from its sign-in, if not shorter. True: that time is over.
  bool shorten_session(const std::string& id, milliseconds longest, BootTime now);
  /// Its tokens of this role end then, if not before.
  void shorten(const std::string& session, std::string_view role, BootTime until);
  /// The text of an issued token is made: from now on whoever shows that very text is known by it.
  void token_made(const std::string& jti, const Digest& hash);
  /// A token left, and may be handed out again.
  void handed_out(const std::string& jti, Handed handed);
  /// Brings the next review forward to `at`; later than what is set already changes nothing.
  void review_by(const std::string& session, BootTime at);
  /// What is known of the session's certificate, and when its issuer is asked again.
  void answers_are(const std::string& session, WallTime until, BootTime ask_at);
  /// A token was used at a gate, or its person did something: the session is not idle. (As does a token that was not asked for
  /// before, and an unlocked screen.)
  void used(const std::string& session, BootTime now);
  /// Its person did something in this role.
  void used_in(const std::string& session, const std::string& role, const Terms& terms, BootTime now);
  /// Whether its owner is to be told now that a proof is needed: not again and again.
  bool tell_step_up(const std::string& session, BootTime now);
  Actions revoke(const std::string& jti);
  /// All that were signed by the key of this number.
  Actions revoke_signed_by(std::uint32_t key);
  Actions revoke_role(const std::string& session, std::string_view role);
  /// Those that name somebody in `records_of` who is not there now.
  Actions revoke_outside(const std::string& session, std::string_view role,
                         const std::vector<std::string>& records_of);
  /// Card and passcode, or the password, were given again for a session that exists.
  struct Proof {
    std::string reader;  // where the card is in now; by card only, as `insertion`
    std::uint64_t insertion = 0;
    BootTime at;
    WallTime auth_time;  // the same
  };
  /// Unlocks it, if it is locked, and renews its proof. False when there is no such session, or it is over.
  bool resume(const std::string& id, const Proof& proof, BootTime now);
  /// Ends what is over, locks what is idle, forgets tokens whose time has passed.
  Actions tick(BootTime now);

  // --- state out ---
  const Session* find(const std::string& id) const;
  /// nullptr for an empty one, too.
  const Session* by_card(const std::string& card) const;
  /// nullptr unless the token is active now.
  const Token* active_token(const std::string& jti, BootTime now) const;
  /// What was handed out last to this client for this role and audience, while it is active and has more than half of its life
  /// left. Whether it still says what holds is the caller's to ask.
  std::shared_ptr<const Handed> handed_before(const Session& session, std::string_view role,
                                              std::string_view audience, std::string_view client,
                                              BootTime now) const;
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
  /// Ends those whose time is over.
  Actions end_over(BootTime now);
  void use(Session& session, const std::string& role, const Terms& terms, BootTime now);

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
