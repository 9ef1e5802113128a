// SPDX-License-Identifier: Apache-2.0
// The tries left of a card that may not tell them, and what follows for the person, in JSON and in words. Pure.
#pragma once

#include <fmt/format.h>

#include "base/json.hpp"
#include "daemon/cards/driver.hpp"

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

// Of the unblocking key (PUK): what it costs depends on whether the passcode still works.

inline std::string wrong_unblocking_key(int left) {
  return "Wrong unblocking key. " +
         (left == tries_unknown ? std::string("The card does not say how many tries are left.")
                                : tries_sentence(left)) +
         " When none is left, the card can never be unblocked again.";
}

/// `passcode_tries`: of the passcode.
inline std::string unblocking_key_blocked(int passcode_tries) {
  if (passcode_tries == 0)
    return "The unblocking key was wrong too many times and is blocked, like the passcode. The card must be "
           "replaced.";
  return "The unblocking key was wrong too many times and is blocked. The passcode still works: use it as "
         "before. If it is blocked one day, the card must be replaced.";
}

inline std::string last_try_of_unblocking_key(int passcode_tries) {
  return std::string("One try of the unblocking key is left, and nothing was spent. If it is wrong, ") +
         (passcode_tries == 0 ? "the card must be replaced."
                              : "the card can never be unblocked again; the passcode still works.") +
         " If you are sure of the key, confirm it: cardgate card unblock --spend-last-try";
}

}  // namespace cardgate::daemon
