// SPDX-License-Identifier: Apache-2.0
// What may be seen of people, by whom: own access, the team, the staff, one record. Every look at others is recorded. One
// thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/sessions/token_desk.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class PeopleApi {
 public:
  PeopleApi(RuleBook& rules, Roll& roll, SessionDesk& sessions, Recorder& recorder, GuardedClock& clock,
            Actors& actors, PeopleDesk& people, TokenDesk& tokens)
      : rules_(rules),
        roll_(roll),
        sessions_(sessions),
        recorder_(recorder),
        clock_(clock),
        actors_(actors),
        people_(people),
        tokens_(tokens) {}
  PeopleApi(const PeopleApi&) = delete;
  PeopleApi& operator=(const PeopleApi&) = delete;

  Answer access(Request& request);
  Answer show_staff(Request& request, const std::string& id);
  Answer team(Request& request);
  Answer list_staff(Request& request);
  Answer record_allowed(Request& request, const std::string& id);

 private:
  /// A question whether a record may be opened, on its way; no wait once its session is chosen.
  struct RecordAsk;
  /// By which session, and under which role, it is asked.
  std::optional<Response> choose(const Request& request, RecordAsk& ask);
  /// The session is locked, or its person does not hold the role now.
  std::optional<Response> refuse_without_role(RecordAsk& ask);
  Response refused(const RecordAsk& ask, Response answer, std::string_view why);
  /// "No", and why: for the audit alone.
  Response not_allowed(const RecordAsk& ask, std::string_view why);

  RuleBook& rules_;
  Roll& roll_;
  SessionDesk& sessions_;
  Recorder& recorder_;
  GuardedClock& clock_;
  Actors& actors_;
  PeopleDesk& people_;
  TokenDesk& tokens_;
};

}  // namespace cardgate::daemon
