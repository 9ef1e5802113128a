// SPDX-License-Identifier: Apache-2.0
// What a role asks of a session that is used in it (its `idle`, `card_removal`, `screen_lock` and `step_up` in the policy).
// Values; pure.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "policy/policy.hpp"

namespace cardgate::daemon {

using policy::CardRemoval;
using policy::ScreenLock;

/// As they stand here, the strictest there are: what holds without a role.
struct Terms {
  milliseconds idle{0};  // 0: never
  CardRemoval removal{};
  ScreenLock screen{};
  /// Card and passcode must have been given within this time; nothing: at the sign-in is enough.
  std::optional<milliseconds> step_up_age = std::nullopt;
  /// The role is used for so long after the sign-in, and no longer; nothing: as long as the session lives.
  std::optional<milliseconds> max_session = std::nullopt;
};

/// Of both, in each thing the stricter.
Terms stricter(const Terms& a, const Terms& b);
Terms terms_of(const policy::Role& role);
/// For one act, which the policy may have marked.
Terms terms_of(const policy::Role& role, const policy::Policy& policy, policy::Act act);

}  // namespace cardgate::daemon
