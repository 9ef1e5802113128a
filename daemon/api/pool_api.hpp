// SPDX-License-Identifier: Apache-2.0
// The pool of cards that the desk lends for a day to somebody who has none: what is in it, who has what, lending and returning.
// One thread.
#pragma once

#include <functional>

#include "daemon/cards/card_desk.hpp"
#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/loans.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class PoolApi {
 public:
  PoolApi(RuleBook& rules, Roll& roll, Recorder& recorder, GuardedClock& clock,
          RegisterThreads& register_threads, WaitingActs& waiting_acts, Actors& actors, PeopleDesk& people,
          Deeds& deeds, Loans& loans, CardDesk& cards)
      : rules_(rules),
        roll_(roll),
        recorder_(recorder),
        clock_(clock),
        register_(register_threads),
        waiting_acts_(waiting_acts),
        actors_(actors),
        people_(people),
        deeds_(deeds),
        loans_(loans),
        cards_(cards) {}
  PoolApi(const PoolApi&) = delete;
  PoolApi& operator=(const PoolApi&) = delete;

  Answer list(Request& request);
  Answer add(Request& request);
  Answer remove(Request& request, const std::string& card);
  Answer lend(Request& request, const std::string& card);
  Answer give_back(Request& request, const std::string& card);

 private:
  struct Adding;
  using PoolWork = std::function<Result<void>(reg::Register&, const std::function<Result<void>()>& with)>;

  /// Fills in the name of the certificate; where the card is in a reader here, it must say that name.
  std::optional<Response> refuse_name(const Request& request, const Actor& who, Adding& ask);
  /// A change of the pool itself. Without a refusal it is done. Must have a name of its own, as the work of RegisterThreads.
  boost::asio::awaitable<std::optional<Response>> carry_out(const Actor& who, audit::Record record,
                                                            PoolWork work);
  /// A card whose loan is over and that is not back: it is taken back when it is in a reader here, else refused.
  boost::asio::awaitable<std::optional<Response>> take_back(const Request& request,
                                                            const reg::PoolCard& card);
  bool is_here(const std::string& card);
  Deed lending(const reg::PoolCard& card, const std::string& person, WallTime until, std::string reason,
               const Actor& who);
  Deed returning(const reg::PoolCard& card, std::string reason, const Actor& who);

  RuleBook& rules_;
  Roll& roll_;
  Recorder& recorder_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  WaitingActs& waiting_acts_;
  Actors& actors_;
  PeopleDesk& people_;
  Deeds& deeds_;
  Loans& loans_;
  CardDesk& cards_;
};

}  // namespace cardgate::daemon
