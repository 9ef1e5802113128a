// SPDX-License-Identifier: Apache-2.0
#include "register/normal.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/unicode.hpp"

namespace cardgate::reg {
namespace {

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
}

}  // namespace

bool is_identity_kind(std::string_view kind) {
  constexpr std::string_view subject = "subject:";
  if (kind.starts_with(subject)) {
    const auto field = kind.substr(subject.size());
    return !field.empty() && field.size() <= 64 && std::ranges::all_of(field, is_word);
  }
  return kind == "upn" || kind == "email" || kind == "uri" || kind == "issuer_serial" || kind == "fasc_n" ||
         kind == "ski";
}

std::string normal_identity(std::string_view kind, std::string_view value) {
  const bool any_case =
      kind == "card_uuid" || kind == "upn" || kind == "email" || kind == "fasc_n" || kind == "ski";
  if (any_case) return ascii_lower(value);
  // Only the serial number behind the issuer's name is hex.
  const auto serial = kind == "issuer_serial" ? value.rfind(';') : std::string_view::npos;
  if (serial == std::string_view::npos) return std::string(value);
  return std::string(value.substr(0, serial)) + ascii_lower(value.substr(serial));
}

std::string normal_username(std::string_view username) {
  return key_text(username);
}

}  // namespace cardgate::reg
