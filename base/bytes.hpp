// SPDX-License-Identifier: Apache-2.0
// Byte strings and their text forms. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cardgate {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hex, no separators.
std::string to_hex(BytesView bytes);
/// Hex in either case; spaces between bytes are allowed ("00 A4 04 00"). Errors: malformed.
Result<Bytes> from_hex(std::string_view text);

/// RFC 4648 5 without padding, as JOSE uses it.
std::string to_base64url(BytesView bytes);
/// Strict: no padding, no white space, no other alphabet, no spare bits. Errors: malformed.
Result<Bytes> from_base64url(std::string_view text);
/// RFC 4648 4 with padding.
std::string to_base64(BytesView bytes);
/// Errors: malformed.
Result<Bytes> from_base64(std::string_view text);

/// A-Z become a-z; other bytes stay, whatever the locale: both sides of a comparison must agree byte for byte.
constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string ascii_lower(std::string_view text);

/// True when `text` is well-formed UTF-8 without control characters (so that it can stand in a log line).
bool is_plain_utf8(std::string_view text);
/// The character at `at`, which moves on behind it; nothing when there is none, or no well-formed one (RFC 3629 3).
std::optional<char32_t> take_utf8(std::string_view text, std::size_t& at);

}  // namespace cardgate
