// SPDX-License-Identifier: Apache-2.0
// How the service does: status, metrics, what it answers to; and taking over its configuration. One thread.
#pragma once

#include "daemon/access/admission.hpp"
#include "daemon/cards/card_desk.hpp"
#include "daemon/deeds/fault_desk.hpp"
#include "daemon/deeds/password_desk.hpp"
#include "daemon/deeds/register_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/open_acts.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/rules/rule_loader.hpp"
#include "daemon/sessions/events.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class StatusApi {
 public:
  StatusApi(RuleBook& rules, RuleLoader& loader, Admission& admission, Roll& roll, SessionDesk& sessions,
            Events& events, Recorder& recorder, GuardedClock& clock, RegisterThreads& register_threads,
            PasswordDesk& passwords, CardDesk& cards, RegisterDesk& register_desk, OpenActs& open_acts,
            DowntimeDesk& downtime, FaultDesk& faults)
      : rules_(rules),
        loader_(loader),
        admission_(admission),
        roll_(roll),
        sessions_(sessions),
        events_(events),
        recorder_(recorder),
        clock_(clock),
        register_(register_threads),
        passwords_(passwords),
        cards_(cards),
        register_desk_(register_desk),
        open_acts_(open_acts),
        downtime_(downtime),
        faults_(faults) {}
  StatusApi(const StatusApi&) = delete;
  StatusApi& operator=(const StatusApi&) = delete;

  Answer status(Request& request);
  Answer metrics(Request&);
  Answer openapi(Request&);
  Answer reload(Request&);

  /// What is wrong with the parts of the service now, for FaultDesk.
  std::vector<Trouble> troubles();
  /// What people should know until the next start.
  std::vector<std::string> told_at_start;
  std::function<std::size_t()> connections;  // for the metrics

 private:
  struct Condition;
  using Gauges = std::vector<Metrics::Gauge>;

  void measure_cards(Gauges& out);
  void measure_revocation(Gauges& out);
  Condition condition();
  /// What is wrong with the parts of the service, for people. `owed`: how many acts the staff register still lacks.
  std::vector<Trouble> told_of_parts(const audit::Log::Health& health, std::size_t owed);
  /// Revocation lists that are overdue; nothing: none is.
  std::optional<std::string> overdue_lists() const;
  json::object service_json(const Condition& now);
  /// `peer` sees the card in each reader where it may sign somebody in.
  json::array readers_json(const Peer& peer);
  /// Whether the card belongs to one person; nothing when the register cannot tell.
  std::optional<bool> is_registered(const CardFacts& card);

  RuleBook& rules_;
  RuleLoader& loader_;
  Admission& admission_;
  Roll& roll_;
  SessionDesk& sessions_;
  Events& events_;
  Recorder& recorder_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  PasswordDesk& passwords_;
  CardDesk& cards_;
  RegisterDesk& register_desk_;
  OpenActs& open_acts_;
  DowntimeDesk& downtime_;
  FaultDesk& faults_;
};

}  // namespace cardgate::daemon
