// SPDX-License-Identifier: Apache-2.0
// What the service and the command line say alike of a card that was lent, and of a card's unblocking key (PUK): the command line before a person
// types it, the service when it was asked all the same. What a try costs depends on whether the passcode still works.
// `passcode_tries`: the tries left of the passcode; 0 when it is blocked. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cardgate::proto {

inline constexpr std::string_view new_passcode_first =
    "This card was lent to you, and others may know its passcode. Choose a new one first: cardgate card "
    "change-passcode. No try was spent.";

inline std::string unblocking_key_blocked(std::int64_t passcode_tries) {
  if (passcode_tries == 0)
    return "The unblocking key was wrong too many times and is blocked, like the passcode. The card must be "
           "replaced.";
  return "The unblocking key was wrong too many times and is blocked. The passcode still works: use it as "
         "before. If it is blocked one day, the card must be replaced.";
}

inline std::string last_try_of_unblocking_key(std::int64_t passcode_tries) {
  return std::string("One try of the unblocking key is left, and nothing was spent. If it is wrong, ") +
         (passcode_tries == 0 ? "the card must be replaced."
                              : "the card can never be unblocked again; the passcode still works.") +
         " If you are sure of the key, confirm it: cardgate card unblock --spend-last-try";
}

}  // namespace cardgate::proto
