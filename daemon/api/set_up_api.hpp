// SPDX-License-Identifier: Apache-2.0
// The first members of the team, named by root; and what root may do afterwards only by breaking the glass. One thread.
#pragma once

#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/deeds/set_up.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class SetUpApi {
 public:
  SetUpApi(RuleBook& rules, Roll& roll, SessionDesk& sessions, Recorder& recorder, GuardedClock& clock,
           RegisterThreads& register_threads, PeopleDesk& people, Deeds& deeds, Notices& notices)
      : rules_(rules),
        roll_(roll),
        sessions_(sessions),
        recorder_(recorder),
        clock_(clock),
        register_(register_threads),
        people_(people),
        deeds_(deeds),
        notices_(notices) {}
  SetUpApi(const SetUpApi&) = delete;
  SetUpApi& operator=(const SetUpApi&) = delete;

  Answer set_up(Request& request);
  /// How far it is, and whose sign-in it waits for.
  Answer show(Request& request);

 private:
  struct Appointment;
  using Refusal = std::optional<Response>;

  /// Set-up is refused once it is closed, an emergency until then.
  Refusal refuse_by_state(Appointment& wanted);
  /// Puts numbers in the place of what the request calls people by. Set-up takes two.
  boost::asio::awaitable<Refusal> find_people(Request& request, Appointment& wanted);
  /// Finds the role that gives access to others.
  Refusal choose_role(Appointment& wanted);
  Refusal refuse_unknown(const Appointment& wanted);
  boost::asio::awaitable<void> tell_of_emergency(const Appointment& given,
                                                 const std::vector<reg::Person>& people);

  RuleBook& rules_;
  Roll& roll_;
  SessionDesk& sessions_;
  Recorder& recorder_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  PeopleDesk& people_;
  Deeds& deeds_;
  Notices& notices_;
};

}  // namespace cardgate::daemon
