// SPDX-License-Identifier: Apache-2.0
// Tokens: issued after their record is durable, looked up, revoked, verified for a gate. One thread.
//
//   admit -> choose the session -> decide -> enter -> record -> send
#pragma once

#include "daemon/access/admission.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/downtime_desk.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/sessions/token_desk.hpp"
#include "daemon/time/guarded_clock.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {

class TokenApi {
 public:
  TokenApi(RuleBook& rules, Admission& admission, Roll& roll, SessionDesk& sessions, TokenDesk& tokens,
           DowntimeDesk& downtime, Recorder& recorder, GuardedClock& clock)
      : rules_(rules),
        admission_(admission),
        roll_(roll),
        sessions_(sessions),
        tokens_(tokens),
        downtime_(downtime),
        recorder_(recorder),
        clock_(clock) {}
  TokenApi(const TokenApi&) = delete;
  TokenApi& operator=(const TokenApi&) = delete;

  Answer token(Request& request);
  Answer introspect(Request& request);
  Answer revoke(Request& request);
  Answer verify(Request& request);
  Answer jwks(Request&);

 private:
  /// One token on its way.
  struct Issue;
  void note_kept_back(const Issue& issue, std::string reason);
  Response not_signed(const Issue& issue);
  Response refused(const Issue& issue, Response answer, std::string_view reason);
  /// May this program ask for this role and audience?
  std::optional<Response> admit(Issue& issue);
  /// The session that the token is for, when it can be used.
  SessionDesk::Chosen choose(Issue& issue);
  /// May the person have the role now?
  std::optional<Response> decide(Issue& issue, const Session& session);
  /// Does the role go on without its card, behind a locked screen, with a proof of this age?
  std::optional<Response> refuse_halted(const Issue& issue, const Session& session);
  /// The token that was handed out last for the same, when it says what a new one would say and has more than half of its life
  /// left.
  std::optional<Response> same_again(const Issue& issue, const Session& session);
  /// Registers the token, so that a card pulled while the record is written takes this token with it.
  std::optional<Response> enter(Issue& issue, const Session& session);
  /// All but the `jti`.
  proto::Claims claims_of(const Issue& issue, const Session& session, WallTime at);
  /// After the record is durable: whether the token may still leave.
  std::optional<Response> refuse_to_send(Issue& issue);
  const ClientEntry* entry_for(const Issue& issue) const;

  RuleBook& rules_;
  Admission& admission_;
  Roll& roll_;
  SessionDesk& sessions_;
  TokenDesk& tokens_;
  DowntimeDesk& downtime_;
  Recorder& recorder_;
  GuardedClock& clock_;
};

}  // namespace cardgate::daemon
