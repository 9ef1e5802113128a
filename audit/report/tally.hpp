// SPDX-License-Identifier: Apache-2.0
// Small counters that do not grow without bound. Pure; one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/calendar.hpp"

namespace cardgate::audit::report {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

/// A value for each key; keys for which there is no room share one.
template <class Value>
class Tally {
 public:
  explicit Tally(std::size_t room = 10'000) : room_(room) {}
  Value& operator[](std::string_view key) {
    if (const auto found = values_.find(key); found != values_.end()) return found->second;
    if (values_.size() >= room_) return others_;
    return values_.emplace(std::string(key), Value{}).first->second;
  }
  const TextMap<Value>& values() const { return values_; }
  const Value& others() const { return others_; }
  bool full() const { return values_.size() >= room_; }
  /// Sorted by what `weight` makes of a value, the largest first.
  template <class Weight>
  std::vector<std::pair<std::string_view, const Value*>> sorted(Weight weight) const {
    std::vector<std::pair<std::string_view, const Value*>> out;
    for (const auto& [key, value] : values_) out.emplace_back(key, &value);
    std::ranges::sort(out, [&](const auto& one, const auto& other) {
      const auto a = weight(*one.second);
      const auto b = weight(*other.second);
      return a != b ? a > b : one.first < other.first;
    });
    return out;
  }

 private:
  std::size_t room_;
  TextMap<Value> values_;
  Value others_{};
};

/// Times between 1 ms and 20 minutes, each to within 5 %.
class Times {
 public:
  void add(double milliseconds_taken) {
    const double step = std::log(std::max(1.0, milliseconds_taken)) / std::log(1.05);
    ++counts_.at(std::min(counts_.size() - 1, static_cast<std::size_t>(step)));
    ++total_;
  }
  std::uint64_t total() const { return total_; }
  /// What so large a share of them took at the most, in milliseconds.
  double share(double part) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_.at(i);
      if (static_cast<double>(seen) >= part * static_cast<double>(total_))
        return std::pow(1.05, static_cast<double>(i + 1));
    }
    return 0;
  }
  /// How large a share took no longer than so many milliseconds.
  double within(double limit) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size() && std::pow(1.05, static_cast<double>(i)) <= limit; ++i)
      seen += counts_.at(i);
    return total_ == 0 ? 1 : static_cast<double>(seen) / static_cast<double>(total_);
  }

 private:
  std::array<std::uint64_t, 288> counts_{};
  std::uint64_t total_ = 0;
};

/// The day and hour of a moment in the hospital's time; the zone is asked once a day.
class LocalTime {
 public:
  explicit LocalTime(Calendar calendar) : calendar_(calendar) {}
  Date day(WallTime time) {
    turn_to(time);
    return day_;
  }
  /// 0 to 23. On the two days a year on which the clock changes it is one off after the change.
  std::size_t hour(WallTime time) {
    turn_to(time);
    const auto hour = std::chrono::floor<std::chrono::hours>(time - begin_).count();
    return static_cast<std::size_t>(std::clamp<std::int64_t>(hour, 0, 23));
  }

 private:
  void turn_to(WallTime time) {
    if (time >= begin_ && time < end_) return;
    day_ = calendar_.date_of(time);
    begin_ = calendar_.start_of(day_);
    end_ = calendar_.start_of(std::chrono::sys_days(day_) + std::chrono::days(1));
  }
  Calendar calendar_;
  Date day_{};
  WallTime begin_{}, end_{};
};

/// A span of days, as a number for each.
inline int day_number(Date day) {
  return static_cast<int>(std::chrono::sys_days(day).time_since_epoch().count());
}

}  // namespace cardgate::audit::report
