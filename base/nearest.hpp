// SPDX-License-Identifier: Apache-2.0
// Which of the known words somebody meant who mistyped one. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardgate {

/// How many letters must be put in, left out, changed, or swapped with their neighbour to make `a` of `b` (bytes; texts of more
/// than 64 bytes count as altogether different).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known word that is so near to `typed` that it is probably meant: one letter in three may be wrong, or `typed` is its
/// beginning (three letters or more). Nothing when none is.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& known);

}  // namespace cardgate
