// SPDX-License-Identifier: Apache-2.0
// A time in which the service is not to be used, or not as usual: planned ahead, or an emergency that somebody declared. Plain
// data; times are whole seconds. daemon/work/downtime has the rules of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::reg {

struct Downtime {
  enum class Kind : std::uint8_t { planned, emergency };
  enum class State : std::uint8_t { open, withdrawn, ended };

  std::int64_t id = 0;
  Kind kind = Kind::planned;
  State state = State::open;
  std::string severity;  // critical, high, moderate or standard
  bool closes = true;    // nobody signs in while it lasts, and sessions end
  WallTime from;
  std::optional<WallTime>
      until;            // planned: its end; an emergency: when it is expected to end, where that is known
  std::string text;     // for people
  std::string made_by;  // an id, or root_name
  WallTime made_at;
  WallTime told_at;  // what was due to be said until then has been said
  std::optional<WallTime> ended_at = {};
  std::string outcome = {};
  std::string ticket = {};  // the reference under which an emergency was passed on
  friend bool operator==(const Downtime&, const Downtime&) = default;
};

struct Downtimes {
  std::vector<Downtime> open;
  std::int64_t last = 0;  // the last number that was used
};

}  // namespace cardgate::reg
