// SPDX-License-Identifier: Apache-2.0
// Bytes of a file made UTF-8. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cardgate::reg {

enum class TextEncoding : std::uint8_t {
  by_mark,       // UTF-16 by its byte order mark, else UTF-8, whose mark is taken off
  windows_1252,  // only ever when somebody says so: no byte tells it from others
};

struct EncodingFault {
  int line;  // 1-based
  std::string text;
};

/// Appends to `to`. With by_mark, bytes that have no UTF-16 mark stay as they are, valid or not: whoever knows lines and
/// columns judges them. A fault is half a character of UTF-16, UTF-32, UTF-16 without its
/// mark, or a mark or a byte that Windows-1252 does not have.
std::optional<EncodingFault> to_utf8(std::string_view bytes, TextEncoding encoding, std::string& to);

/// Well-formed, with or without control characters.
bool is_utf8(std::string_view text);

}  // namespace cardgate::reg
