// SPDX-License-Identifier: Apache-2.0
#include "base/crypto.hpp"

#include <sodium.h>

#include <algorithm>

namespace cardgate {

Digest blake2b(BytesView data) {
  return blake2b(data, {});
}

Digest blake2b(BytesView a, BytesView b) {
  Digest out{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  crypto_generichash_update(&state, a.data(), a.size());
  crypto_generichash_update(&state, b.data(), b.size());
  crypto_generichash_final(&state, out.data(), out.size());
  return out;
}

Digest blake2b_keyed(BytesView key, BytesView data) {
  Digest out{};
  crypto_generichash(out.data(), out.size(), data.data(), data.size(), key.data(), key.size());
  return out;
}

Digest sha256(BytesView data) {
  Digest out{};
  crypto_hash_sha256(out.data(), data.data(), data.size());
  return out;
}

Bytes random_bytes(std::size_t count) {
  Bytes out(count);
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string random_id() {
  return to_base64url(random_bytes(16));
}

bool equal_constant_time(BytesView a, BytesView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

SigningKey SigningKey::generate() {
  SigningKey key;
  key.secret_ = Secret(crypto_sign_SECRETKEYBYTES);
  crypto_sign_keypair(key.public_.data(), key.secret_.bytes().data());
  return key;
}

Result<SigningKey> SigningKey::from_seed(BytesView seed) {
  if (seed.size() != crypto_sign_SEEDBYTES)
    return Error{Errc::invalid_argument, "an Ed25519 seed has 32 bytes"};
  SigningKey key;
  key.secret_ = Secret(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(key.public_.data(), key.secret_.bytes().data(), seed.data());
  return key;
}

Signature SigningKey::sign(BytesView message) const {
  Signature out{};
  crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), secret_.bytes().data());
  return out;
}

Secret SigningKey::seed() const {
  Secret out(crypto_sign_SEEDBYTES);
  crypto_sign_ed25519_sk_to_seed(out.bytes().data(), secret_.bytes().data());
  return out;
}

bool verify(const PublicKey& key, BytesView message, BytesView signature) {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
}

}  // namespace cardgate
