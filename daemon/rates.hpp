// SPDX-License-Identifier: Apache-2.0
// Token buckets, one per uid and kind: how much one user's programs may ask for. Pure; one thread.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <unordered_map>

#include "base/clock.hpp"

namespace cardgate::daemon {

class Rate {
 public:
  /// `burst` at once, refilled at `burst` per `period`.
  Rate(double burst, milliseconds period) : burst_(burst), period_(period) {}

  bool allow(uid_t uid, BootTime now) {
    // A bucket that is full again says nothing, so the table cannot be grown by many uids for long.
    if (buckets_.size() > 4096) {
      std::erase_if(buckets_, [&](const auto& entry) { return level(entry.second, now) >= burst_; });
    }
    auto [found, fresh] = buckets_.try_emplace(uid, Bucket{burst_, now});
    Bucket& bucket = found->second;
    bucket.level = level(bucket, now);
    bucket.at = now;
    if (bucket.level < 1) return false;
    bucket.level -= 1;
    return true;
  }

 private:
  struct Bucket {
    double level;
    BootTime at;
  };
  double level(const Bucket& bucket, BootTime now) const {
    const std::chrono::duration<double> passed = now - bucket.at;
    const std::chrono::duration<double> period = period_;
    return std::min(burst_, bucket.level + burst_ * (passed / period));
  }

  double burst_;
  milliseconds period_;
  std::unordered_map<uid_t, Bucket> buckets_;
};

}  // namespace cardgate::daemon
