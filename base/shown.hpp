// SPDX-License-Identifier: Apache-2.0
// Text from outside (names of readers, names in certificates, words of a vendor's module, names of processes) as it is shown,
// logged and put into JSON. This is the one place that escapes it. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace cardgate {

/// Well-formed UTF-8 in which nothing can steer a terminal, end a line or turn a line around (is_plain_utf8). Plain text comes
/// back as it is. A byte that is not UTF-8, or is a control character, becomes \xE9; any other unsafe character becomes \u202E.
/// The same text always looks the same, so a shown name can be used as a name.
std::string shown_text(std::string_view text);

/// The bytes that shown_text() made this of, for who must name a thing as its maker does. A backslash of the maker's own may be
/// taken for an escape, so compare with the text as it is, too.
std::string bytes_shown_as(std::string_view shown);

/// Serialised JSON whose strings may hold bytes that are not UTF-8, made into JSON that every parser takes: such a byte becomes
/// \xE9 in its string.
std::string shown_json(std::string serialised);

}  // namespace cardgate
