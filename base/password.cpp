// SPDX-License-Identifier: Apache-2.0
#include "base/password.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <optional>
#include <string_view>

#include "base/crypto.hpp"

namespace cardgate {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t group_length = 4;
constexpr std::size_t longest_code = 64;

/// Nothing for what separates, '\0' for what no code has.
std::optional<char> code_character(char c) {
  if (c == '-' || c == ' ') return std::nullopt;
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') return '0';
  if (c == 'I' || c == 'L') return '1';
  return alphabet.find(c) == std::string_view::npos ? '\0' : c;
}

std::string base64_without_padding(BytesView bytes) {
  std::string text = to_base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

}  // namespace

Result<std::string> hash_password(const Secret& password, const PasswordCost& cost) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), password.text().data(), password.size(), cost.operations,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Error{Errc::unavailable, "there is not enough memory to hash a password"};
  }
  return std::string(out.data());
}

bool verify_password(const std::string& stored, const Secret& password) {
  if (stored.size() >= crypto_pwhash_STRBYTES) return false;
  return crypto_pwhash_str_verify(stored.c_str(), password.text().data(), password.size()) == 0;
}

bool needs_rehash(const std::string& stored, const PasswordCost& cost) {
  if (stored.size() >= crypto_pwhash_STRBYTES) return true;
  return crypto_pwhash_str_needs_rehash(stored.c_str(), cost.operations, cost.memory_bytes) != 0;
}

std::string unmatchable_hash(const PasswordCost& cost) {
  // The result is checked only after all the work, and random bytes are no password's result.
  return fmt::format("$argon2id$v=19$m={},t={},p=1${}${}", cost.memory_bytes / 1024, cost.operations,
                     base64_without_padding(random_bytes(crypto_pwhash_SALTBYTES)),
                     base64_without_padding(random_bytes(32)));
}

Secret random_code(std::size_t groups) {
  Secret out(groups * (group_length + 1) - 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool separator = i % (group_length + 1) == group_length;
    out.bytes()[i] = static_cast<std::uint8_t>(
        separator ? '-' : alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))]);
  }
  return out;
}

Secret normal_code(const Secret& typed) {
  if (typed.size() > longest_code) return {};
  std::size_t characters = 0;
  for (const char c : typed.text()) {
    const auto read = code_character(c);
    if (read == '\0') return {};
    if (read) ++characters;
  }
  if (characters == 0 || characters % group_length != 0) return {};
  Secret out(characters / group_length * (group_length + 1) - 1);
  std::size_t at = 0;
  for (const char c : typed.text()) {
    const auto read = code_character(c);
    if (!read) continue;
    if (at % (group_length + 1) == group_length) out.bytes()[at++] = '-';
    out.bytes()[at++] = static_cast<std::uint8_t>(*read);
  }
  return out;
}

}  // namespace cardgate
