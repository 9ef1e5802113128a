// SPDX-License-Identifier: Apache-2.0
// Bytes of a file made UTF-8. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cardgate::reg {

enum class TextEncoding : std::uint8_t {
  by_mark,       // UTF-16 by its byte order mark, else UTF-8, whose mark is taken off
  windows_1252,  // only ever when somebody says so: no byte tells it from others
};

/// With by_mark, bytes that have no UTF-16 mark come back as they are, valid or not: whoever knows lines and
/// columns judges them. Errors: malformed ("line 3: ...", half characters in UTF-16; a mark where Windows-1252
/// was said).
Result<std::string> to_utf8(std::string_view bytes, TextEncoding encoding);

/// Well-formed, with or without control characters.
bool is_utf8(std::string_view text);

}  // namespace cardgate::reg
