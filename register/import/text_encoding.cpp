// SPDX-License-Identifier: Apache-2.0
#include "register/import/text_encoding.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace cardgate::reg {
namespace {

constexpr std::string_view utf8_mark = "\xef\xbb\xbf";
constexpr std::string_view little_endian_mark = "\xff\xfe";
constexpr std::string_view big_endian_mark = "\xfe\xff";
constexpr std::string_view wide_mark{"\xff\xfe\0\0", 4}, big_wide_mark{"\0\0\xfe\xff", 4};

void append(std::string& to, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { to.push_back(static_cast<char>(byte)); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0U | (point >> 6U));
  } else {
    if (point < 0x10000) {
      put(0xe0U | (point >> 12U));
    } else {
      put(0xf0U | (point >> 18U));
      put(0x80U | ((point >> 12U) & 0x3fU));
    }
    put(0x80U | ((point >> 6U) & 0x3fU));
  }
  put(0x80U | (point & 0x3fU));
}

// https://encoding.spec.whatwg.org/index-windows-1252.txt, 0x80 to 0x9f; 0: no character.
constexpr std::array<std::uint16_t, 32> windows_1252_high{
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

using Fault = std::optional<EncodingFault>;

Fault from_windows_1252(std::string_view bytes, std::string& out) {
  if (bytes.starts_with(utf8_mark) || bytes.starts_with(little_endian_mark) ||
      bytes.starts_with(big_endian_mark)) {
    return EncodingFault{
        1, "the file begins with a byte order mark, so it is not Windows-1252: leave the encoding out"};
  }
  out.reserve(bytes.size() + bytes.size() / 16);
  int line = 1;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    line += c == '\n' ? 1 : 0;
    const std::uint32_t point =
        byte >= 0x80 && byte < 0xa0 ? windows_1252_high[byte - 0x80U] : std::uint32_t{byte};
    if (point == 0 && byte != 0)
      return EncodingFault{line, fmt::format("the byte {:#04x} is no character of Windows-1252", byte)};
    append(out, point);
  }
  return std::nullopt;
}

Fault from_utf16(std::string_view bytes, bool big_endian, std::string& out) {
  int line = 1;
  if (bytes.size() % 2 != 0) return EncodingFault{line, "the file is UTF-16 and ends within a character"};
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<std::uint8_t>(bytes[i]), second = static_cast<std::uint8_t>(bytes[i + 1]);
    return static_cast<std::uint32_t>(big_endian ? (first << 8) | second : (second << 8) | first);
  };
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    std::uint32_t point = unit(i);
    if (point >= 0xd800 && point < 0xe000) {
      const std::uint32_t low = point < 0xdc00 && i + 2 < bytes.size() ? unit(i + 2) : 0;
      if (low < 0xdc00 || low >= 0xe000) return EncodingFault{line, "half a character of UTF-16"};
      point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
      i += 2;
    }
    line += point == '\n' ? 1 : 0;
    append(out, point);
  }
  return std::nullopt;
}

}  // namespace

std::optional<EncodingFault> to_utf8(std::string_view bytes, TextEncoding encoding, std::string& to) {
  if (encoding == TextEncoding::windows_1252) return from_windows_1252(bytes, to);
  if (bytes.starts_with(wide_mark) || bytes.starts_with(big_wide_mark))
    return EncodingFault{1, "the file is UTF-32: save it as UTF-8 (spreadsheets call it 'CSV UTF-8')"};
  if (bytes.starts_with(little_endian_mark)) return from_utf16(bytes.substr(2), false, to);
  if (bytes.starts_with(big_endian_mark)) return from_utf16(bytes.substr(2), true, to);
  while (bytes.starts_with(utf8_mark)) bytes.remove_prefix(utf8_mark.size());  // files put together have two
  if (const auto start = bytes.substr(0, 2); start.size() == 2 && (start[0] == 0) != (start[1] == 0)) {
    return EncodingFault{
        1,
        "the file looks like UTF-16 without its byte order mark: save it as UTF-8 (spreadsheets call it "
        "'CSV UTF-8')"};
  }
  to += bytes;
  return std::nullopt;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!take_utf8(text, at)) return false;
  }
  return true;
}

}  // namespace cardgate::reg
