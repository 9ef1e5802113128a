// SPDX-License-Identifier: Apache-2.0
// The wall time that is believed: a clock set back must not bring a lapsed form or token back to life. One
// thread.
//
// The wall clock, seen against the boot clock, is a line, and each time it is set it goes on another one.
//
//   set forward        believed, and whatever has lapsed by then ends. But the line from before is kept for
//                      `doubt`, because the jump may have been the mistake.
//   put right          back, but not before the oldest kept line: believed. Nothing lives longer than it would
//                      have lived if the clock had never been touched.
//   set back           further than that: not believed; the oldest kept line goes on instead, until the clock
//                      is right again or the service starts anew.
//
// So a wrong jump forward, which shuts everybody out, ends as soon as somebody puts the clock right. What is
// left to whoever may set the clock: up to `doubt` after a right jump forward (a machine that woke up with an
// old date), they can go back to the wrong time from before it, and no further.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::daemon {

class WallGuard {
 public:
  static constexpr std::chrono::days doubt{7};  // a long weekend, and time to notice

  enum class Jump { forward, put_right, set_back, right_again };
  struct News {
    Jump jump;
    WallTime from;  // what was believed
    WallTime to;    // what is shown
  };

  explicit WallGuard(const Clock& clock) : clock_(clock), eased_(clock.boot()) {
    lines_.push_back({offset(clock.wall(), eased_), eased_});
  }

  /// The wall clock, or, after it was set back, what it would show had it not been.
  WallTime now() {
    const BootTime boot = clock_.boot();
    const WallTime shown = clock_.wall();
    const milliseconds offset_now = offset(shown, boot);
    const bool was_back = set_back_by_.has_value();
    while (lines_.size() > 1 && lines_[1].since + doubt <= boot) lines_.erase(lines_.begin());
    const WallTime believed = on(lines_.back(), boot);
    const auto below = [&] { return offset_now + tolerance < lines_.back().offset; };
    const bool fell = below();
    while (lines_.size() > 1 && below()) lines_.pop_back();
    if (below()) {
      set_back_by_ = std::chrono::duration_cast<seconds>(lines_.back().offset - offset_now);
      if (!was_back) tell(Jump::set_back, believed, shown);
      return on(lines_.back(), boot);
    }
    set_back_by_.reset();
    if (offset_now > lines_.back().offset + tolerance) {
      if (lines_.size() == max_lines) lines_.erase(lines_.begin());
      lines_.push_back({offset_now, boot});
      if (!fell) tell(Jump::forward, believed, shown);
    } else if (offset_now > lines_.back().offset) {
      lines_.back().offset = offset_now;
    } else if (eased_ + std::chrono::days(1) <= boot) {
      // Small steps back are forgiven once a day, or many of them would make one that counts.
      lines_.back().offset = offset_now;
      eased_ = boot;
    }
    if (fell) tell(Jump::put_right, believed, shown);
    if (was_back && !fell && !news_) tell(Jump::right_again, believed, shown);
    return shown;
  }

  /// How far the clock stands behind, as of the last now(); empty while it is right.
  std::optional<seconds> set_back_by() const { return set_back_by_; }
  /// What now() saw happen to the clock since this was last asked; of several jumps the last, from where the
  /// first began.
  std::optional<News> take_news() { return std::exchange(news_, std::nullopt); }

 private:
  struct Line {
    milliseconds offset;  // wall clock minus boot clock
    BootTime since;
  };
  static milliseconds offset(WallTime wall, BootTime boot) {
    return wall.time_since_epoch() - std::chrono::duration_cast<milliseconds>(boot.time_since_epoch());
  }
  static WallTime on(const Line& line, BootTime boot) {
    return WallTime(std::chrono::duration_cast<milliseconds>(boot.time_since_epoch()) + line.offset);
  }
  void tell(Jump jump, WallTime from, WallTime to) { news_ = News{jump, news_ ? news_->from : from, to}; }

  static constexpr seconds tolerance{2};  // time synchronisation may step a little
  static constexpr std::size_t max_lines = 16;
  const Clock& clock_;
  std::vector<Line> lines_;  // each further ahead than the one before it; the last is the clock's own
  BootTime eased_;
  std::optional<seconds> set_back_by_;
  std::optional<News> news_;
};

}  // namespace cardgate::daemon
