// SPDX-License-Identifier: Apache-2.0
// What the rules of people's work have in common. Internal to work/.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace cardgate::daemon::work {

inline Error cannot(std::string sentence) {
  return {Errc::invalid_argument, std::move(sentence)};
}

/// Of two who must be two people, one registered the other's card, and so may hold it.
inline Error same_hand() {
  return {Errc::permission_denied,
          "One of the two people whom this takes registered the other's card, so they count as one. Somebody "
          "else "
          "must do it"};
}

/// The entry of that number; `what` it is: "form". Errors: not_found.
template <class Entry>
Result<Entry*> find_entry(std::vector<Entry>& list, std::int64_t number, std::string_view what) {
  const auto found = std::ranges::find(list, number, &Entry::id);
  if (found == list.end()) return Error{Errc::not_found, fmt::format("There is no {} {}", what, number)};
  return &*found;
}

}  // namespace cardgate::daemon::work
