// SPDX-License-Identifier: Apache-2.0
// Access tokens: JWT (RFC 7519) of type at+jwt (RFC 9068), signed with Ed25519 (RFC 8037) or ECDSA on P-256 (RFC 7518 3.4), and
// the keys that check them (RFC 7517).
//
// There is one spelling of a token: three base64url parts without spare bits, a header of exactly alg, typ
// and kid, JSON without duplicate keys. So a token that was altered anywhere is another token, and is
// refused. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::proto {

/// No token is longer than this, and none that is longer is looked at.
inline constexpr std::size_t max_token_bytes = 8 * 1024;

/// What a token says. Times are seconds since 1970 (NumericDate). An empty text or list, and a zero time, is
/// left out of the token; iss, sub, aud, exp, iat, jti and client_id must be there when it is read (RFC
/// 9068 2.2).
struct Claims {
  std::string iss, sub, aud;
  std::int64_t exp = 0, iat = 0, nbf = 0;
  std::string jti;
  std::string sid;        // the session it belongs to
  std::string client_id;  // the application that asked
  std::string role, scope, records;
  /// For records team and delegated: the line managers whose staff they are, as "id", or "id@2027-02-28" with the last day.
  std::vector<std::string> records_of;
  std::string acr;
  std::vector<std::string> amr;  // RFC 8176: sc, pin, pwd
  std::string revocation;        // "good", or "cached": an answer about the card's certificate is overdue
  std::int64_t auth_time = 0;
  std::string policy;  // hash of the policy that allowed it

  bool operator==(const Claims&) const = default;
};

/// How a token is signed, and what its header calls that. Ed25519 has two names: RFC 8037's, and RFC 9864's.
enum class Algorithm : std::uint8_t { eddsa, ed25519, es256 };
/// "EdDSA", "Ed25519", "ES256".
std::string_view name(Algorithm algorithm);
/// Nothing: it is none of them.
std::optional<Algorithm> parse_algorithm(std::string_view name);

struct VerifyingKey {
  std::string kid;
  PublicKey key{};  // of ES256 the point's x
  Algorithm algorithm = Algorithm::eddsa;
  PublicKey y{};  // of ES256 alone
};

/// The RFC 7638 thumbprint of the key's JWK (RFC 8037 appendix A.3), base64url.
std::string key_id(const PublicKey& key);
/// ... of a key of any kind; its kid is not looked at.
std::string key_id(const VerifyingKey& key);

/// Signs as `algorithm` says: 64 bytes, by ES256 r and s (RFC 7518 3.4).
using Sign = std::function<Signature(BytesView message)>;
/// A compact JWS (RFC 7515 7.1). Allocates the result and nothing else. Texts must be UTF-8.
std::string issue(Algorithm algorithm, std::string_view kid, const Claims& claims, const Sign& sign);
std::string issue(const SigningKey& key, std::string_view kid, const Claims& claims);

/// Checks a signature by a key of ES256, which this room cannot.
using CheckEs256 = std::function<bool(const VerifyingKey& key, BytesView message, BytesView signature)>;
/// The claims of a token whose signature one of `keys` made. Looks at no clock. Without `es256` none by ES256 is good.
/// Errors: token_malformed (not a token of ours in form), token_signature (unknown key, or altered).
Result<Claims> check_signature(std::string_view token, std::span<const VerifyingKey> keys,
                               const CheckEs256& es256 = {});

/// What a token says that is known to be whole by other means: its signature is not looked at. Errors: token_malformed.
Result<Claims> read_claims(std::string_view token);

/// Errors: token_expired (now is at or after exp), token_not_yet_valid (now is before nbf).
Result<void> check_times(const Claims& claims, WallTime now);

/// The claims as they stand in the token, in the same order.
json::object to_json(const Claims& claims);

/// A JWK Set with the public keys.
std::string jwks(std::span<const VerifyingKey> keys);

/// The keys of a JWK Set for the algorithms above; an Ed25519 key without `alg` is EdDSA's. Keys of another type are left out (RFC 7517 5).
/// Errors: malformed (also: a private key, two keys with one kid), too_large.
Result<std::vector<VerifyingKey>> parse_jwks(std::string_view text);

}  // namespace cardgate::proto
