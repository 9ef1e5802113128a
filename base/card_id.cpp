// SPDX-License-Identifier: Apache-2.0
#include "base/card_id.hpp"

#include <algorithm>
#include <array>

#include "base/crypto.hpp"

namespace cardgate {

namespace {

constexpr std::size_t uuid_bytes = 16, uuid_letters = 36;
constexpr std::array<std::size_t, 4> hyphens{8, 13, 18, 23};
constexpr std::size_t version_digit = 12, variant_digit = 16;
constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";

bool all_are(std::string_view text, char wanted) {
  return std::ranges::all_of(text, [wanted](char c) { return c == wanted; });
}

bool all_hex(std::string_view text) {
  return !text.empty() && text.find_first_not_of(hex_digits) == std::string_view::npos;
}

/// The 40 symbols of a FASC-N: four bits each, the lowest first, and a parity bit, which is not looked at.
using Symbols = std::array<int, 40>;
Symbols symbols_of(BytesView fasc_n) {
  Symbols symbols{};
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t bit = i * 5 + k;
      const unsigned set = (fasc_n[bit / 8] >> (7U - bit % 8)) & 1U;
      symbols[i] += static_cast<int>(set << k);
    }
  }
  return symbols;
}

/// RFC 4514 leaves case and white space to the one who compares.
std::string comparable_issuer(std::string_view issuer) {
  std::string out;
  const auto separates = [](char c) { return c == ',' || c == '=' || c == '+'; };
  bool escaped = false;
  std::size_t spaces = 0;
  for (const char c : issuer) {
    if (c == ' ' && !escaped) {
      ++spaces;
      continue;
    }
    const bool by_separator = out.empty() || separates(c) || separates(out.back());
    if (spaces > 0 && !by_separator) out += ' ';
    spaces = 0;
    out += ascii_lower(c);
    escaped = c == '\\' && !escaped;
  }
  return out;
}

std::string comparable_serial(std::string_view serial) {
  std::string out;
  for (const char c : serial) {
    if (c != ':' && c != ' ') out += ascii_lower(c);
  }
  out.erase(0, std::min(out.find_first_not_of('0'), out.size()));
  return out.empty() ? "0" : out;
}

}  // namespace

bool is_uuid(std::string_view text) {
  if (text.size() != uuid_letters) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = std::ranges::find(hyphens, i) != hyphens.end();
    if (hyphen ? text[i] != '-' : hex_digits.find(text[i]) == std::string_view::npos) return false;
  }
  return true;
}

std::string uuid_text(BytesView uuid) {
  std::string text = to_hex(uuid);
  for (const std::size_t at : hyphens) text.insert(at, 1, '-');
  return text;
}

bool is_placeholder_uuid(std::string_view uuid) {
  if (!is_uuid(uuid)) return false;
  std::string digits = ascii_lower(uuid);
  std::erase(digits, '-');
  if (all_are(digits, digits.front())) return true;
  // Nil or all FF with the version and variant that RFC 9562 wants.
  digits[version_digit] = digits[variant_digit] = digits.front();
  return all_are(digits, '0') || all_are(digits, 'f');
}

bool is_placeholder_fasc_n(std::string_view hex) {
  constexpr std::size_t size = 25;
  constexpr int start = 11, separator = 13;
  const auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != size) return false;
  if (std::ranges::all_of(*bytes, [&](auto byte) { return byte == bytes->front(); })) return true;
  const auto symbols = symbols_of(*bytes);
  if (symbols[0] != start || symbols[5] != separator || symbols[10] != separator) return false;
  const auto all = [&](std::size_t from, std::size_t to, int digit) {
    return std::all_of(symbols.begin() + static_cast<std::ptrdiff_t>(from),
                       symbols.begin() + static_cast<std::ptrdiff_t>(to),
                       [digit](int symbol) { return symbol == digit; });
  };
  const auto number_is = [&](int digit) { return all(6, 10, digit) && all(11, 17, digit); };
  return all(1, 5, 9) || number_is(0) || number_is(9);
}

std::string why_placeholder(std::string_view kind, std::string_view value) {
  constexpr std::string_view urn = "urn:uuid:";
  const std::string lower = ascii_lower(value);
  const bool urn_of_none = kind == "uri" && lower.starts_with(urn) &&
                           is_placeholder_uuid(std::string_view(lower).substr(urn.size()));
  if (urn_of_none || (kind == "card_uuid" && is_placeholder_uuid(value))) {
    return "the card UUID " + std::string(value) +
           " is a placeholder: issuers leave it on cards to which they gave no UUID, so it names no single "
           "card";
  }
  if (kind == "fasc_n" && is_placeholder_fasc_n(value)) {
    return "the FASC-N " + std::string(value) +
           " is a placeholder: many cards carry it, or the same number, so it names no single card";
  }
  return {};
}

std::string card_id_from(std::string_view issuer, std::string_view serial) {
  const std::string name =
      "cardgate card v1\n" + comparable_issuer(issuer) + "\n" + comparable_serial(serial);
  Digest digest = sha256(as_bytes(name));
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0fU) | 0x80U);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3fU) | 0x80U);
  return uuid_text(BytesView(digest).first(uuid_bytes));
}

std::string card_id_from(std::string_view issuer_serial) {
  const auto end = issuer_serial.rfind(';');
  if (end == std::string_view::npos) return {};
  const auto issuer = issuer_serial.substr(0, end);
  std::string serial = comparable_serial(issuer_serial.substr(end + 1));
  const bool named = issuer.find('=') != std::string_view::npos;
  const bool numbered = issuer_serial.find_first_of(hex_digits, end) != std::string_view::npos;
  // A negative one is against RFC 5280 4.1.2.2, but some authorities give it.
  const std::string_view magnitude = std::string_view(serial).substr(serial.starts_with('-') ? 1 : 0);
  return named && numbered && all_hex(magnitude) ? card_id_from(issuer, serial) : std::string();
}

}  // namespace cardgate
