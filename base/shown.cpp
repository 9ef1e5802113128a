// SPDX-License-Identifier: Apache-2.0
#include "base/shown.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <system_error>

#include "base/bytes.hpp"

namespace cardgate {

std::string shown_text(std::string_view text) {
  if (is_plain_utf8(text)) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const auto point = take_utf8(text, at);
    if (!point) ++at;
    const auto piece = text.substr(begin, at - begin);
    if (point && is_plain_utf8(piece)) {
      out += piece;
    } else if (point && *point >= 0x80) {
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<std::uint32_t>(*point));
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<std::uint8_t>(piece.front()));
    }
  }
  return out;
}

namespace {

/// The number in `digits` hexadecimal digits at the start; nothing when there are not so many.
std::optional<unsigned> hex_number(std::string_view text, std::size_t digits) {
  unsigned number = 0;
  text = text.substr(0, digits);
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  const bool whole = text.size() == digits && parsed.ec == std::errc() && parsed.ptr == text.data() + digits;
  return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string bytes_shown_as(std::string_view shown) {
  std::string out;
  for (std::size_t at = 0; at < shown.size();) {
    const auto rest = shown.substr(at);
    const auto byte = rest.starts_with("\\x") ? hex_number(rest.substr(2), 2) : std::nullopt;
    const auto point = rest.starts_with("\\u") ? hex_number(rest.substr(2), 4) : std::nullopt;
    if (byte) {
      out += static_cast<char>(*byte);
      at += 4;
    } else if (point) {
      // RFC 3629 3: what is escaped so has two bytes or three.
      if (*point >= 0x800) out += static_cast<char>(0xE0U | *point >> 12U);
      out += static_cast<char>(*point >= 0x800 ? 0x80U | (*point >> 6U & 0x3FU) : 0xC0U | *point >> 6U);
      out += static_cast<char>(0x80U | (*point & 0x3FU));
      at += 6;
    } else {
      out += shown[at++];
    }
  }
  return out;
}

std::string shown_json(std::string serialised) {
  std::size_t at = 0;
  while (at < serialised.size() && take_utf8(serialised, at)) continue;
  if (at == serialised.size()) return serialised;
  // Bytes above 7F stand only inside strings, where a backslash is written as two.
  std::string out = serialised.substr(0, at);
  while (at < serialised.size()) {
    const std::size_t begin = at;
    if (take_utf8(serialised, at)) {
      out.append(serialised, begin, at - begin);
    } else {
      fmt::format_to(std::back_inserter(out), "\\\\x{:02X}", static_cast<std::uint8_t>(serialised[at++]));
    }
  }
  return out;
}

}  // namespace cardgate
