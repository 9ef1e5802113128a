// SPDX-License-Identifier: Apache-2.0
// Lines that fit the terminal. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace cardgate::client {

/// Each line of `text` cut at blanks into lines of at most `width` characters (UTF-8); what goes on is set in by two more than
/// the line began. A word that is longer than that stays whole.
std::string wrapped(std::string_view text, std::size_t width);

}  // namespace cardgate::client
