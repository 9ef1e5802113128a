// SPDX-License-Identifier: Apache-2.0
// The service's tokens: made, looked up, and shown by whoever was given one; and the life of the keys that sign them. One thread.
//
// A token is known by the hash of its text, and its signature is not checked again: only what was made here, and is still in the
// table of tokens, is active. A reference token says nothing itself; it is 32 bytes that nobody can guess.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/access/admission.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/sessions/signers.hpp"
#include "daemon/sessions/token_keys.hpp"
#include "daemon/time/timers.hpp"
#include "proto/token.hpp"

namespace cardgate::daemon {

class TokenDesk {
 public:
  /// `signing_threads`: beside the service's own.
  TokenDesk(boost::asio::io_context& io, TokenKeys keys, std::size_t signing_threads, RuleBook& rules,
            Admission& admission, SessionDesk& sessions, Recorder& recorder, GuardedClock& clock);
  TokenDesk(const TokenDesk&) = delete;
  TokenDesk& operator=(const TokenDesk&) = delete;

  // --- making ---
  /// What a reference token is made of, and its jti, which tells nothing of it.
  struct Reference {
    std::string id;
    std::string text;
    Digest hash;  // of the text, by which it is known
    std::string jti;
  };
  Reference new_reference();
  /// The same text again.
  std::string reference_text(std::string_view id) const;
  /// Of a JWT: 128 bits that no other token has.
  std::string new_jti();
  /// A JWT in the making, by the key that signs now.
  Signers::Ticket start_signing(std::shared_ptr<const proto::Claims> claims);
  /// Its text. If it is still entered under its jti, it is known from now on. Empty: it could not be signed, which is in the journal.
  boost::asio::awaitable<std::string> signed_text(Signers::Ticket ticket, const std::string& jti);

  // --- its keys ---
  const TokenKeys& keys() const { return keys_; }
  std::string moment_text(WallTime when) const { return rules_.config().calendar.moment_text(when); }
  const std::vector<proto::VerifyingKey>& verifying_keys() const { return keys_.published(); }
  /// Time passed, or the rules are other ones: the next key is published, takes over, and old ones are forgotten.
  void look();
  /// The next key is published now; it signs from the time that the configuration leaves for that, or `at_once`. Errors:
  /// invalid_argument (there is one already); internal.
  Result<TokenKeys::Key> rotate(bool at_once);
  /// Takes it, and all tokens that it signed, away at once. Of the one that signs another one takes the place. Errors: not_found;
  /// internal.
  Result<TokenKeys::Key> revoke_key(std::string_view kid);

  /// The claims of a token and whether it is active; why not is for the audit alone.
  struct Live {
    proto::Claims claims;
    const Token* token = nullptr;  // nullptr: inactive, for `why`
    std::string why;
  };
  Live look_up(std::string_view text) const;
  struct Bearer {
    Live live;
    std::optional<Response> refusal;
  };
  /// The token of the Authorization header.
  Bearer token_of(const Request& request) const;
  /// A token as a service shows it that was given one: 401 unless it is live and the service registered for its audience.
  Bearer shown_token(const Request& request);

 private:
  // `by`: root, or nothing when it came by itself.
  Result<void> publish(WallTime signs_from, std::string_view by);
  void switch_over(std::string_view by);
  void drop_next_of_another_algorithm();
  bool wants_next(WallTime now) const;
  milliseconds longest_life() const;
  void arm(WallTime now, bool again);
  void note_key(const TokenKeys::Key& key, std::string_view act, std::string_view by);
  Live known(proto::Claims claims, std::string_view text) const;

  TokenKeys keys_;
  Signers signers_;
  Secret reference_secret_;  // of this process: no token outlives it
  std::uint64_t made_ = 0;   // so many tokens: with the secret, each has numbers of its own
  bool told_of_first_ = false;
  RuleBook& rules_;
  Admission& admission_;
  SessionDesk& sessions_;
  Recorder& recorder_;
  GuardedClock& clock_;
  BootTimer timer_;
};

/// The prefix by which a reference token is told from a JWT.
inline constexpr std::string_view reference_prefix = "cgr_";
/// `details` of the audit record and openapi.yaml's TokenKey.
json::object to_json(const TokenKeys::Key& key);

/// 401 that names the scheme (RFC 6750 3).
Response unauthorized(std::string_view error, std::string detail);
bool may_verify(const ClientEntry& client, std::string_view audience);

}  // namespace cardgate::daemon
