// SPDX-License-Identifier: Apache-2.0
#include "register/enrolment.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace cardgate::reg {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t start_length = 4;

bool is_letter(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::string new_enrolment_key() {
  return to_hex(random_bytes(key_bytes));
}

std::optional<std::string> ni_start_of(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != ' ') plain.push_back(upper(c));
  }
  // Two letters and two digits; whole: six digits, and a letter that some records lack.
  const bool whole = plain.size() == 8 || (plain.size() == 9 && is_letter(plain.back()));
  if (plain.size() != start_length && !whole) return std::nullopt;
  const auto digits_end = std::min<std::size_t>(plain.size(), 8);
  for (std::size_t i = 0; i < digits_end; ++i) {
    if (i < 2 ? !is_letter(plain[i]) : !is_digit(plain[i])) return std::nullopt;
  }
  plain.resize(start_length);
  return plain;
}

std::string enrolment_digest(std::string_view key, Date born, std::string_view ni_start) {
  const auto bytes = from_hex(key);
  if (!bytes || bytes->size() != key_bytes) return {};
  std::string both = to_text(born) + '\n';
  for (const char c : ni_start.substr(0, start_length)) both.push_back(upper(c));
  return to_hex(blake2b_keyed(*bytes, as_bytes(both)));
}

}  // namespace cardgate::reg
