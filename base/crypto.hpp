// SPDX-License-Identifier: Apache-2.0
// Hashing, Ed25519 signing and randomness (libsodium). Thread-safe after init_crypto().
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace cardgate {

using Digest = std::array<std::uint8_t, 32>;

/// BLAKE2b-256 (RFC 7693).
Digest blake2b(BytesView data);
/// BLAKE2b-256 of a || b without joining them.
Digest blake2b(BytesView a, BytesView b);
/// BLAKE2b-256 keyed with 16 to 64 bytes: nobody without the key can try out what `data` was.
Digest blake2b_keyed(BytesView key, BytesView data);
Digest sha256(BytesView data);

Bytes random_bytes(std::size_t count);
/// 128 random bits as 22 base64url characters: session ids, token ids.
std::string random_id();

/// Equal contents, in a time that depends on the length only.
bool equal_constant_time(BytesView a, BytesView b);

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// An Ed25519 key pair (RFC 8032); the private half lives in a Secret.
class SigningKey {
 public:
  static SigningKey generate();
  /// From its 32-byte seed. Errors: invalid_argument.
  static Result<SigningKey> from_seed(BytesView seed);

  const PublicKey& public_key() const { return public_; }
  Signature sign(BytesView message) const;
  /// The 32-byte seed, for storing.
  Secret seed() const;

 private:
  SigningKey() = default;
  PublicKey public_{};
  Secret secret_;  // libsodium's 64-byte form: seed || public key
};

bool verify(const PublicKey& key, BytesView message, BytesView signature);

}  // namespace cardgate
