// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms in OpenMetrics text. What each is, and how its parts are told apart, stands in one table
// (metrics.cpp). One thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cardgate::daemon {

class Metrics {
 public:
  struct Gauge {
    std::string_view name;
    double value;
    std::string_view label = {};  // of which part; empty: it has none
  };
  /// Of one thing this many parts are told apart at most; what comes after them is counted as "other".
  static constexpr std::size_t max_parts = 64;

  /// Adds one to `name`, or to its part: as many labels as the table has for it. They come from the code, never from a peer.
  void add(std::string_view name, std::string_view label = {}, std::string_view second = {});
  /// How long one took.
  void took(std::string_view name, std::string_view label, std::chrono::nanoseconds time);
  /// All counters as cardgate_NAME_total, the histograms, the gauges given, then "# EOF".
  std::string text(const std::vector<Gauge>& gauges) const;

 private:
  /// Upper bounds in seconds: from a token's fraction of a millisecond to a sign-in whose card is slow.
  static constexpr std::array<double, 13> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  10};
  struct Histogram {
    std::array<std::uint64_t, bounds.size() + 1> counts{};  // the last: over all bounds
    double sum = 0;
  };
  template <class Value>
  using Family = std::map<std::string, Value, std::less<>>;  // by its labels, parted by '\n'

  std::map<std::string, Family<std::uint64_t>, std::less<>> counters_;
  std::map<std::string, Family<Histogram>, std::less<>> histograms_;
};

}  // namespace cardgate::daemon
