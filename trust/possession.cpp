// SPDX-License-Identifier: Apache-2.0
#include "trust/possession.hpp"

#include <algorithm>
#include <array>

#include "trust/key.hpp"
#include "trust/openssl.hpp"

namespace cardgate::trust {

namespace {

constexpr std::string_view domain{"cardgate sign-in v1\0", 20};

/// DigestInfo of SHA-256 up to the hash itself (RFC 8017 9.2, note 1).
constexpr std::array<std::uint8_t, 19> sha256_info{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

void append_with_length(Bytes& out, BytesView part) {
  const auto size = static_cast<std::uint32_t>(part.size());
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(size >> shift));
  out.insert(out.end(), part.begin(), part.end());
}

Result<Bytes> hash(const EVP_MD* method, BytesView message) {
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned int size = 0;
  if (EVP_Digest(message.data(), message.size(), digest.data(), &size, method, nullptr) != 1) {
    return Error{Errc::internal, "hashing: " + take_openssl_error()};
  }
  digest.resize(size);
  return digest;
}

Result<Bytes> pkcs1_block(std::size_t modulus_bytes, BytesView message) {
  const Bytes digest = TRY(hash(EVP_sha256(), message));
  Bytes block(modulus_bytes, 0xff);
  block[0] = 0x00;
  block[1] = 0x01;
  const std::size_t tail = sha256_info.size() + digest.size();
  block[modulus_bytes - tail - 1] = 0x00;
  auto at = block.end() - static_cast<std::ptrdiff_t>(tail);
  at = std::ranges::copy(sha256_info, at).out;
  std::ranges::copy(digest, at);
  return block;
}

Error unsupported() {
  return {Errc::key_unsupported, "the certificate's key is none of RSA 2048, 3072, 4096, P-256 and P-384"};
}

}  // namespace

Bytes challenge_message(BytesView nonce32, std::string_view host, std::string_view sign_in_id) {
  Bytes message(domain.begin(), domain.end());
  append_with_length(message, nonce32);
  append_with_length(message, as_bytes(host));
  append_with_length(message, as_bytes(sign_in_id));
  return message;
}

Result<Bytes> block_to_sign(KeyKind kind, BytesView message) {
  switch (kind) {
    case KeyKind::rsa2048:
      return pkcs1_block(256, message);
    case KeyKind::rsa3072:
      return pkcs1_block(384, message);
    case KeyKind::rsa4096:
      return pkcs1_block(512, message);
    case KeyKind::p256:
      return hash(EVP_sha256(), message);
    case KeyKind::p384:
      return hash(EVP_sha384(), message);
    case KeyKind::other:
      break;
  }
  return unsupported();
}

Result<void> verify_possession(BytesView leaf_der, BytesView message, BytesView signature) {
  const X509Ptr leaf = TRY(parse_certificate(leaf_der));
  EVP_PKEY* key = X509_get0_pubkey(leaf.get());
  const KeyKind kind = key_kind(key);
  if (kind == KeyKind::other) return unsupported();
  using MdContextPtr = std::unique_ptr<EVP_MD_CTX, Releases<EVP_MD_CTX_free>>;
  const MdContextPtr context{EVP_MD_CTX_new()};
  const EVP_MD* method = kind == KeyKind::p384 ? EVP_sha384() : EVP_sha256();
  ERR_clear_error();
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, method, nullptr, key) != 1) {
    return Error{Errc::internal, "checking the card's signature: " + take_openssl_error()};
  }
  const int outcome =
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size());
  ERR_clear_error();
  if (outcome == 1) return {};
  return Error{Errc::signature_invalid, "the card did not sign with the key of its certificate"};
}

}  // namespace cardgate::trust
