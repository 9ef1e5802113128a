// SPDX-License-Identifier: Apache-2.0
// Reading a token: form first, then the signature, and only then what it says.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "proto/token.hpp"
#include "proto/token_claims.hpp"

namespace cardgate::proto {
namespace {

Error malformed(std::string_view what) {
  return {Errc::token_malformed, fmt::format("the token {}", what)};
}

/// header.payload.signature, and no other number of parts.
Result<std::array<std::string_view, 3>> split(std::string_view token) {
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return malformed("does not have three parts");
  }
  return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1),
                    token.substr(second + 1)};
}

Result<json::object> parse_part(std::string_view part, std::string_view part_name) {
  const auto bytes = from_base64url(part);
  if (!bytes) return malformed(fmt::format("has a {} that is not base64url", part_name));
  auto value = parse_json(as_text(*bytes), max_token_bytes);
  if (!value || !value->is_object())
    return malformed(fmt::format("has a {} that is not a JSON object", part_name));
  return std::move(value->as_object());
}

struct Header {
  Algorithm algorithm = Algorithm::eddsa;
  std::string kid;
};

/// A header that says exactly what ours do; a member we do not know (crit, jku, x5c...) could change what the
/// signature means.
Result<Header> check_header(std::string_view part) {
  const auto header = TRY(parse_part(part, "header"));
  const auto* alg = find_string(header, "alg");
  const auto* typ = find_string(header, "typ");
  const auto* kid = find_string(header, "kid");
  const auto algorithm = alg == nullptr ? std::nullopt : parse_algorithm(*alg);
  if (!algorithm) return malformed("is not signed with EdDSA, Ed25519 or ES256");
  if (typ == nullptr || *typ != "at+jwt") return malformed("is not of type at+jwt");
  if (kid == nullptr || kid->empty()) return malformed("does not name its key");
  if (header.size() != 3) return malformed("has a header with unknown members");
  return Header{*algorithm, std::string(*kid)};
}

/// Takes each claim from the object; the first that is missing or of a wrong type stays in `wrong`.
struct ClaimsReader {
  const json::object& from;
  std::string_view wrong{};

  void operator()(std::string_view name, std::string& to, Need need) {
    const auto* value = from.if_contains(name);
    if (value == nullptr && need == Need::optional) return;
    const auto* text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr || text->empty()) return fail(name);
    to.assign(text->data(), text->size());
  }
  void operator()(std::string_view name, std::int64_t& to, Need need) {
    const auto* value = from.if_contains(name);
    if (value == nullptr && need == Need::optional) return;
    const auto* number = value == nullptr ? nullptr : value->if_int64();
    if (number == nullptr || *number <= 0) return fail(name);
    to = *number;
  }
  void operator()(std::string_view name, std::vector<std::string>& to, Need) {
    const auto* value = from.if_contains(name);
    if (value == nullptr) return;
    const auto* list = value->if_array();
    if (list == nullptr) return fail(name);
    for (const auto& item : *list) {
      const auto* text = item.if_string();
      if (text == nullptr) return fail(name);
      to.emplace_back(*text);
    }
  }
  void fail(std::string_view name) {
    if (wrong.empty()) wrong = name;
  }
};

Result<Claims> claims_of(std::string_view part) {
  const auto payload = TRY(parse_part(part, "payload"));
  Claims claims;
  ClaimsReader reader{payload};
  visit_claims(claims, reader);
  if (!reader.wrong.empty()) return malformed(fmt::format("has no usable claim \"{}\"", reader.wrong));
  return claims;
}

}  // namespace

Result<Claims> read_claims(std::string_view token) {
  if (token.size() > max_token_bytes) return malformed("is too long");
  const auto parts = TRY(split(token));
  return claims_of(parts[1]);
}

Result<Claims> check_signature(std::string_view token, std::span<const VerifyingKey> keys,
                               const CheckEs256& es256) {
  if (token.size() > max_token_bytes) return malformed("is too long");
  const auto parts = TRY(split(token));
  const auto header = TRY(check_header(parts[0]));
  const auto signature = from_base64url(parts[2]);
  if (!signature || signature->size() != std::tuple_size_v<Signature>)
    return malformed("has no signature of 64 bytes");

  const auto key = std::ranges::find(keys, header.kid, &VerifyingKey::kid);
  // A key is for one algorithm: the header does not choose (RFC 8725 3.1).
  if (key == keys.end() || key->algorithm != header.algorithm)
    return Error{Errc::token_signature, "the token was signed by a key that is not known here"};
  const auto signed_part = token.substr(0, parts[0].size() + 1 + parts[1].size());
  const bool good = key->algorithm == Algorithm::es256
                        ? es256 && es256(*key, as_bytes(signed_part), *signature)
                        : verify(key->key, as_bytes(signed_part), *signature);
  if (!good) {
    return Error{Errc::token_signature, "the token was altered, or signed by another key"};
  }
  return claims_of(parts[1]);
}

Result<void> check_times(const Claims& claims, WallTime now) {
  const auto seconds_now = to_unix_seconds(now);
  if (seconds_now >= claims.exp) return Error{Errc::token_expired, "the token has expired"};
  if (seconds_now < claims.nbf) return Error{Errc::token_not_yet_valid, "the token is not valid yet"};
  return {};
}

}  // namespace cardgate::proto
