// SPDX-License-Identifier: Apache-2.0
// How a person stands towards one prerequisite: met, or in which way not. Pure; thread-safe; the answer takes no memory, because most questions are answered with "met" and by the
// thousand.
#pragma once

#include <optional>
#include <string_view>

#include "policy/facts.hpp"
#include "policy/policy.hpp"

namespace cardgate::policy {

/// In rising order of nearness to `met`: of several forms the nearest speaks.
enum class State : std::uint8_t {
  absent,
  withdrawn,  // or revoked
  rejected,
  lapsed,
  wrong_version,
  changed_text,  // signed under this version, but with another text
  unverified,
  self_verified,
  unapproved,
  self_approved,  // by the person, or by who verified it
  by_nobody,      // verified or approved by nobody who is on record
  not_yet,
  on_leave,
  met,
};

struct Standing {
  State state = State::absent;
  std::optional<Date> date =
      {};  // not_yet: the first day; lapsed, on_leave, met: the last, when there is one
  std::string_view version = {};  // wrong_version: the one that is there
  bool met() const { return state == State::met; }
};

/// A span of days, each end open when it is nothing. A date that does not exist (facts made by a faulty caller) is never
/// reached and always over: both ways it denies.
Standing between(const std::optional<Date>& from, const std::optional<Date>& until, Day today);

/// `role` is the role asked for; only forms and delegations look at it. The view lives as long as `facts`.
Standing standing_of(const Prerequisite& wanted, const Facts& facts, std::string_view role, Day today);

}  // namespace cardgate::policy
