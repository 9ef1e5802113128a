// SPDX-License-Identifier: Apache-2.0
// When the service was not available, from the records alone: docs/audit-format.md, "Availability". Pure; one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/report/entry.hpp"

namespace cardgate::audit::report {

class Outages {
 public:
  struct Span {
    WallTime from{}, to{};
    bool planned = false;
    std::string what;  // "downtime 3", "the service was stopped"
    std::uint64_t record = 0;
  };
  struct Sum {
    std::vector<Span> spans;  // cut to the period, by their beginning
    milliseconds planned{0}, unplanned{0};
    std::uint64_t left_out = 0;
    /// Of the period, in percent. Overlapping spans count once, as unplanned where one of them is.
    double available = 100, available_but_planned = 100;
  };

  void take(const Entry& entry);
  /// Nothing is known of what is after `now`.
  Sum sum(WallTime from, WallTime to, WallTime now) const;

 private:
  static constexpr std::size_t most_spans = 20'000;
  void add(Span span);

  std::map<std::int64_t, Span> open_;  // by the downtime's number
  std::vector<Span> spans_;
  std::uint64_t left_out_ = 0;
  std::optional<WallTime> stopped_;
  std::uint64_t stop_record_ = 0;
  WallTime last_{};
  bool orderly_ = false;
};

}  // namespace cardgate::audit::report
