// SPDX-License-Identifier: Apache-2.0
// Which reading of the trust files counts. A large list takes seconds to read, and the files may change meanwhile, again and
// again: so a finished reading counts unless a newer one has finished, and readings do not pile up: one runs, one is wanted.
// Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>

namespace cardgate::daemon {

class TrustReadings {
 public:
  /// The order in which readings began.
  using Number = std::uint64_t;

  /// The files changed. The number of the reading to begin now; nothing while one runs, which is followed by another.
  std::optional<Number> changed() {
    if (running_) {
      wanted_ = true;
      return std::nullopt;
    }
    running_ = true;
    return ++begun_;
  }
  /// That reading has ended. True when it counts.
  bool finished(Number reading) {
    running_ = false;
    if (reading <= finished_) return false;
    finished_ = reading;
    return true;
  }
  /// After finished(): whether the files changed while it ran, so that changed() is to be asked again.
  bool wanted() {
    const bool again = wanted_;
    wanted_ = false;
    return again;
  }

  /// A reload reads too, beside all others, and what it read is taken over whatever else was read: with it goes a
  /// configuration.
  Number reload_begins() { return ++begun_; }
  /// True when a reading that began later was finished before it: the files are to be read again.
  bool reload_ends(Number reading) {
    const bool overtaken = finished_ > reading;
    if (!overtaken) finished_ = reading;
    return overtaken;
  }

 private:
  Number begun_ = 0, finished_ = 0;
  bool running_ = false, wanted_ = false;
};

}  // namespace cardgate::daemon
