// SPDX-License-Identifier: Apache-2.0
#include "audit/scan.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

#include "audit/line.hpp"
#include "base/json.hpp"

namespace cardgate::audit {
namespace {

constexpr int max_scan_depth = 8;
constexpr std::size_t max_scan_keys = 32;
constexpr std::size_t max_scan_key_bytes = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int two_digits(const char* at) {
  return is_digit(at[0]) && is_digit(at[1]) ? (at[0] - '0') * 10 + (at[1] - '0') : -1;
}

/// "2026-01-31T09:30:00.000Z", of a day that exists.
bool is_time(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != form[i]) return false;
  }
  const char* at = text.data();
  if (two_digits(at + 11) > 23 || two_digits(at + 14) > 59 || two_digits(at + 17) > 59) return false;
  const int day = two_digits(at + 8);
  const int month = two_digits(at + 5);
  if (month < 1 || month > 12 || day < 1) return false;
  if (day <= 28) return true;
  using namespace std::chrono;
  return year_month_day(year(two_digits(at) * 100 + two_digits(at + 2)),
                        std::chrono::month(static_cast<unsigned>(month)),
                        std::chrono::day(static_cast<unsigned>(day)))
      .ok();
}

/// Marks the high bit of (at least) the first byte that is a quote, a backslash, a control character or not ASCII.
std::uint64_t special_bytes(std::uint64_t eight) {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t highs = 0x8080808080808080U;
  const std::uint64_t quote = eight ^ (ones * 0x22U);
  const std::uint64_t backslash = eight ^ (ones * 0x5CU);
  return (eight | ((eight - ones * 0x20U) & ~eight) | ((quote - ones) & ~quote) |
          ((backslash - ones) & ~backslash)) &
         highs;
}

class LineScanner {
 public:
  explicit LineScanner(std::string_view line) : at_(line.data()), end_(line.data() + line.size()) {}

  bool line(Pieces& out) {
    if (!word("{\"seq\":") || !sequence(out.sequence)) return false;
    if (!word(",\"time\":\"") || !plain_text(out.time) || !is_time(out.time)) return false;
    if (!word(",\"prev\":\"") || !plain_text(out.prev) || !is_hex(out.prev)) return false;
    if (!word(",\"event\":\"") || !plain_text(out.event) || out.event.empty()) return false;
    const std::pair<std::string_view, std::string_view*> known_texts[] = {
        {",\"person\":\"", &out.person},   {",\"role\":\"", &out.role},     {",\"client\":\"", &out.client},
        {",\"session\":\"", &out.session}, {",\"reason\":\"", &out.reason}, {",\"policy\":\"", &out.policy}};
    for (const auto& [name, text] : known_texts) {
      if (!word(name)) continue;
      bool escaped = false;
      if (!string(*text, escaped)) return false;
    }
    if (word(",\"details\":")) {
      const char* begin = at_;
      if (at_ == end_ || *at_ != '{' || !value(1)) return false;
      out.details = {begin, static_cast<std::size_t>(at_ - begin)};
    }
    if (word(",\"sig\":\"") && (!plain_text(out.signature) || out.signature.empty())) return false;
    if (out.signature.empty() != (out.event != "checkpoint")) return false;
    return word("}") && at_ == end_;
  }

 private:
  bool word(std::string_view expected) {
    if (static_cast<std::size_t>(end_ - at_) < expected.size()) return false;
    if (std::memcmp(at_, expected.data(), expected.size()) != 0) return false;
    at_ += expected.size();
    return true;
  }

  bool sequence(std::uint64_t& out) {
    const char* begin = at_;
    for (; at_ != end_ && is_digit(*at_); ++at_) out = out * 10 + static_cast<std::uint64_t>(*at_ - '0');
    return at_ != begin && at_ - begin <= 18 && *begin != '0';
  }

  static bool is_hex(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(),
                                            [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
  }

  bool plain_text(std::string_view& out) {
    bool escaped = false;
    return string(out, escaped) && !escaped;
  }

  /// Behind the opening quote; ends behind the closing one.
  bool string(std::string_view& out, bool& escaped) {
    const char* begin = at_;
    for (;;) {
      while (end_ - at_ >= 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, at_, 8);
        if (special_bytes(eight) != 0) break;
        at_ += 8;
      }
      while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20 &&
             static_cast<unsigned char>(*at_) < 0x80)
        ++at_;
      if (at_ == end_ || static_cast<unsigned char>(*at_) < 0x20) return false;
      if (*at_ == '"') break;
      if (*at_ == '\\') {
        escaped = true;
        if (!escape()) return false;
      } else if (!character()) {
        return false;
      }
    }
    out = {begin, static_cast<std::size_t>(at_ - begin)};
    ++at_;
    return true;
  }

  bool escape() {
    if (end_ - at_ < 2) return false;
    const char kind = at_[1];
    at_ += 2;
    if (kind != 'u') return std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos;
    if (end_ - at_ < 4) return false;
    // Of two characters written as one escape each only parse_line() judges.
    if (*at_ == 'd' || *at_ == 'D') return false;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = *at_;
      if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) return false;
    }
    return true;
  }

  /// One of two to four bytes, as RFC 3629 has them.
  bool character() {
    const auto byte = [this](int i) { return static_cast<unsigned char>(at_[i]); };
    const auto follows = [&](int i, unsigned low = 0x80, unsigned high = 0xBF) {
      return byte(i) >= low && byte(i) <= high;
    };
    const auto left = end_ - at_;
    const unsigned first = byte(0);
    int length = 0;
    if (first >= 0xC2 && first <= 0xDF && left >= 2 && follows(1)) length = 2;
    if (first >= 0xE0 && first <= 0xEF && left >= 3 &&
        follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && follows(2))
      length = 3;
    if (first >= 0xF0 && first <= 0xF4 && left >= 4 &&
        follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3))
      length = 4;
    at_ += length;
    return length > 0;
  }

  bool value(int depth) {
    if (at_ == end_ || depth > max_scan_depth) return false;
    switch (*at_) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        ++at_;
        std::string_view text;
        bool escaped = false;
        return string(text, escaped);
      }
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  /// A whole one of at most 18 digits; all others are rare.
  bool number() {
    if (*at_ == '-') ++at_;
    const char* begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    const auto count = at_ - begin;
    if (count == 0 || count > 18 || (*begin == '0' && count > 1)) return false;
    return at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E');
  }

  bool object(int depth) {
    ++at_;
    if (word("}")) return true;
    std::array<std::string_view, max_scan_keys> keys;
    std::size_t count = 0;
    do {
      std::string_view key;
      if (!word("\"") || !plain_text(key) || key.size() > max_scan_key_bytes || count == keys.size())
        return false;
      if (std::find(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(count), key) !=
          keys.begin() + static_cast<std::ptrdiff_t>(count))
        return false;
      keys[count++] = key;
      if (!word(":") || !value(depth + 1)) return false;
    } while (word(","));
    return word("}");
  }

  bool array(int depth) {
    ++at_;
    if (word("]")) return true;
    do {
      if (!value(depth + 1)) return false;
    } while (word(","));
    return word("]");
  }

  const char* at_;
  const char* end_;
};

}  // namespace

std::optional<Pieces> scan_line(std::string_view line) {
  if (line.size() > max_line_bytes) return std::nullopt;
  Pieces out;
  if (!LineScanner(line).line(out)) return std::nullopt;
  return out;
}

std::string unescape(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::string(text);
  const auto value = parse_json("\"" + std::string(text) + "\"");
  return value && value->is_string() ? std::string(value->get_string()) : std::string(text);
}

}  // namespace cardgate::audit
