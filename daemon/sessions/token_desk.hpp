// SPDX-License-Identifier: Apache-2.0
// The service's tokens: signed, looked up, and shown by whoever was given one. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/access/admission.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "proto/token.hpp"

namespace cardgate::daemon {

class TokenDesk {
 public:
  TokenDesk(SigningKey key, RuleBook& rules, Admission& admission, SessionDesk& sessions, Recorder& recorder,
            GuardedClock& clock);
  TokenDesk(const TokenDesk&) = delete;
  TokenDesk& operator=(const TokenDesk&) = delete;

  std::string sign(const proto::Claims& claims) const { return proto::issue(key_, key_id_, claims); }
  const std::vector<proto::VerifyingKey>& verifying_keys() const { return verifying_keys_; }

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
  SigningKey key_;
  std::string key_id_;
  std::vector<proto::VerifyingKey> verifying_keys_;
  RuleBook& rules_;
  Admission& admission_;
  SessionDesk& sessions_;
  Recorder& recorder_;
  GuardedClock& clock_;
};

/// 401 that names the scheme (RFC 6750 3).
Response unauthorized(std::string_view error, std::string detail);
bool may_verify(const ClientEntry& client, std::string_view audience);

}  // namespace cardgate::daemon
