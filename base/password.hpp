// SPDX-License-Identifier: Apache-2.0
// Passwords as they are kept: Argon2id (RFC 9106) through libsodium. Each call takes the whole of `cost` and up to seconds;
// thread-safe after init_crypto().
//
// What is hashed is the bytes that were typed. SP 800-63B 5.1.1.2 suggests to normalise Unicode first (NFKC or NFKD);
// nothing that this project links can, so a password with letters that have two spellings in Unicode is only the same
// where keyboard and terminal spell them the same way.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace cardgate {

struct PasswordCost {
  std::uint64_t operations = 3;  // passes over the memory
  std::size_t memory_bytes = 64U << 20U;
  friend bool operator==(const PasswordCost&, const PasswordCost&) = default;
};
inline constexpr std::size_t least_password_memory = 8U << 20U;
inline constexpr std::size_t most_password_memory = 1U << 30U;
inline constexpr std::uint64_t most_password_operations = 16;

/// "$argon2id$v=19$m=65536,t=3,p=1$SALT$HASH". Errors: unavailable (not enough memory now).
Result<std::string> hash_password(const Secret& password, const PasswordCost& cost);

/// Whether `password` is the one that `stored` was made of. A text that is no such hash is nobody's password. Errors:
/// unavailable (not enough memory now).
Result<bool> verify_password(const std::string& stored, const Secret& password);

/// Made at another cost than this one.
bool needs_rehash(const std::string& stored, const PasswordCost& cost);

/// A hash that no password has, and that costs as much to find out as any other: for people who have none.
std::string unmatchable_hash(const PasswordCost& cost);

/// `groups` groups of four random characters with hyphens between them, 20 bits a group, from letters and digits that are
/// not taken for one another (Crockford's base 32: no I, L, O and U).
Secret random_code(std::size_t groups);
/// As random_code() wrote it, whatever was typed for it: either case, with or without hyphens and spaces, O for 0, I and L
/// for 1. Empty when it cannot be such a code.
Secret normal_code(const Secret& typed);

}  // namespace cardgate
