// SPDX-License-Identifier: Apache-2.0
// The time as the service takes it: deadlines by the boot clock, dates by the wall clock as far as it is believed
// (wall_guard.hpp). One thread.
#pragma once

#include <optional>

#include "base/calendar.hpp"
#include "daemon/time/wall_guard.hpp"

namespace cardgate::daemon {

class GuardedClock {
 public:
  explicit GuardedClock(const Clock& clock) : clock_(clock), guard_(clock) {}

  BootTime boot() const { return clock_.boot(); }
  WallTime now() { return guard_.now(); }
  /// The day where the hospital is.
  Date today() { return calendar_.date_of(now()); }
  /// Whose days count from now on. For who takes over the configuration.
  void live_by(Calendar calendar) { calendar_ = calendar; }
  const Calendar& calendar() const { return calendar_; }
  /// As the system shows it, believed or not.
  WallTime shown() const { return clock_.wall(); }
  WallGuard& guard() { return guard_; }

  /// When the boot clock will stand where the wall clock, as it runs now, shows `when`; nothing for what is more than a year
  /// away, which would overflow the boot clock's nanoseconds.
  std::optional<BootTime> boot_time_of(WallTime when) {
    const auto left = when - now();
    if (left > std::chrono::hours(24 * 366)) return std::nullopt;
    return boot() + left;
  }

 private:
  const Clock& clock_;
  WallGuard guard_;
  Calendar calendar_;
};

}  // namespace cardgate::daemon
