// SPDX-License-Identifier: Apache-2.0
#include "base/unicode.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "base/bytes.hpp"

namespace cardgate {
namespace {

constexpr auto nfkc = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
constexpr auto nfkc_folded = static_cast<utf8proc_option_t>(nfkc | UTF8PROC_CASEFOLD);
constexpr auto nfc = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
constexpr auto key_options = static_cast<utf8proc_option_t>(nfkc_folded | UTF8PROC_IGNORE);
// Decomposed, so that accents stand alone and can be passed over; LUMP makes every kind of hyphen the one of ASCII.
constexpr auto searched =
    static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                   UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_LUMP);

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

std::string mapped(std::string_view text, utf8proc_option_t options) {
  std::vector<utf8proc_int32_t> buffer;
  const auto length = map(text, options, [&](std::size_t bytes) -> void* {
    buffer.resize(bytes / sizeof(utf8proc_int32_t));
    return buffer.data();
  });
  if (!length) return std::string(text);
  std::string out(*length, '\0');
  std::memcpy(out.data(), buffer.data(), *length);
  return out;
}

void append(std::string& to, utf8proc_int32_t point) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto size = utf8proc_encode_char(point, bytes.data());
  to.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

bool is_gap(utf8proc_int32_t point) {
  constexpr utf8proc_int32_t next_line = 0x85, empty_braille = 0x2800;
  if ((point >= '\t' && point <= '\r') || point == next_line || point == empty_braille) return true;
  const auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
}
bool is_invisible(utf8proc_int32_t point) {
  return utf8proc_get_property(point)->ignorable != 0 || utf8proc_category(point) == UTF8PROC_CATEGORY_CF;
}
bool is_joiner(utf8proc_int32_t point) {
  return point == 0x200c || point == 0x200d;
}
bool is_letter(utf8proc_int32_t point) {
  const auto category = utf8proc_category(point);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME && !is_invisible(point);
}

/// Nothing: not UTF-8.
std::optional<std::vector<utf8proc_int32_t>> points_of(std::string_view text) {
  std::vector<utf8proc_int32_t> points;
  for (std::size_t at = 0; at < text.size();) {
    const auto point = take_utf8(text, at);
    if (!point) return std::nullopt;
    points.push_back(static_cast<utf8proc_int32_t>(*point));
  }
  return points;
}

/// What most text is.
bool is_visible_already(std::string_view text) {
  char last = ' ';
  for (const char c : text) {
    if (c < ' ' || static_cast<unsigned char>(c) >= 0x7f || (c == ' ' && last == ' ')) return false;
    last = c;
  }
  return last != ' ' || text.empty();
}

/// The shapes that an apostrophe has on keyboards and in what word processors make of it.
utf8proc_int32_t one_apostrophe(utf8proc_int32_t point, void*) {
  switch (point) {
    case '`':
    case 0xb4:
    case 0x2b9:
    case 0x2bb:
    case 0x2bc:
    case 0x2bd:
    case 0x2018:
    case 0x2019:
    case 0x201b:
    case 0x2032:
    case 0xff07:
    case 0xff40:
      return '\'';
    default:
      return point;
  }
}

/// Letters that Unicode does not take apart, as people without them on the keyboard write them; else nothing.
std::string_view plain_letter(utf8proc_int32_t point) {
  switch (point) {
    case 0xe6:
      return "ae";
    case 0xf0:
    case 0x111:
      return "d";
    case 0xf8:
      return "o";
    case 0xfe:
      return "th";
    case 0x127:
      return "h";
    case 0x131:
      return "i";
    case 0x142:
      return "l";
    case 0x153:
      return "oe";
    default:
      return {};
  }
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
  return mapped(text, nfkc_folded);
}

std::string visible_text(std::string_view text) {
  if (is_visible_already(text)) return std::string(text);
  const auto points = points_of(text);
  if (!points) return std::string(text);
  std::string out;
  bool gap = false;
  utf8proc_int32_t last = 0;
  for (std::size_t i = 0; i < points->size(); ++i) {
    const auto point = (*points)[i];
    if (is_gap(point)) {
      gap = true;
      continue;
    }
    const bool joins =
        is_joiner(point) && !gap && is_letter(last) && i + 1 < points->size() && is_letter((*points)[i + 1]);
    if (is_invisible(point) && !joins) continue;
    if (gap && !out.empty()) out += ' ';
    gap = false;
    append(out, point);
    last = point;
  }
  return is_ascii(out) ? out : mapped(out, nfc);
}

std::string key_text(std::string_view text) {
  const std::string visible = visible_text(text);
  return is_ascii(visible) ? ascii_lower(visible) : mapped(visible, key_options);
}

std::string search_text(std::string_view text) {
  constexpr utf8proc_propval_t first_accent =
      200;  // combining classes of marks above, below and through a letter
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = static_cast<utf8proc_ssize_t>(text.size());
  const auto decompose = [&](utf8proc_int32_t* to, utf8proc_ssize_t room) {
    return utf8proc_decompose_custom(bytes, size, to, room, searched, one_apostrophe, nullptr);
  };
  const auto count = decompose(nullptr, 0);
  if (count < 0) return std::string(text);
  std::vector<utf8proc_int32_t> points(static_cast<std::size_t>(count));
  if (decompose(points.data(), count) != count) return std::string(text);
  std::string out;
  bool gap = false;
  for (const auto point : points) {
    if (is_gap(point) || point == '-' || point == ',') {
      gap = true;
      continue;
    }
    if (point == '\'' || point == '.' || utf8proc_get_property(point)->combining_class >= first_accent)
      continue;
    if (gap && !out.empty()) out += ' ';
    gap = false;
    const auto plain = plain_letter(point);
    plain.empty() ? append(out, point) : static_cast<void>(out += plain);
  }
  return out;
}

bool has_words(std::string_view name, std::string_view wanted) {
  while (!wanted.empty()) {
    const auto end = std::min(wanted.find(' '), wanted.size());
    if (name.find(wanted.substr(0, end)) == std::string_view::npos) return false;
    wanted.remove_prefix(std::min(end + 1, wanted.size()));
  }
  return true;
}

}  // namespace cardgate
