// SPDX-License-Identifier: Apache-2.0
// Questions about the policy: would this person get this role, now or on another day, and who will lose what. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/raised.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class PolicyApi {
 public:
  PolicyApi(RuleBook& rules, Roll& roll, GuardedClock& clock, RegisterThreads& register_threads,
            Actors& actors, PeopleDesk& people)
      : rules_(rules),
        roll_(roll),
        clock_(clock),
        register_(register_threads),
        actors_(actors),
        people_(people) {}
  PolicyApi(const PolicyApi&) = delete;
  PolicyApi& operator=(const PolicyApi&) = delete;

  Answer explain(Request& request);
  Answer forecast(Request& request);

 private:
  /// What explain() is asked: would this person get this role?
  struct Question;
  std::optional<Response> read(const Request& request, Question& question);
  /// Who asks, if they may see this person. Root may see everybody.
  Actor looker_at(const Request& request, const std::string& person);
  boost::asio::awaitable<PeopleDesk::Made> decide(const Request& request, const Actor& looker,
                                                  const reg::Person& record, const Question& question);

  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  Actors& actors_;
  PeopleDesk& people_;
  Flag forecasting_;
};

}  // namespace cardgate::daemon
