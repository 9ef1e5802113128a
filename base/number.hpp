// SPDX-License-Identifier: Apache-2.0
// Whole numbers out of text that somebody else wrote.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace cardgate {

/// The number that all of `text` is: decimal digits and nothing else (for a signed T also a '-' before them).
/// None when there is anything more or less, or when it does not fit into T.
template <std::integral T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

}  // namespace cardgate
