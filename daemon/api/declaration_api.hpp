// SPDX-License-Identifier: Apache-2.0
// Declarations: their texts, and signing them. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class DeclarationApi {
 public:
  DeclarationApi(RuleBook& rules, Roll& roll, GuardedClock& clock, Actors& actors, Deeds& deeds)
      : rules_(rules), roll_(roll), clock_(clock), actors_(actors), deeds_(deeds) {}
  DeclarationApi(const DeclarationApi&) = delete;
  DeclarationApi& operator=(const DeclarationApi&) = delete;

  Answer list(Request& request);
  Answer sign(Request& request);

 private:
  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  Actors& actors_;
  Deeds& deeds_;
};

}  // namespace cardgate::daemon
