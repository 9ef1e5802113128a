// SPDX-License-Identifier: Apache-2.0
#include "base/nearest.hpp"

#include <algorithm>

namespace cardgate {
namespace {

constexpr std::size_t longest_word = 64;  // nobody mistypes more, and the work is a product of two lengths
constexpr std::size_t shortest_beginning = 3;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > longest_word || b.size() > longest_word) return std::max(a.size(), b.size());
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t k = 0; k <= b.size(); ++k) {
      if (i == 0 || k == 0) {
        steps[i][k] = std::max(i, k);
        continue;
      }
      const std::size_t change = a[i - 1] == b[k - 1] ? 0 : 1;
      steps[i][k] = std::min({steps[i - 1][k] + 1, steps[i][k - 1] + 1, steps[i - 1][k - 1] + change});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        steps[i][k] = std::min(steps[i][k], steps[i - 2][k - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  std::size_t least = 0;
  for (const auto& word : known) {
    const bool begun = typed.size() >= shortest_beginning && word.starts_with(typed);
    const std::size_t distance = begun ? 1 : edit_distance(typed, word);
    const std::size_t allowed = std::max<std::size_t>(1, std::min(typed.size(), word.size()) / 3);
    if (distance > allowed || distance >= std::max(typed.size(), word.size())) continue;
    if (best == nullptr || distance < least) {
      best = &word;
      least = distance;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace cardgate
