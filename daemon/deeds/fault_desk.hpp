// SPDX-License-Identifier: Apache-2.0
// Faults: what was reported or found and is not put right. The team is told of each report and of times that were not kept;
// everybody is told what the team writes for them. What the service finds wrong with itself is reported here by itself, once for as
// long as it comes and goes. All of it is in force in memory first; the register has it as soon as it can. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/deeds/notices.hpp"
#include "daemon/sessions/downtime_desk.hpp"
#include "daemon/work/faults.hpp"

namespace cardgate::daemon {

/// Something that is wrong with the service now.
struct Trouble {
  std::string key;  // which part: "pcscd", "audit_log", ...
  std::string text;
};

class FaultDesk {
 public:
  FaultDesk(boost::asio::io_context& io, RuleBook& rules, Roll& roll, RegisterThreads& register_threads,
            SessionDesk& sessions, DowntimeDesk& downtime, Notices& notices, Recorder& recorder,
            GuardedClock& clock);
  FaultDesk(const FaultDesk&) = delete;
  FaultDesk& operator=(const FaultDesk&) = delete;

  /// What is wrong now; set by whoever knows all parts.
  std::function<std::vector<Trouble>()> troubles;
  /// The first look, or time passed: finds, says what is late, writes what is owed.
  void look();
  void save_owed();

  const std::vector<reg::Fault>& open() const { return open_; }
  /// nullptr: there is none of that number that is open.
  const reg::Fault* find(std::int64_t id) const;
  work::FaultRules rules() const;
  /// What everybody is told now.
  std::vector<std::string> announcements() const;
  /// A number for a new one. Errors: unavailable (the register could not be read yet).
  Result<std::int64_t> next_number();
  /// One more report of this user of the machine, in this name. False: there were too many in the last hour, or too many are open.
  bool may_report(uid_t account, const std::string& reporter);

  /// It is so from now on, and is said; `record` has who did it. It is written when it can be.
  void take(reg::Fault fault, work::FaultSaid said, audit::Record record);

 private:
  /// Of what the service finds itself.
  struct Found {
    std::string text;
    BootTime since, seen;
    std::int64_t fault = 0;  // 0: not reported yet
  };
  bool read();
  void find_troubles();
  void report_found(const std::string& key, Found& found);
  void say(const reg::Fault& fault, work::FaultSaid said);
  boost::asio::awaitable<void> tell_team(std::string mark, std::string text);
  void save_later(const reg::Fault& fault);
  boost::asio::awaitable<void> save(std::int64_t id);

  boost::asio::io_context& io_;
  RuleBook& rules_;
  Roll& roll_;
  RegisterThreads& register_;
  SessionDesk& sessions_;
  DowntimeDesk& downtime_;
  Notices& notices_;
  Recorder& recorder_;
  GuardedClock& clock_;
  bool read_ = false;
  std::int64_t last_ = 0;
  std::vector<reg::Fault> open_;
  std::map<std::int64_t, reg::Fault> owed_;
  std::set<std::int64_t> saving_;
  std::map<std::string, Found> found_;             // by key; as many as there are parts
  std::map<uid_t, std::deque<BootTime>> reports_;  // of the last hour
  BootTimer timer_;
};

/// `part` of an audit record and of a notice.
json::object fault_details(const reg::Fault& fault, work::FaultSaid said);

}  // namespace cardgate::daemon
