// SPDX-License-Identifier: Apache-2.0
// The one list of claims: name, place and whether a token may lack it. Writing and reading both walk it.
#pragma once

#include "proto/token.hpp"

namespace cardgate::proto {

enum class Need : std::uint8_t { required, optional };

/// Calls visit(name, member, need) for every claim, in the order in which a token carries them (RFC
/// 9068 2.2).
template <class AnyClaims, class Visitor>
void visit_claims(AnyClaims& claims, Visitor&& visit) {
  visit("iss", claims.iss, Need::required);
  visit("sub", claims.sub, Need::required);
  visit("aud", claims.aud, Need::required);
  visit("exp", claims.exp, Need::required);
  visit("iat", claims.iat, Need::required);
  visit("nbf", claims.nbf, Need::optional);
  visit("jti", claims.jti, Need::required);
  visit("sid", claims.sid, Need::optional);
  visit("client_id", claims.client_id, Need::required);
  visit("role", claims.role, Need::optional);
  visit("scope", claims.scope, Need::optional);
  visit("records", claims.records, Need::optional);
  visit("records_of", claims.records_of, Need::optional);
  visit("acr", claims.acr, Need::optional);
  visit("amr", claims.amr, Need::optional);
  visit("auth_time", claims.auth_time, Need::optional);
  visit("revocation", claims.revocation, Need::optional);
  visit("policy", claims.policy, Need::optional);
}

}  // namespace cardgate::proto
