// SPDX-License-Identifier: Apache-2.0
// The rules of faults, as values: by when somebody must have answered and put them right, and what may become of them. Pure.
//
//   reported -> classed (how bad, and what everybody is told) -> passed on, expected at -> closed, with its outcome
//            -> joined to another one that is the same
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/calendar.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "daemon/work/downtime.hpp"
#include "register/fault.hpp"

namespace cardgate::daemon::work {

struct FaultRules {
  Impacts impacts;         // from the report on. Until somebody has said how bad it is, the first counts
  Calendar calendar = {};  // in whose time people are told
};

/// What is said of a fault. Each is one notice.
enum class FaultSaid : std::uint8_t {
  reported,
  classed,
  joined,
  passed_on,
  answer_late,  // nobody has answered in the time agreed
  repair_late,  // nor put it right
  closed,
};
/// Stable codes: "reported", ...
std::string_view name(FaultSaid said);
/// Everybody is told, and not the team alone: of what the team has written for everybody.
bool is_for_everybody(const reg::Fault& fault, FaultSaid said);

/// What is due now and was not said yet; of several the last.
std::optional<FaultSaid> due(const reg::Fault& fault, const FaultRules& rules, WallTime now);
std::optional<WallTime> next_due(std::span<const reg::Fault> open, const FaultRules& rules, WallTime now);

struct FaultAsk {
  std::optional<std::string> severity, told, ticket;
  std::optional<WallTime> expected;
};
/// Errors of all: invalid_argument, a sentence for people.
Result<reg::Fault> class_fault(const reg::Fault& fault, const FaultAsk& ask, const std::string& by,
                               WallTime now);
Result<reg::Fault> pass_on(const reg::Fault& fault, const FaultAsk& ask, WallTime now);
Result<reg::Fault> join(const reg::Fault& fault, const reg::Fault& to, WallTime now);
reg::Fault close(const reg::Fault& fault, std::string outcome, WallTime now);

/// For the team and for everybody: a sentence or two.
std::string words(const reg::Fault& fault, FaultSaid said, const FaultRules& rules);
/// What everybody is told of it now.
std::string words_now(const reg::Fault& fault, const FaultRules& rules);

}  // namespace cardgate::daemon::work
