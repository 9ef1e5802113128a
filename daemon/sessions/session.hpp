// SPDX-License-Identifier: Apache-2.0
// What a session and a token are, and what can happen to them: the plain data that Sessions keeps and hands out.
// Values; no thread rule of their own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "daemon/sessions/terms.hpp"
#include "policy/policy.hpp"
#include "proto/token.hpp"

namespace cardgate::daemon {

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
  card_out_too_long,
  screen_locked_too_long,
  downtime,
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
  WallTime signed_in;
  /// When its person last gave card and passcode, or the password: at the sign-in, or when it was resumed. Twice: for claims
  /// and people, and to count from.
  WallTime auth_time;
  BootTime proved;
  WallTime expires;  // for people; `ends` decides
  BootTime begun;    // at the sign-in
  BootTime ends;
  BootTime last_used;
  std::optional<BootTime> review_at;  // when the first thing it stands on lapses
  std::optional<Terms> terms;         // the strictest of the roles used so far; nothing: none yet
  bool locked = false;
  bool card_out = false;              // it lives on, and its card is away
  std::optional<BootTime> out_since;  // while its card is away
  bool was_out = false;               // kept, or in its grace, without its card at some time since `proved`
  milliseconds longest_out{0};        // the longest of these times that is over
  std::optional<BootTime> screen_locked;  // since when
  std::optional<BootTime> step_up_told;   // when its owner was last told that a proof is needed
  std::optional<BootTime> grace_until;    // card out, tokens still active
  std::vector<std::string> warnings;
  std::vector<std::string> roles_used;
  /// Which tokens were asked for, by role, audience and client: to ask again is no use of it. And the last one that was handed
  /// out; empty: none was.
  std::map<std::string, std::string> asked_before;
  std::size_t tokens = 0;  // live ones
  /// What the policies before this one asked since the sign-in (`step_up_age`: since `proved`), by role and by act: a looser
  /// policy does not loosen what is open.
  std::map<std::string, Terms, std::less<>> earlier;
  std::map<policy::Act, milliseconds> earlier_acts;

  /// By the roles used so far; without one, the strictest.
  CardRemoval removal() const { return terms ? terms->removal : CardRemoval{}; }
  ScreenLock screen() const { return terms ? terms->screen : ScreenLock{}; }
  milliseconds idle() const { return terms ? terms->idle : milliseconds{0}; }
  /// Its card may be out (`card_removal: keep`).
  bool keeps_card_out() const { return removal().mode == CardRemoval::Mode::keep; }
  /// What the role asks of this session, by the policy and by those before it; and for one act.
  Terms asked_by(const policy::Role& role) const;
  Terms asked_by(const policy::Role& role, const policy::Policy& policy, policy::Act act) const;
  /// When it ends, and why, for what has happened by now: whichever comes first.
  struct Over {
    BootTime at;
    EndReason reason;
  };
  Over over() const;
  /// When it locks for want of use; nothing: it is locked, or never.
  std::optional<BootTime> idle_at() const;
};

/// A token that was handed out, as it may be handed out again.
struct Handed {
  std::string
      text;  // as it was signed; of a reference token the bytes that it is made of again, never itself
  std::shared_ptr<const proto::Claims> claims;
  BootTime until;  // from then on less than half of its life is left, and a new one is made
  bool is_reference = false;
};

struct Token {
  std::string session, role, audience, client;
  BootTime expires;
  std::vector<std::string> records_of = {};   // as in its claims
  std::shared_ptr<const Handed> handed = {};  // nothing: it is still being recorded
  std::optional<Digest> hash = {};  // BLAKE2b-256 of its text: what it is known by. Nothing: not made yet
  std::optional<std::uint32_t> key = {};  // the number of the key that signs it; nothing: a reference token
  std::shared_ptr<const proto::Claims> claims = {};  // of a reference token, which does not say them itself
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
/// Why a session locked: stable codes for audit and events.
enum class LockReason : std::uint8_t { idle, card_removed, screen };
std::string_view name(LockReason reason);
struct Locked {
  std::string session;
  LockReason reason;
};
/// What happened, for the shell to record and announce.
struct Actions {
  std::vector<Ended> ended;
  std::vector<Revoked> revoked;  // tokens that died alone
  std::vector<Locked> locked;
  std::vector<std::string> grace;      // session ids: the card is out, the tokens live on for a while
  std::vector<std::string> back;       // session ids: the card came back in time
  std::vector<std::string> kept;       // session ids: the card is out, and the session goes on
  std::vector<std::string> card_back;  // session ids of these: the card is in again
  std::vector<std::string> review;     // session ids whose review_at has come
};

}  // namespace cardgate::daemon
