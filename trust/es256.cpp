// SPDX-License-Identifier: Apache-2.0
#include "trust/es256.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <stdexcept>

#include "trust/openssl.hpp"

namespace cardgate::trust {
namespace {

using NumberPtr = std::unique_ptr<BIGNUM, Releases<BN_clear_free>>;
using GroupPtr = std::unique_ptr<EC_GROUP, Releases<EC_GROUP_free>>;
using PointPtr = std::unique_ptr<EC_POINT, Releases<EC_POINT_free>>;
using EcdsaPtr = std::unique_ptr<ECDSA_SIG, Releases<ECDSA_SIG_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Releases<EVP_PKEY_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Releases<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Releases<OSSL_PARAM_free>>;

constexpr std::size_t coordinate = 32;
constexpr char curve[] = "prime256v1";

/// OpenSSL's own memory for secrets, which is never swapped; without it they are in ordinary memory.
void begin_secure_memory() {
  static const int begun = CRYPTO_secure_malloc_init(65536, 16);
  (void)begun;
}

Error cannot(const char* what) {
  return {Errc::internal, std::string(what) + ": " + take_openssl_error()};
}

/// The point uncompressed (SEC 1 2.3.3).
std::array<std::uint8_t, 1 + 2 * coordinate> octets_of(const Es256Point& point) {
  std::array<std::uint8_t, 1 + 2 * coordinate> out{};
  out[0] = 4;
  std::ranges::copy(point.x, out.begin() + 1);
  std::ranges::copy(point.y, out.begin() + 1 + coordinate);
  return out;
}

/// `secret` may be nullptr: the public half alone.
Result<KeyPtr> make_key(const Es256Point& point, const BIGNUM* secret) {
  const auto octets = octets_of(point);
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, octets.data(),
                                       octets.size()) != 1 ||
      (secret != nullptr && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret) != 1)) {
    return cannot("a P-256 key");
  }
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, secret == nullptr ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                        params.get()) != 1) {
    return cannot("a P-256 key");
  }
  return KeyPtr(key);
}

/// The secret number: the first hash of the seed that is one of the curve's, which nearly each is (FIPS 186-5 A.2.2).
Result<NumberPtr> number_of(BytesView seed, const EC_GROUP* group) {
  for (std::uint8_t attempt = 0; attempt < 16; ++attempt) {
    const std::array<std::uint8_t, 1> round{attempt};
    Digest digest = blake2b_keyed(seed, round);
    NumberPtr number(BN_secure_new());
    const bool read =
        number && BN_bin2bn(digest.data(), static_cast<int>(digest.size()), number.get()) != nullptr;
    wipe(digest.data(), digest.size());
    if (!read) return cannot("a P-256 key");
    if (!BN_is_zero(number.get()) && BN_cmp(number.get(), EC_GROUP_get0_order(group)) < 0) return number;
  }
  return Error{Errc::internal, "a P-256 key: no number of the curve came out"};
}

}  // namespace

struct Es256Key::State {
  KeyPtr key;
  KeyContextPtr signing;  // copied for each signature: making one anew looks the algorithm up each time
};

Result<Es256Key> Es256Key::from_seed(BytesView seed) {
  if (seed.size() != 32) return Error{Errc::invalid_argument, "a P-256 key is made of 32 bytes"};
  begin_secure_memory();
  const GroupPtr group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  if (!group) return cannot("P-256");
  const NumberPtr secret = TRY(number_of(seed, group.get()));
  const PointPtr public_point(EC_POINT_new(group.get()));
  const NumberPtr x(BN_new());
  const NumberPtr y(BN_new());
  Es256Point point;
  if (!public_point || !x || !y ||
      EC_POINT_mul(group.get(), public_point.get(), secret.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_get_affine_coordinates(group.get(), public_point.get(), x.get(), y.get(), nullptr) != 1 ||
      BN_bn2binpad(x.get(), point.x.data(), coordinate) != coordinate ||
      BN_bn2binpad(y.get(), point.y.data(), coordinate) != coordinate) {
    return cannot("a P-256 key");
  }
  auto state = std::make_shared<State>();
  state->key = TRY(make_key(point, secret.get()));
  state->signing.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, state->key.get(), nullptr));
  if (!state->signing || EVP_PKEY_sign_init(state->signing.get()) != 1) return cannot("a P-256 key");
  return Es256Key(std::move(state), point);
}

Signature Es256Key::sign(BytesView message) const {
  const Digest digest = sha256(message);
  const KeyContextPtr context(EVP_PKEY_CTX_dup(state_->signing.get()));
  std::array<std::uint8_t, 80> der{};
  std::size_t size = der.size();
  if (!context || EVP_PKEY_sign(context.get(), der.data(), &size, digest.data(), digest.size()) != 1)
    throw std::runtime_error("signing by ES256: " + take_openssl_error());
  const unsigned char* at = der.data();
  const EcdsaPtr taken(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  Signature out{};
  if (!taken || BN_bn2binpad(ECDSA_SIG_get0_r(taken.get()), out.data(), coordinate) != coordinate ||
      BN_bn2binpad(ECDSA_SIG_get0_s(taken.get()), out.data() + coordinate, coordinate) != coordinate)
    throw std::runtime_error("signing by ES256: " + take_openssl_error());
  return out;
}

bool verify_es256(const Es256Point& point, BytesView message, BytesView signature) {
  if (signature.size() != 2 * coordinate) return false;
  const auto key = make_key(point, nullptr);
  const EcdsaPtr given(ECDSA_SIG_new());
  NumberPtr r(BN_bin2bn(signature.data(), coordinate, nullptr));
  NumberPtr s(BN_bin2bn(signature.data() + coordinate, coordinate, nullptr));
  bool good = false;
  if (key && given && r && s && ECDSA_SIG_set0(given.get(), r.get(), s.get()) == 1) {
    (void)r.release();  // the signature owns them now
    (void)s.release();
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(given.get(), &der);
    const Digest digest = sha256(message);
    const KeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key->get(), nullptr));
    good = size > 0 && context && EVP_PKEY_verify_init(context.get()) == 1 &&
           EVP_PKEY_verify(context.get(), der, static_cast<std::size_t>(size), digest.data(),
                           digest.size()) == 1;
    OPENSSL_free(der);
  }
  ERR_clear_error();
  return good;
}

}  // namespace cardgate::trust
