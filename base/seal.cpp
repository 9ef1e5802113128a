// SPDX-License-Identifier: Apache-2.0
#include "base/seal.hpp"

#include <sodium.h>

#include "base/bytes.hpp"
#include "base/crypto.hpp"

namespace cardgate {
namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(seal_key_bytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

}  // namespace

Secret new_seal_key() {
  Secret key(seal_key_bytes);
  crypto_aead_xchacha20poly1305_ietf_keygen(key.bytes().data());
  return key;
}

std::string seal(const Secret& key, const Secret& plain, std::string_view place) {
  Bytes out = random_bytes(nonce_bytes);
  out.resize(nonce_bytes + plain.size() + tag_bytes);
  const auto where = as_bytes(place);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data() + nonce_bytes, nullptr, plain.bytes().data(),
                                             plain.size(), where.data(), where.size(), nullptr, out.data(),
                                             key.bytes().data());
  return to_hex(out);
}

Result<Secret> unseal(const Secret& key, std::string_view sealed, std::string_view place) {
  const Error wrong(Errc::corrupt, "what was sealed cannot be opened");
  const auto bytes = from_hex(sealed);
  if (!bytes || bytes->size() < nonce_bytes + tag_bytes || key.size() != seal_key_bytes) return wrong;
  Secret plain(bytes->size() - nonce_bytes - tag_bytes);
  const auto where = as_bytes(place);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          plain.bytes().data(), nullptr, nullptr, bytes->data() + nonce_bytes, bytes->size() - nonce_bytes,
          where.data(), where.size(), bytes->data(), key.bytes().data()) != 0)
    return wrong;
  return plain;
}

}  // namespace cardgate
