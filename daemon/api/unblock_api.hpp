// SPDX-License-Identifier: Apache-2.0
// What the desk does so that a lent card can be unblocked away from it: hands the service the card's unblocking key, and gives the
// person a code. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/help_desk.hpp"
#include "daemon/deeds/unblock_desk.hpp"
#include "daemon/http/answer.hpp"

namespace cardgate::daemon {

class UnblockApi {
 public:
  UnblockApi(RuleBook& rules, Roll& roll, GuardedClock& clock, Actors& actors, PasswordDesk& passwords,
             HelpDesk& help_desk, WaitingActs& waiting_acts, UnblockDesk& unblocking)
      : rules_(rules),
        roll_(roll),
        clock_(clock),
        actors_(actors),
        passwords_(passwords),
        help_desk_(help_desk),
        waiting_acts_(waiting_acts),
        unblocking_(unblocking) {}
  UnblockApi(const UnblockApi&) = delete;
  UnblockApi& operator=(const UnblockApi&) = delete;

  Answer hand_key(Request& request, const std::string& card);
  Answer make_code(Request& request, const std::string& person);

 private:
  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  Actors& actors_;
  PasswordDesk& passwords_;
  HelpDesk& help_desk_;
  WaitingActs& waiting_acts_;
  UnblockDesk& unblocking_;
};

}  // namespace cardgate::daemon
