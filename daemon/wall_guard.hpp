// SPDX-License-Identifier: Apache-2.0
// Wall time that never runs backwards: a clock set back must not bring a lapsed form or token back to life.
// One thread.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace cardgate::daemon {

class WallGuard {
 public:
  explicit WallGuard(const Clock& clock) : clock_(clock), wall_(clock.wall()), boot_(clock.boot()) {}

  /// The wall clock, or, after it was set back, what it would show had it not been.
  WallTime now() {
    const BootTime boot = clock_.boot();
    const WallTime expected = wall_ + std::chrono::duration_cast<milliseconds>(boot - boot_);
    const WallTime shown = clock_.wall();
    if (shown + tolerance < expected) {
      set_back_by_ = std::chrono::duration_cast<seconds>(expected - shown);
      return expected;
    }
    set_back_by_.reset();
    wall_ = shown;
    boot_ = boot;
    return shown;
  }

  /// How far the clock stands behind, as of the last now(); empty while it is right.
  std::optional<seconds> set_back_by() const { return set_back_by_; }

 private:
  static constexpr seconds tolerance{2};  // time synchronisation may step a little
  const Clock& clock_;
  WallTime wall_;
  BootTime boot_;
  std::optional<seconds> set_back_by_;
};

}  // namespace cardgate::daemon
