// SPDX-License-Identifier: Apache-2.0
// The tries left of a card that may not tell them, in JSON and in words. Pure.
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
    return "The card does not tell how many tries are left; when none is, it is blocked.";
  return tries == 1 ? "One try is left." : fmt::format("{} tries are left.", tries);
}

}  // namespace cardgate::daemon
