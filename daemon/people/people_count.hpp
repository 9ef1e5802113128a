// SPDX-License-Identifier: Apache-2.0
// How many people the register holds, for the status and the metrics: counted again now and then, because counting a
// million takes a while. One thread.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

class PeopleCount {
 public:
  /// The last number that could be had; nothing before the first. Nobody yet is counted each time: it is quick, and soon untrue.
  std::optional<std::size_t> of(reg::Register& people, BootTime now) {
    if (last_ && *last_ > 0 && now < counted_at_ + counts_for) return last_;
    if (const auto counted = people.count()) {
      last_ = *counted;
      counted_at_ = now;
    }
    return last_;
  }

 private:
  static constexpr std::chrono::seconds counts_for{30};
  std::optional<std::size_t> last_;
  BootTime counted_at_{};
};

}  // namespace cardgate::daemon
