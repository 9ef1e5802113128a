// SPDX-License-Identifier: Apache-2.0
// Something that does not work: reported by somebody, or found by the service itself. The team says how bad it is, joins what is the
// same, passes it on and closes it. Plain data; times are whole seconds. daemon/work/faults has the rules of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::reg {

struct Fault {
  enum class State : std::uint8_t { reported, classed, joined, closed };

  std::int64_t id = 0;
  State state = State::reported;
  std::string
      reported_by;  // an id; "uid 1000" of an account of this machine; root_name; empty: the service found it
  std::string key;  // of what the service found: "pcscd", ...; else empty
  WallTime reported_at;
  std::string text;      // as it was reported; the team sees it
  std::string severity;  // critical, high, moderate or standard; empty: nobody has said
  std::string told;      // what everybody is told; empty: nobody is
  std::string classed_by = {};
  std::optional<WallTime> classed_at = {};
  std::int64_t joined_to = 0;  // of a joined one
  std::string ticket = {};     // the reference under which it was passed on
  std::optional<WallTime> expected = {};
  std::optional<WallTime> closed_at = {};
  std::string outcome = {};
  WallTime told_at;  // what was due to be said until then has been said
  friend bool operator==(const Fault&, const Fault&) = default;
};

struct Faults {
  std::vector<Fault> open;  // neither joined nor closed
  std::int64_t last = 0;    // the last number that was used
};

}  // namespace cardgate::reg
