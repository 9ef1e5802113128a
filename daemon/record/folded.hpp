// SPDX-License-Identifier: Apache-2.0
// Counts what happens again and again instead of telling it each time: the first of a kind is told at once, its like within
// the window are counted, and the counts are had when the window is over. While a kind goes on its window grows, so that
// what never ends costs little. Pure; one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::daemon {

inline constexpr seconds fold_window{10};
inline constexpr seconds longest_fold_window{60};

/// The caller bounds how many kinds there are.
template <class Kind>
class Folded {
 public:
  struct Count {
    Kind kind;
    std::uint64_t times;  // beside the first
  };

  bool knows(const Kind& kind) const { return entries_.contains(kind); }
  /// Begins a window for a kind that is told now.
  void told(const Kind& kind, BootTime now) { entry(kind, now); }
  /// Once more, and not told itself.
  void count(const Kind& kind, BootTime now) { ++entry(kind, now).times; }

  /// The counts of which the window is over, or of all. What did not happen again is forgotten: its next is a first.
  std::vector<Count> take(BootTime now, bool all = false) {
    std::vector<Count> out;
    next_.reset();
    for (auto it = entries_.begin(); it != entries_.end();) {
      auto& entry = it->second;
      if (all || entry.ends <= now) {
        if (entry.times == 0) {
          it = entries_.erase(it);
          continue;
        }
        out.push_back({it->first, std::exchange(entry.times, 0)});
        entry.window = std::min(entry.window * 2, longest_fold_window);
        entry.ends = now + entry.window;
      }
      ask_again_at(entry.ends);
      ++it;
    }
    return out;
  }
  /// When take() is to be asked next; nothing when there is nothing.
  std::optional<BootTime> next() const { return next_; }
  template <class Visit>
  void each_kind(Visit visit) const {
    for (const auto& [kind, entry] : entries_) visit(kind);
  }

 private:
  struct Entry {
    seconds window;
    BootTime ends;
    std::uint64_t times;
  };
  Entry& entry(const Kind& kind, BootTime now) {
    const auto [found, fresh] = entries_.try_emplace(kind, Entry{fold_window, now + fold_window, 0});
    if (fresh) ask_again_at(found->second.ends);
    return found->second;
  }
  void ask_again_at(BootTime at) {
    if (!next_ || at < *next_) next_ = at;
  }

  std::map<Kind, Entry> entries_;
  std::optional<BootTime> next_;
};

}  // namespace cardgate::daemon
