// SPDX-License-Identifier: Apache-2.0
// What a session and a token are, and what can happen to them: the plain data that Sessions keeps and hands out.
// Values; no thread rule of their own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "policy/policy.hpp"

namespace cardgate::daemon {

using policy::CardRemoval;

/// Why a session or token ended: stable codes for audit and events.
enum class EndReason : std::uint8_t {
  card_removed,
  reader_gone,
  signed_out,
  signed_in_again,
  access_lost,
  certificate_refused,
  time_up,
  revoked,
  password_changed,
  shutdown,
};
std::string_view name(EndReason reason);

struct Session {
  std::string id;
  std::string person, person_name;
  uid_t uid = 0;
  policy::SignIn sign_in = policy::SignIn::card;
  std::string username;      // by password only
  std::string reader, card;  // by card only, as are `insertion` and what concerns the certificate
  std::uint64_t insertion = 0;
  Bytes certificate;       // DER, checked again when authorities change or answers end
  WallTime answers_until;  // until when it is known that the certificate is not withdrawn
  BootTime ask_at;         // when its issuer is asked again
  WallTime auth_time;
  WallTime expires;  // for people; `ends` decides
  BootTime ends;
  BootTime last_used;
  std::optional<BootTime> review_at;  // when the first thing it stands on lapses
  milliseconds idle{};                // the shortest of the roles used so far; 0: none yet
  bool locked = false;
  std::optional<CardRemoval> removal;   // the strictest of the roles used so far; none used: end
  bool card_out = false;                // locked or in grace, and its card is away
  std::optional<BootTime> grace_until;  // card out, tokens still active
  std::vector<std::string> warnings;
  std::vector<std::string> roles_used;
  std::size_t tokens = 0;  // live ones

  /// `role_idle`: of the role it was used in; 0: of none.
  void used(BootTime now, milliseconds role_idle);
};

struct Token {
  std::string session, role, audience, client;
  BootTime expires;
  std::vector<std::string> records_of = {};  // as in its claims
};

struct Ended {
  Session session;
  EndReason reason;
  std::size_t tokens;  // how many died with it
};
struct Revoked {
  std::string jti;
  Token token;
  EndReason reason;
};
struct Locked {
  std::string session;
  bool card_out;  // else: idle
};
/// What happened, for the shell to record and announce.
struct Actions {
  std::vector<Ended> ended;
  std::vector<Revoked> revoked;  // tokens that died alone
  std::vector<Locked> locked;
  std::vector<std::string> grace;   // session ids: the card is out, the tokens live on for a while
  std::vector<std::string> back;    // session ids: the card came back in time
  std::vector<std::string> review;  // session ids whose review_at has come
};

}  // namespace cardgate::daemon
