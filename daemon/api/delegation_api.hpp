// SPDX-License-Identifier: Apache-2.0
// Delegating to an administrator, and standing in for a line manager who is away. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class DelegationApi {
 public:
  DelegationApi(RuleBook& rules, Roll& roll, GuardedClock& clock, Actors& actors, PeopleDesk& people,
                Deeds& deeds)
      : rules_(rules), roll_(roll), clock_(clock), actors_(actors), people_(people), deeds_(deeds) {}
  DelegationApi(const DelegationApi&) = delete;
  DelegationApi& operator=(const DelegationApi&) = delete;

  Answer list(Request& request);
  Answer give(Request& request);
  Answer revoke(Request& request, const std::string& id);
  Answer appoint(Request& request);
  Answer end_acting(Request& request, const std::string& id);

 private:
  struct Delegating;
  struct StandingIn;

  Deed deed_of(const Delegating& ask, const Actor& who);
  Deed deed_of(const StandingIn& ask, const Actor& who, const std::string& manager_name);
  /// The holder, whoever gave it (`from_them`), or who looks after staff records.
  Actor may_end(const Request& request, const Owner& owner,
                const std::function<bool(const reg::Person& holder, const std::string& who)>& from_them);

  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  Actors& actors_;
  PeopleDesk& people_;
  Deeds& deeds_;
};

}  // namespace cardgate::daemon
