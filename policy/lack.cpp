// SPDX-License-Identifier: Apache-2.0
#include "policy/lack.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace cardgate::policy {

std::string_view lack(std::string_view prerequisite) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Pair, 11> words{{
      {"not-removed", "access was removed"},
      {"employed", "current employment"},
      {"card", "active card"},
      {"form", "approved form"},
      {"declaration", "signed declaration"},
      {"line-manager", "staff of their own"},
      {"delegation", "delegation"},
      {"team", "membership of the team"},
      {"training", "training"},
      {"sign-in", "sign-in by card"},
      {"revocation", "a recent answer about the card"},
  }};
  const auto* const found = std::ranges::find(words, prerequisite, &Pair::first);
  return found == words.end() ? prerequisite : found->second;
}

}  // namespace cardgate::policy
