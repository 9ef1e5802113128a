// SPDX-License-Identifier: Apache-2.0
// The owners of the service's state, in the order in which they are made; each knows those above it alone. They are destroyed
// in reverse. How nothing comes back to what is gone:
//
//   - The io_context outlives them and does not run any more when they are destroyed.
//   - An owner with threads joins them first. What its threads still post to the io_context is never called.
//   - The log's thread runs until the Recorder is destroyed, after most others. A function that it calls uses the io_context
//     alone; whatever needs an owner is posted there.
//   - Coroutines that still wait are destroyed with the io_context, after the owners. Their local objects must touch no owner
//     when they are destroyed: they share what they reset (raised.hpp, turns.hpp, DearCalls::Turn).
#pragma once

#include "daemon/access/admission.hpp"
#include "daemon/cards/account_desk.hpp"
#include "daemon/cards/card_desk.hpp"
#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/fault_desk.hpp"
#include "daemon/deeds/help_desk.hpp"
#include "daemon/deeds/loans.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/deeds/password_desk.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/deeds/register_desk.hpp"
#include "daemon/deeds/set_up.hpp"
#include "daemon/deeds/unblock_desk.hpp"
#include "daemon/people/meanwhile.hpp"
#include "daemon/people/open_acts.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/log_reading.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_loader.hpp"
#include "daemon/service.hpp"
#include "daemon/sessions/downtime_desk.hpp"
#include "daemon/sessions/events.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/sessions/token_desk.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

struct Service::Owners {
  Owners(boost::asio::io_context& io, const Clock& system, Parts parts);

  boost::asio::io_context& io;
  GuardedClock clock;
  RuleBook rules;
  Sessions table;  // for SessionDesk alone to change
  Admission admission;
  Recorder recorder;
  RuleLoader loader;
  Events events;
  OpenActs open_acts;
  WaitingActs waiting_acts;
  Roll roll;
  RegisterThreads register_threads;
  SessionDesk sessions;
  DowntimeDesk downtime;
  TokenDesk tokens;
  CardDesk cards;
  AccountDesk accounts;
  Actors actors;
  Notices notices;
  Deeds deeds;
  Loans loans;
  FaultDesk faults;
  PeopleDesk people;
  PasswordDesk passwords;
  HelpDesk help_desk;
  UnblockDesk unblocking;
  SetUp set_up;
  RegisterDesk register_desk;
  LogReading log_reading;
  std::vector<std::string> told_at_start;
};

}  // namespace cardgate::daemon
