// SPDX-License-Identifier: Apache-2.0
// The outcome of a validation: data, not an error. A certificate is good when nothing speaks against it, and
// everything that does is listed, worst first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::trust {

/// Ordered worst first.
enum class Status : std::uint8_t {
  revoked,
  bad_signature,
  untrusted_issuer,  // the path ends at a self-signed certificate that is not an anchor
  incomplete_chain,  // an issuer's certificate is not known
  malformed,
  unknown_critical_extension,
  not_a_ca,  // a certificate of the path may not issue certificates
  path_too_long,
  name_constraint,
  policy_unmet,
  expired,
  not_yet_valid,
  wrong_key_usage,
  wrong_extended_key_usage,
  weak_key,
  weak_signature,
  crl_missing,
  crl_stale,
  crl_invalid,
  ocsp_unknown,  // the responder does not know the certificate
  ocsp_invalid,
  internal,  // the check itself could not be carried out
};
inline constexpr Status last_status = Status::internal;

/// The stable, lower-case name (`crl_stale`), for logs and JSON.
std::string_view name(Status status);
/// Plain English for people: what happened, and what to do next.
std::string_view explain(Status status);

struct Finding {
  Status status = Status::internal;
  int depth = 0;        // 0 is the leaf, 1 its issuer...; for a CRL, the certificate that it speaks of
  std::string subject;  // of the certificate at that depth, RFC 4514
  std::string detail;   // for the one who administers, may be empty
};

/// The same for what was found, which may be about the certificate of an authority: then the card need not be
/// at fault.
std::string_view explain(const Finding& finding);

/// How one certificate was found not to be revoked.
struct RevocationProof {
  std::string by;          // "ocsp" or "crl"; empty: it was not
  WallTime fresh_until{};  // nextUpdate, of the one that lives longer when there are both
  WallTime refresh_at{};   // from then on a newer answer is worth asking for
};

struct Verdict {
  bool valid = false;
  std::vector<Finding> findings;  // worst first, then leaf first; empty exactly when valid
  /// When valid: the end of it, the first of the path's notAfter, whose second still counts, and its answers'
  /// nextUpdate with the delay that the rules allow.
  WallTime good_until{};
  std::vector<std::string> chain;  // subjects, leaf first; as far as it could be built
  /// "good": every answer is within its nextUpdate; "cached": one is past it, and the rules allow it;
  /// "unchecked"; "revoked".
  std::string revocation = "unchecked";
  milliseconds late{0};                 // how far the most overdue answer is past its nextUpdate; 0 when good
  WallTime fresh_until{};               // when the first answer becomes overdue; when valid
  WallTime refresh_at{};                // from then on it is worth asking for newer answers; when valid
  std::vector<RevocationProof> proofs;  // for each certificate of the chain but the anchor
};

}  // namespace cardgate::trust
