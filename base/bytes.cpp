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

std::string ascii_lower(std::string text) {
  for (char& c : text) c = ascii_lower(c);
  return text;
}

bool is_plain_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    std::size_t extra = 0;
    std::uint32_t point = lead;
    if (lead < 0x80) {
      if (lead < 0x20 || lead == 0x7f) return false;
    } else if (lead >= 0xc2 && lead <= 0xdf) {
      extra = 1;
      point = lead & 0x1fU;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      extra = 2;
      point = lead & 0x0fU;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      extra = 3;
      point = lead & 0x07U;
    } else {
      return false;
    }
    if (i + extra >= text.size()) return false;
    for (std::size_t k = 1; k <= extra; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = (point << 6) | (next & 0x3fU);
    }
    const bool overlong = (extra == 2 && point < 0x800) || (extra == 3 && point < 0x10000);
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    const bool c1_control = point >= 0x80 && point < 0xa0;
    // Line and paragraph separators and bidi overrides can forge what a person reads in a log.
    const bool deceptive = point == 0x2028 || point == 0x2029 || (point >= 0x202a && point <= 0x202e) ||
                           (point >= 0x2066 && point <= 0x2069);
    if (overlong || surrogate || c1_control || deceptive || point > 0x10ffff) return false;
    i += extra + 1;
  }
  return true;
}

}  // namespace cardgate
