// SPDX-License-Identifier: Apache-2.0
#include "base/unicode.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace cardgate {
namespace {

constexpr auto nfkc = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
constexpr auto nfkc_folded = static_cast<utf8proc_option_t>(nfkc | UTF8PROC_CASEFOLD);

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// What `room(bytes)` gives is aligned for code points; the mapped text stands at its beginning. Nothing: not UTF-8.
template <class Room>
std::optional<std::size_t> map(std::string_view text, utf8proc_option_t options, Room room) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  const auto points = utf8proc_decompose(bytes, size, nullptr, 0, options);
  if (points < 0) return std::nullopt;
  // The text is written over the code points, and a zero behind it.
  auto* buffer =
      static_cast<utf8proc_int32_t*>(room((static_cast<std::size_t>(points) + 1) * sizeof(utf8proc_int32_t)));
  if (utf8proc_decompose(bytes, size, buffer, points, options) != points) return std::nullopt;
  const auto length = utf8proc_reencode(buffer, points, options);
  if (length < 0) return std::nullopt;
  return static_cast<std::size_t>(length);
}

Secret mapped(const Secret& text, utf8proc_option_t options) {
  if (text.empty()) return {};
  Secret buffer;
  const auto length = map(text.text(), options, [&](std::size_t bytes) -> void* {
    // A multiple of 16: libsodium puts a block's end, not its start, at a page border.
    buffer = Secret((bytes + 15) / 16 * 16);
    return buffer.bytes().data();
  });
  return length ? Secret(BytesView(buffer.bytes()).first(*length)) : Secret(text.bytes());
}

}  // namespace

Secret normal_text(const Secret& text) {
  return mapped(text, nfkc);
}

Secret folded_text(const Secret& text) {
  return mapped(text, nfkc_folded);
}

std::string folded_text(std::string_view text) {
  if (is_ascii(text)) return ascii_lower(text);
  std::vector<utf8proc_int32_t> buffer;
  const auto length = map(text, nfkc_folded, [&](std::size_t bytes) -> void* {
    buffer.resize(bytes / sizeof(utf8proc_int32_t));
    return buffer.data();
  });
  if (!length) return std::string(text);
  std::string out(*length, '\0');
  std::memcpy(out.data(), buffer.data(), *length);
  return out;
}

}  // namespace cardgate
