// SPDX-License-Identifier: Apache-2.0
// Reports from the audit log, made beside the service's thread, one at a time; and how people stand, for root's own reports. One
// thread.
#pragma once

#include <string>

#include "audit/report/report.hpp"
#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/raised.hpp"
#include "daemon/record/log_reading.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class ReportApi {
 public:
  ReportApi(RuleBook& rules, GuardedClock& clock, RegisterThreads& register_threads, Actors& actors,
            PeopleDesk& people, LogReading& log_reading)
      : rules_(rules),
        clock_(clock),
        register_(register_threads),
        actors_(actors),
        people_(people),
        log_reading_(log_reading) {}
  ReportApi(const ReportApi&) = delete;
  ReportApi& operator=(const ReportApi&) = delete;

  /// A page of people, and with the first one all that is not about one person.
  Answer standing(Request& request);
  /// Of everybody, or of the asker's own team, as their role reaches.
  Answer report(Request& request, const std::string& kind);

 private:
  struct Making;
  std::optional<Response> read(const Request& request, const std::string& kind, Making& making);
  /// Who asks, and of whom they may be told.
  std::optional<Response> admit(const Request& request, Making& making);
  std::optional<Response> refuse_if_less(const Request& request, const Making& made);

  RuleBook& rules_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  Actors& actors_;
  PeopleDesk& people_;
  LogReading& log_reading_;
  Flag making_;
};

}  // namespace cardgate::daemon
