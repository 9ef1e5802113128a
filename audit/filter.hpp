// SPDX-License-Identifier: Apache-2.0
// Which records somebody asks for. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// What came of it.
enum class Outcome : std::uint8_t {
  done,
  refused,   // by a rule: somebody asked for what they may not have, or in a way that does not work
  not_done,  // a record before says that it was begun, and this one takes it back
};
/// "done", "refused", "not_done".
std::string_view name(Outcome outcome);
Outcome outcome_of(const json::object& record);

/// Empty members fit every record.
struct Filter {
  std::string person;       // that the record is about, or names: who did it, who was seen
  bool own_lines = true;    // without an `event`: also checkpoints and headers of segments
  bool about_them = false;  // only what is about `person`
  std::string role, event, session;
  std::string client, reason;      // a part of it is enough
  std::optional<Outcome> outcome;  // `refused` takes what was not done, too
  // RFC 3339 in UTC with milliseconds, as the records have it, so that the order of text is the order of time.
  std::string from;    // at this time or later
  std::string before;  // before this time

  /// Whether a line may fit, by its text alone: quick, and true whenever fits() is.
  bool may_fit(std::string_view line) const;
  bool fits(const json::object& record) const;
};

/// Errors: invalid_argument (nothing can fit: no such event; a time that ends before it begins), in words for people.
Result<void> check(const Filter& filter);

}  // namespace cardgate::audit
