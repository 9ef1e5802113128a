// SPDX-License-Identifier: Apache-2.0
// Sessions as their owners and root see them, and the stream of events. One thread.
#pragma once

#include "daemon/access/admission.hpp"
#include "daemon/cards/account_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/sessions/events.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class SessionApi {
 public:
  SessionApi(Admission& admission, SessionDesk& sessions, Events& events, Recorder& recorder,
             GuardedClock& clock, AccountDesk& accounts)
      : admission_(admission),
        sessions_(sessions),
        events_(events),
        recorder_(recorder),
        clock_(clock),
        accounts_(accounts) {}
  SessionApi(const SessionApi&) = delete;
  SessionApi& operator=(const SessionApi&) = delete;

  Answer events(Request& request);
  Answer list(Request& request);
  Answer show(Request& request, const std::string& id);
  Answer end(Request& request, const std::string& id);
  Answer screen(Request& request, const std::string& id);

 private:
  Admission& admission_;
  SessionDesk& sessions_;
  Events& events_;
  Recorder& recorder_;
  GuardedClock& clock_;
  AccountDesk& accounts_;
};

}  // namespace cardgate::daemon
