// SPDX-License-Identifier: Apache-2.0
// Training: what is on file, and recording what was completed. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/rules/rule_book.hpp"

namespace cardgate::daemon {

class TrainingApi {
 public:
  TrainingApi(RuleBook& rules, Roll& roll, Actors& actors, PeopleDesk& people, Deeds& deeds)
      : rules_(rules), roll_(roll), actors_(actors), people_(people), deeds_(deeds) {}
  TrainingApi(const TrainingApi&) = delete;
  TrainingApi& operator=(const TrainingApi&) = delete;

  Answer list(Request& request);
  Answer record(Request& request);

 private:
  RuleBook& rules_;
  Roll& roll_;
  Actors& actors_;
  PeopleDesk& people_;
  Deeds& deeds_;
};

}  // namespace cardgate::daemon
