// SPDX-License-Identifier: Apache-2.0
// The tries left of a card that may not tell them, and what follows for the person, in JSON and in words. Pure.
#pragma once

#include <fmt/format.h>

#include "base/json.hpp"
#include "daemon/drivers/driver.hpp"

namespace cardgate::daemon {

/// null when the card does not tell.
inline json::value tries_json(int tries) {
  return tries == tries_unknown ? json::value(nullptr) : json::value(tries);
}

/// "3 tries are left."
inline std::string tries_sentence(int tries) {
  if (tries == tries_unknown)
    return "The card does not say how many tries are left. When none is left, the card is blocked.";
  return tries == 1 ? "One try is left." : fmt::format("{} tries are left.", tries);
}

/// The card refused the passcode for a reason of its own, and none of its tries is gone.
inline std::string passcode_refused_uncounted(int left) {
  return "The card did not accept the passcode, and counted no try. " + tries_sentence(left);
}

inline std::string wrong_unblocking_key(int left) {
  return "Wrong unblocking key. " +
         (left == tries_unknown ? std::string("The card does not say how many tries are left.")
                                : tries_sentence(left)) +
         " When none is left, the card can never be unblocked again.";
}

}  // namespace cardgate::daemon
