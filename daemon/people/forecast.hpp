// SPDX-License-Identifier: Apache-2.0
// Who loses which role in the days to come: a look over many people at once. Off the service's thread, with a connection to the
// register of its own, because it takes as long as there are people. One thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "daemon/limits.hpp"
#include "daemon/work/facts.hpp"
#include "policy/lapses.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

class Forecast {
 public:
  struct Question {
    std::string role;  // empty: every role
    policy::Day from;
    std::chrono::days span{90};
    std::size_t list = max_forecast_entries;  // how many lapses are listed at most
  };
  Forecast(std::shared_ptr<const policy::Policy> policy, Question question);

  /// Looks at these people too; whoever chooses them decides whom the answer may tell of. Not twice at the same person.
  /// Nobody of that id any more is no error. Errors: as Register::person().
  Result<void> add(reg::Register& staff, const std::vector<std::string>& ids);
  /// Looks at everybody, page by page. Errors: as add(); cancelled when `stop` became true.
  Result<void> add_everybody(reg::Register& staff, const std::atomic<bool>& stop);

  /// openapi.yaml's Forecast, with the line managers' names as `staff` has them. Only what ends a role counts; training that
  /// warns does not.
  json::object to_json(reg::Register& staff);

 private:
  struct Entry {
    std::string id, name, line_manager;
    policy::Lapse lapse;
  };
  using Roles = std::map<std::string, std::int64_t>;  // how many people lose each
  struct Week {
    std::int64_t people = 0;
    Roles roles;
  };

  void look_at(const reg::Person& person, const RecordOf& record_of);
  void keep_nearest(std::size_t count);

  std::shared_ptr<const policy::Policy> policy_;
  Question question_;
  std::int64_t looked_at_ = 0, holders_ = 0, losing_ = 0;
  std::map<std::chrono::sys_days, Roles> by_day_;
  std::map<std::chrono::sys_days, Week> by_week_;  // by its Monday
  std::vector<Entry> entries_;
  bool cut_ = false;
};

}  // namespace cardgate::daemon
