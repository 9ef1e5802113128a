// SPDX-License-Identifier: Apache-2.0
// Downtime: everybody sees it; whoever may `manage-downtime`, or root, plans, changes, withdraws, declares and ends it. One thread.
#pragma once

#include <optional>
#include <string>

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/downtime_desk.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class DowntimeApi {
 public:
  DowntimeApi(RuleBook& rules, Recorder& recorder, GuardedClock& clock, RegisterThreads& register_threads,
              WaitingActs& waiting_acts, Actors& actors, Deeds& deeds, DowntimeDesk& downtime)
      : rules_(rules),
        recorder_(recorder),
        clock_(clock),
        register_(register_threads),
        waiting_acts_(waiting_acts),
        actors_(actors),
        deeds_(deeds),
        downtime_(downtime) {}
  DowntimeApi(const DowntimeApi&) = delete;
  DowntimeApi& operator=(const DowntimeApi&) = delete;

  Answer list(Request& request);
  Answer plan(Request& request);
  Answer declare(Request& request);
  Answer change(Request& request, const std::string& id);
  Answer withdraw(Request& request, const std::string& id);
  Answer end(Request& request, const std::string& id);

 private:
  /// Who asks: somebody whose role lets them, or root.
  struct Manager {
    std::string by;
    std::optional<Actor> actor;  // nothing: root
    std::optional<Response> refusal;
  };
  Manager manager(const Request& request);
  struct Found {
    const reg::Downtime* downtime;
    std::optional<Response> refusal;
  };
  Found found(const std::string& id) const;
  /// A change is made of what the register has, so that one that is still to be written there cannot come after it.
  boost::asio::awaitable<std::optional<Response>> settle(const std::string& id);
  std::optional<Response> refuse_too_many() const;
  audit::Record record_of(const Request& request, const Manager& who, const reg::Downtime& downtime,
                          work::Said said) const;
  /// `seen`: what it was made of, which must still be so; nothing: it is new.
  /// On record, then in the register, then in force. Without a refusal it is done.
  boost::asio::awaitable<std::optional<Response>> carry_out(const Manager& who, audit::Record record,
                                                            std::optional<reg::Downtime> seen,
                                                            reg::Downtime downtime, work::Said said);
  /// An emergency waits for no disk: in force at once, then recorded and written.
  boost::asio::awaitable<Response> at_once(audit::Record record, reg::Downtime downtime, work::Said said,
                                           int status);
  Response told(int status, const reg::Downtime& downtime, work::Said said);

  RuleBook& rules_;
  Recorder& recorder_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  WaitingActs& waiting_acts_;
  Actors& actors_;
  Deeds& deeds_;
  DowntimeDesk& downtime_;
};

}  // namespace cardgate::daemon
