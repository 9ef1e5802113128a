// SPDX-License-Identifier: Apache-2.0
// Enrolment for Employee Self Service: a person asks with what Human Resources know of them, the smartcard help desk looks
// at the person and hands over a code, and the code sets the first password. No answer tells whether a person is known until a
// code was right. One thread.
#pragma once

#include "daemon/deeds/help_desk.hpp"
#include "daemon/deeds/password_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class EnrolmentApi {
 public:
  EnrolmentApi(RuleBook& rules, Roll& roll, Recorder& recorder, GuardedClock& clock,
               RegisterThreads& register_threads, PasswordDesk& passwords, HelpDesk& help_desk)
      : rules_(rules),
        roll_(roll),
        recorder_(recorder),
        clock_(clock),
        register_(register_threads),
        passwords_(passwords),
        help_desk_(help_desk) {}
  EnrolmentApi(const EnrolmentApi&) = delete;
  EnrolmentApi& operator=(const EnrolmentApi&) = delete;

  Answer ask(Request& request);
  Answer make_code(Request& request);
  Answer activate(Request& request);

 private:
  RuleBook& rules_;
  Roll& roll_;
  Recorder& recorder_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  PasswordDesk& passwords_;
  HelpDesk& help_desk_;
};

}  // namespace cardgate::daemon
