// SPDX-License-Identifier: Apache-2.0
// Faults: anybody reports one; whoever may `manage-downtime`, or root, says how bad it is, joins, passes on and closes. One thread.
#pragma once

#include <optional>
#include <string>

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/fault_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class FaultApi {
 public:
  FaultApi(RuleBook& rules, SessionDesk& sessions, Recorder& recorder, GuardedClock& clock, Actors& actors,
           FaultDesk& faults)
      : rules_(rules),
        sessions_(sessions),
        recorder_(recorder),
        clock_(clock),
        actors_(actors),
        faults_(faults) {}
  FaultApi(const FaultApi&) = delete;
  FaultApi& operator=(const FaultApi&) = delete;

  Answer report(Request& request);
  Answer list(Request& request);
  Answer class_fault(Request& request, const std::string& id);
  Answer join(Request& request, const std::string& id);
  Answer pass_on(Request& request, const std::string& id);
  Answer close(Request& request, const std::string& id);

 private:
  /// Who decides, and about which fault.
  struct Decision {
    std::optional<Response> refusal;
    audit::Record record;
    std::string by;
    reg::Fault fault;
  };
  Decision decide(const Request& request, const std::string& id);
  boost::asio::awaitable<Response> done(Decision decision, Result<reg::Fault> changed, work::FaultSaid said);
  std::string reporter(const Peer& peer) const;

  RuleBook& rules_;
  SessionDesk& sessions_;
  Recorder& recorder_;
  GuardedClock& clock_;
  Actors& actors_;
  FaultDesk& faults_;
};

}  // namespace cardgate::daemon
