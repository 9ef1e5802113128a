// SPDX-License-Identifier: Apache-2.0
// The two clocks, and dates as people write them.
//
// Deadlines run on BootClock (CLOCK_BOOTTIME: counts through suspend, never jumps). WallTime is for claims,
// records and dates only. Pure code takes `now` as a parameter; only daemon/ and client/ read a clock,
// through Clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cardgate {

using std::chrono::milliseconds;
using std::chrono::seconds;

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using Date = std::chrono::year_month_day;

struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};
using BootTime = BootClock::time_point;

/// The seam: tests give their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual BootTime boot() const = 0;
};
/// The machine's clocks.
const Clock& system_clock();

/// "2026-01-31T09:30:00.000Z" (RFC 3339, UTC, milliseconds).
std::string to_rfc3339(WallTime time);
/// Accepts RFC 3339 with optional fraction, 'Z' or a numeric offset. Errors: malformed.
Result<WallTime> parse_rfc3339(std::string_view text);
/// "2026-01-31".
std::string to_text(Date date);
/// Strict YYYY-MM-DD of an existing day. Errors: malformed.
Result<Date> parse_date(std::string_view text);
/// The day (UTC) in which `time` falls, and the first instant of a day.
Date date_of(WallTime time);
WallTime start_of(Date date);
std::int64_t to_unix_seconds(WallTime time);
/// "90s", "15m", "12h", "30d" or "500ms". Errors: malformed.
Result<milliseconds> parse_duration(std::string_view text);

}  // namespace cardgate
