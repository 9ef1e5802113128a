// SPDX-License-Identifier: Apache-2.0
// Counters and gauges in OpenMetrics text. What each is, and how its parts are told apart, stands in one table (metrics.cpp).
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cardgate::daemon {

class Metrics {
 public:
  /// Adds one to `name`, or to its part `label`. Labels come from the code, never from a peer.
  void add(std::string_view name, std::string_view label = {}) { ++counter(name, label); }
  /// All counters as cardgate_NAME_total, then the gauges given, then "# EOF".
  std::string text(const std::map<std::string, double>& gauges) const;

 private:
  std::uint64_t& counter(std::string_view name, std::string_view label);

  std::map<std::string, std::map<std::string, std::uint64_t, std::less<>>, std::less<>> counters_;
};

}  // namespace cardgate::daemon
