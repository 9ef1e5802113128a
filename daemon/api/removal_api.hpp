// SPDX-License-Identifier: Apache-2.0
// Urgent removals: access ends before anything is written, and coming back takes two people. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class RemovalApi {
 public:
  RemovalApi(RuleBook& rules, Roll& roll, GuardedClock& clock, Actors& actors, PeopleDesk& people,
             Deeds& deeds, Notices& notices)
      : rules_(rules),
        roll_(roll),
        clock_(clock),
        actors_(actors),
        people_(people),
        deeds_(deeds),
        notices_(notices) {}
  RemovalApi(const RemovalApi&) = delete;
  RemovalApi& operator=(const RemovalApi&) = delete;

  Answer list(Request& request);
  Answer request(Request& request);
  Answer carry_out(Request& request, const std::string& id);
  Answer decline(Request& request, const std::string& id);
  Answer restore_access(Request& request);
  Answer restore_removal(Request& request, const std::string& id);

 private:
  static Deed deed_of(std::string person, std::string_view act, std::string reason,
                      std::function<Result<void>(reg::Person&)> how);
  boost::asio::awaitable<Response> act_on(Request& request, const Actor& who, Deed& deed);
  boost::asio::awaitable<Response> restore(Request& request, std::string subject, std::int64_t number,
                                           std::string reason);

  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  Actors& actors_;
  PeopleDesk& people_;
  Deeds& deeds_;
  Notices& notices_;
};

}  // namespace cardgate::daemon
