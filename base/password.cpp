// SPDX-License-Identifier: Apache-2.0
#include "base/password.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/crypto.hpp"
#include "base/number.hpp"

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

struct Stored {
  PasswordCost cost;
  std::array<std::uint8_t, crypto_pwhash_SALTBYTES> salt{};
  std::array<std::uint8_t, 32> hash{};
};

/// An empty Secret has no memory, and libsodium takes no null pointer.
const char* characters_of(const Secret& password) {
  return password.empty() ? "" : password.text().data();
}

/// Takes `ending` and what stands before it off the front of `text`; nothing when it is not there.
std::optional<std::string_view> take_until(std::string_view& text, std::string_view ending) {
  const auto at = text.find(ending);
  if (at == std::string_view::npos) return std::nullopt;
  const auto front = text.substr(0, at);
  text.remove_prefix(at + ending.size());
  return front;
}

bool read_number(std::optional<std::string_view> text, std::uint64_t most, std::uint64_t& to) {
  const auto number = text ? whole_number<std::uint64_t>(*text) : std::nullopt;
  to = number.value_or(0);
  return to >= 1 && to <= most;
}

bool read_base64(std::optional<std::string_view> text, std::span<std::uint8_t> to) {
  std::size_t size = 0;
  return text &&
         sodium_base642bin(to.data(), to.size(), text->data(), text->size(), nullptr, &size, nullptr,
                           sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
         size == to.size();
}

/// As hash_password() writes it, and nothing else.
std::optional<Stored> parse(std::string_view text) {
  Stored out;
  std::uint64_t kibibytes = 0;
  const auto nothing = take_until(text, "$argon2id$v=19$m=");
  if (!nothing || !nothing->empty()) return std::nullopt;
  const bool good = read_number(take_until(text, ",t="), crypto_pwhash_MEMLIMIT_MAX / 1024, kibibytes) &&
                    read_number(take_until(text, ",p=1$"), crypto_pwhash_OPSLIMIT_MAX, out.cost.operations) &&
                    read_base64(take_until(text, "$"), out.salt) && read_base64(text, out.hash);
  if (!good) return std::nullopt;
  out.cost.memory_bytes = kibibytes * 1024;
  return out;
}

Error no_memory() {
  return {Errc::unavailable, "there is not enough memory to hash a password"};
}

std::string base64_without_padding(BytesView bytes) {
  std::string text = to_base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

}  // namespace

Result<std::string> hash_password(const Secret& password, const PasswordCost& cost) {
  std::array<char, crypto_pwhash_STRBYTES> out{};
  if (crypto_pwhash_str_alg(out.data(), characters_of(password), password.size(), cost.operations,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return no_memory();
  }
  return std::string(out.data());
}

// Not crypto_pwhash_str_verify(), which calls a lack of memory a wrong password: that would count against the person.
Result<bool> verify_password(const std::string& stored, const Secret& password) {
  const auto made = parse(stored);
  if (!made) return false;
  Secret again(made->hash.size());
  if (crypto_pwhash(again.bytes().data(), again.size(), characters_of(password), password.size(),
                    made->salt.data(), made->cost.operations, made->cost.memory_bytes,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return no_memory();
  }
  return equal_constant_time(again.bytes(), made->hash);
}

bool needs_rehash(const std::string& stored, const PasswordCost& cost) {
  const auto made = parse(stored);
  return !made || !(made->cost == cost);
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
