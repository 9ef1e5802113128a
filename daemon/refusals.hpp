// SPDX-License-Identifier: Apache-2.0
// Folds a peer's repeated refusals: the first is recorded at once, like ones within the window are counted
// and recorded as one, so that a peer cannot fill the audit log by asking again and again. Pure; one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::daemon {

class Refusals {
 public:
  struct Folded {
    uid_t uid;
    std::string event, reason;
    std::uint64_t count;
  };
  static constexpr seconds window{10};
  static constexpr std::size_t max_kinds = 4096;

  /// True when this one is to be recorded itself.
  bool first(uid_t uid, const std::string& event, const std::string& reason, BootTime now) {
    if (entries_.size() >= max_kinds) return false;
    const auto [found, fresh] = entries_.try_emplace({uid, event, reason}, Entry{now, 0});
    if (!fresh) ++found->second.repeats;
    return fresh;
  }

  /// Counts whose window is over, or all of them.
  std::vector<Folded> take(BootTime now, bool all = false) {
    std::vector<Folded> out;
    for (auto it = entries_.begin(); it != entries_.end();) {
      if (!all && it->second.since + window > now) {
        ++it;
        continue;
      }
      if (it->second.repeats > 0)
        out.push_back({it->first.uid, it->first.event, it->first.reason, it->second.repeats});
      it = entries_.erase(it);
    }
    return out;
  }
  bool empty() const { return entries_.empty(); }

 private:
  struct Key {
    uid_t uid;
    std::string event, reason;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    BootTime since;
    std::uint64_t repeats;
  };
  std::map<Key, Entry> entries_;
};

}  // namespace cardgate::daemon
