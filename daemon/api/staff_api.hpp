// SPDX-License-Identifier: Apache-2.0
// What the team changes about staff: dates, line manager, leave, name, teams, cards. One thread.
#pragma once

#include "daemon/cards/card_desk.hpp"
#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class StaffApi {
 public:
  StaffApi(RuleBook& rules, Roll& roll, Recorder& recorder, GuardedClock& clock, Actors& actors,
           PeopleDesk& people, Deeds& deeds, Notices& notices, CardDesk& cards)
      : rules_(rules),
        roll_(roll),
        recorder_(recorder),
        clock_(clock),
        actors_(actors),
        people_(people),
        deeds_(deeds),
        notices_(notices),
        cards_(cards) {}
  StaffApi(const StaffApi&) = delete;
  StaffApi& operator=(const StaffApi&) = delete;

  Answer change_staff(Request& request, const std::string& id);
  Answer change_card(Request& request, const std::string& id);

 private:
  struct StaffAsk;
  struct CardAsk;

  Deed deed_of(const StaffAsk& ask, const std::string& id, const Actor& who);
  Deed deed_of(const CardAsk& ask, const std::string& id, const Actor& who);
  /// Finds the card to be stopped that the request does not name.
  std::optional<Response> find_card(const std::string& id, CardAsk& ask);
  /// Why this card may not be given to this person.
  std::optional<Response> refuse_giving(const Request& request, const Actor& who, const std::string& id,
                                        const work::CardChange& change);
  /// Where the card is in a reader here: its certificate must say the name that it is registered with.
  std::optional<Response> refuse_other_name(const Request& request, const Actor& who, const std::string& id,
                                            const work::CardChange& change);
  /// What the change comes to when it does nothing but take access away: that waits for no disk.
  std::optional<work::Taking> taking_in(const StaffAsk& ask, const Deed& deed, const Actor& who);

  RuleBook& rules_;
  Roll& roll_;
  Recorder& recorder_;
  GuardedClock& clock_;
  Actors& actors_;
  PeopleDesk& people_;
  Deeds& deeds_;
  Notices& notices_;
  CardDesk& cards_;
};

}  // namespace cardgate::daemon
