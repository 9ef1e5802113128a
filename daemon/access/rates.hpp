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

  /// Takes `cost` out of the bucket, if there is as much in it.
  bool allow(uid_t uid, BootTime now, double cost = 1) {
    Bucket& bucket = filled(uid, now);
    if (bucket.level < cost) return false;
    bucket.level -= cost;
    return true;
  }
  /// Takes it out in any case: the bucket may hold less than nothing then.
  void charge(uid_t uid, BootTime now, double cost) { filled(uid, now).level -= cost; }
  /// How long until allow() says yes, rounded up; for a cost that fits into a full bucket.
  seconds wait(uid_t uid, BootTime now, double cost = 1) {
    const std::chrono::duration<double> period = period_;
    const std::chrono::duration<double> left = period * ((cost - filled(uid, now).level) / burst_);
    return std::max(seconds(1), std::chrono::ceil<seconds>(left));
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

  Bucket& filled(uid_t uid, BootTime now) {
    // A bucket that is full again says nothing, so the table cannot be grown by many uids for long. Not looked through at
    // every call while those of many uids are in use.
    if (buckets_.size() > sweep_at_) {
      std::erase_if(buckets_, [&](const auto& entry) { return level(entry.second, now) >= burst_; });
      sweep_at_ = std::max(first_sweep, 2 * buckets_.size());
    }
    Bucket& bucket = buckets_.try_emplace(uid, Bucket{burst_, now}).first->second;
    bucket.level = level(bucket, now);
    bucket.at = now;
    return bucket;
  }

  static constexpr std::size_t first_sweep = 4096;
  double burst_;
  milliseconds period_;
  std::size_t sweep_at_ = first_sweep;
  std::unordered_map<uid_t, Bucket> buckets_;
};

}  // namespace cardgate::daemon
