// SPDX-License-Identifier: Apache-2.0
// A quick look at a line as the writer writes it: strict, and nothing is copied. Pure; thread-safe.
//
// For those who walk through millions of lines. What scan_line() takes, parse_line() (audit/line.hpp) takes too, and finds the
// same in it; a line that scan_line() does not take may still be sound, so ask parse_line() then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cardgate::audit {

/// Pieces of a line, which point into it. Texts are as they stand between the quotes: unescape() them for people. An empty one
/// is not in the line.
struct Pieces {
  std::uint64_t sequence = 0;
  std::string_view time, prev, event;  // never have an escape in them
  std::string_view person, role, client, session, reason, policy;
  std::string_view details;    // the object with its braces
  std::string_view signature;  // base64url
};

/// Takes a line without its newline, in the order and without the white space that docs/audit-format.md 2 states.
std::optional<Pieces> scan_line(std::string_view line);

/// A text of a JSON string that scan_line() took, as it was before it was escaped.
std::string unescape(std::string_view text);

}  // namespace cardgate::audit
