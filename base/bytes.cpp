// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

#include <sodium.h>

namespace cardgate {
namespace {

constexpr int url_variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr int standard_variant = sodium_base64_VARIANT_ORIGINAL;

std::string encode(BytesView bytes, int variant) {
  if (bytes.empty()) return {};
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();  // libsodium counts the terminating NUL
  return text;
}

Result<Bytes> decode(std::string_view text, int variant) {
  if (text.empty()) return Bytes{};  // libsodium takes no null pointer, which empty buffers may have
  Bytes out(text.size());
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end, variant) !=
          0 ||
      end != text.data() + text.size()) {
    return Error{Errc::malformed, "not valid base64"};
  }
  out.resize(length);
  // libsodium tolerates some non-zero spare bits at the end; a second spelling of one value must not pass.
  if (encode(out, variant) != text) return Error{Errc::malformed, "base64 has spare bits"};
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(BytesView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  Bytes out;
  out.reserve(text.size() / 2);
  std::size_t i = 0;
  while (i < text.size()) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    if (i + 1 >= text.size()) return Error{Errc::malformed, "hex has an odd number of digits"};
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return Error{Errc::malformed, "not hexadecimal"};
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::string to_base64url(BytesView bytes) {
  return encode(bytes, url_variant);
}
Result<Bytes> from_base64url(std::string_view text) {
  return decode(text, url_variant);
}
std::string to_base64(BytesView bytes) {
  return encode(bytes, standard_variant);
}
Result<Bytes> from_base64(std::string_view text) {
  return decode(text, standard_variant);
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

std::optional<char32_t> take_utf8(std::string_view text, std::size_t& at) {
  if (at >= text.size()) return std::nullopt;
  const auto lead = static_cast<std::uint8_t>(text[at]);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || at + more >= text.size()) return std::nullopt;
  char32_t point = lead & (0x3fU >> more);
  for (std::size_t k = 1; k <= more; ++k) {
    const auto next = static_cast<std::uint8_t>(text[at + k]);
    if ((next & 0xc0U) != 0x80) return std::nullopt;
    point = (point << 6U) | (next & 0x3fU);
  }
  const bool overlong = (more == 2 && point < 0x800) || (more == 3 && point < 0x10000);
  if (overlong || (point >= 0xd800 && point < 0xe000) || point > 0x10ffff) return std::nullopt;
  at += more + 1;
  return point;
}

bool is_plain_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto point = take_utf8(text, at);
    if (!point || *point < 0x20 || (*point >= 0x7f && *point < 0xa0)) return false;
    // Line and paragraph separators and bidi overrides can forge what a person reads in a log.
    if (*point == 0x2028 || *point == 0x2029 || (*point >= 0x202a && *point <= 0x202e) ||
        (*point >= 0x2066 && *point <= 0x2069))
      return false;
  }
  return true;
}

}  // namespace cardgate
