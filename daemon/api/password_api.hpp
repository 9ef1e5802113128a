// SPDX-License-Identifier: Apache-2.0
// A person's own new password, and the help desk's temporary one for who has forgotten theirs. One thread.
#pragma once

#include "daemon/deeds/help_desk.hpp"
#include "daemon/deeds/password_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class PasswordApi {
 public:
  PasswordApi(RuleBook& rules, Roll& roll, GuardedClock& clock, RegisterThreads& register_threads,
              PasswordDesk& passwords, HelpDesk& help_desk)
      : rules_(rules),
        roll_(roll),
        clock_(clock),
        register_(register_threads),
        passwords_(passwords),
        help_desk_(help_desk) {}
  PasswordApi(const PasswordApi&) = delete;
  PasswordApi& operator=(const PasswordApi&) = delete;

  Answer change(Request& request);
  Answer reset(Request& request);

 private:
  std::optional<Response> refuse_change(const Peer& peer, const reg::Credential& old, const Secret& typed,
                                        const Secret& wanted);

  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  PasswordDesk& passwords_;
  HelpDesk& help_desk_;
};

}  // namespace cardgate::daemon
