// SPDX-License-Identifier: Apache-2.0
// Public keys as JSON Web Keys: RFC 7517, RFC 8037 2, RFC 7638.
#include <fmt/format.h>

#include <algorithm>

#include "proto/token.hpp"

namespace cardgate::proto {
namespace {

constexpr std::size_t max_jwks_bytes = 64 * 1024;
constexpr std::size_t max_keys = 64;

Error malformed(std::size_t index, std::string_view what) {
  return {Errc::malformed, fmt::format("JWK Set: key {} {}", index + 1, what)};
}

bool says(const json::object& jwk, std::string_view member, std::string_view value) {
  const auto* text = find_string(jwk, member);
  return text != nullptr && *text == value;
}

bool read_coordinate(const json::object& jwk, std::string_view member, PublicKey& to) {
  const auto* text = find_string(jwk, member);
  const auto bytes = text == nullptr ? Result<Bytes>(Error{Errc::malformed, {}}) : from_base64url(*text);
  if (!bytes || bytes->size() != to.size()) return false;
  std::ranges::copy(*bytes, to.begin());
  return true;
}

Result<VerifyingKey> parse_key(const json::object& jwk, std::size_t index) {
  if (jwk.contains("d")) return malformed(index, "holds a private key");
  VerifyingKey out;
  const bool on_p256 = says(jwk, "kty", "EC");
  out.algorithm = on_p256 ? Algorithm::es256 : Algorithm::eddsa;
  if (jwk.contains("alg")) {
    const auto* alg = find_string(jwk, "alg");
    const auto algorithm = alg == nullptr ? std::nullopt : parse_algorithm(*alg);
    if (!algorithm || (*algorithm == Algorithm::es256) != on_p256)
      return malformed(index, "has an alg that its kind of key does not have");
    out.algorithm = *algorithm;
  }
  if (jwk.contains("use") && !says(jwk, "use", "sig")) return malformed(index, "is not for signatures");
  const auto* kid = find_string(jwk, "kid");
  if (kid == nullptr || kid->empty()) return malformed(index, "has no kid");
  if (!jwk.contains("x")) return malformed(index, "has no x");
  if (!read_coordinate(jwk, "x", out.key))
    return malformed(index, "has an x that is not 32 bytes of base64url");
  if (on_p256 && !read_coordinate(jwk, "y", out.y))
    return malformed(index, "has no y of 32 bytes of base64url");
  out.kid = std::string(*kid);
  return out;
}

}  // namespace

std::string key_id(const VerifyingKey& key) {
  // RFC 7638 3: the required members in lexicographic order, without white space.
  const auto canonical =
      key.algorithm == Algorithm::es256
          ? fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", to_base64url(key.key),
                        to_base64url(key.y))
          : fmt::format(R"({{"crv":"Ed25519","kty":"OKP","x":"{}"}})", to_base64url(key.key));
  return to_base64url(sha256(as_bytes(canonical)));
}

std::string key_id(const PublicKey& key) {
  return key_id(VerifyingKey{{}, key});
}

std::string jwks(std::span<const VerifyingKey> keys) {
  json::array list;
  for (const auto& key : keys) {
    json::object jwk;
    if (key.algorithm == Algorithm::es256) {
      jwk = {{"kty", "EC"}, {"crv", "P-256"}, {"x", to_base64url(key.key)}, {"y", to_base64url(key.y)}};
    } else {
      jwk = {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", to_base64url(key.key)}};
    }
    jwk["kid"] = key.kid;
    jwk["use"] = "sig";
    jwk["alg"] = name(key.algorithm);
    list.push_back(std::move(jwk));
  }
  return json::serialize(json::object{{"keys", std::move(list)}});
}

Result<std::vector<VerifyingKey>> parse_jwks(std::string_view text) {
  const auto document = TRY(parse_json(text, max_jwks_bytes));
  const auto* root = document.if_object();
  const auto* list = root == nullptr ? nullptr : find_array(*root, "keys");
  if (list == nullptr) return Error{Errc::malformed, "JWK Set: no list named \"keys\""};
  if (list->size() > max_keys)
    return Error{Errc::too_large, fmt::format("JWK Set: more than {} keys", max_keys)};
  std::vector<VerifyingKey> out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* jwk = (*list)[i].if_object();
    if (jwk == nullptr || find_string(*jwk, "kty") == nullptr) return malformed(i, "is not a JWK");
    const bool known = (says(*jwk, "kty", "OKP") && says(*jwk, "crv", "Ed25519")) ||
                       (says(*jwk, "kty", "EC") && says(*jwk, "crv", "P-256"));
    if (!known) continue;
    auto key = TRY(parse_key(*jwk, i));
    if (std::ranges::find(out, key.kid, &VerifyingKey::kid) != out.end())
      return malformed(i, "has the kid of another key");
    out.push_back(std::move(key));
  }
  return out;
}

}  // namespace cardgate::proto
