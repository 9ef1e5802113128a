// SPDX-License-Identifier: Apache-2.0
// A clock that only the test moves.
#pragma once

#include <atomic>

#include "base/clock.hpp"

namespace cardgate::testing {

/// Wall and boot clock go forward together. The boot clock begins where the machine's stands: deadlines are waited for on
/// that one (time/timers.hpp), and none must be over before it was set. Any thread.
class HandClock final : public Clock {
 public:
  explicit HandClock(WallTime begins) : begins_(begins) {}
  WallTime wall() const override { return begins_ + milliseconds(ahead_) + milliseconds(slipped_); }
  BootTime boot() const override { return boot_begins_ + milliseconds(ahead_); }
  void forward(milliseconds by) { ahead_ += by.count(); }
  /// Somebody sets the clock; no time goes by.
  void slip(milliseconds by) { slipped_ += by.count(); }

 private:
  WallTime begins_;
  BootTime boot_begins_ = BootClock::now();
  std::atomic<std::int64_t> ahead_ = 0;
  std::atomic<std::int64_t> slipped_ = 0;
};

}  // namespace cardgate::testing
