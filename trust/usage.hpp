// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what a certificate may be used for (RFC 5280 4.2.1.3, 4.2.1.12).
// Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "trust/openssl.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {

using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Releases<ASN1_OBJECT_free>>;

/// A name as in Rules, or a dotted OID. Errors: invalid_argument.
Result<ObjectPtr> usage_object(std::string_view text);
/// A dotted OID. Errors: invalid_argument.
Result<ObjectPtr> dotted_object(std::string_view text);

/// Why the leaf's key usage does not suit; empty when it does.
std::string key_usage_mismatch(X509* leaf, Purpose purpose);

struct UsageMismatch {
  int depth = 0;
  std::string detail;
};
/// Which certificates of the chain (leaf first; the anchor is not asked) do not allow the extended key usage.
/// An issuer that lists usages restricts what stands below it, and one usage must pass the whole chain.
std::vector<UsageMismatch> extended_key_usage_mismatches(const std::vector<X509*>& chain, const Rules& rules);

}  // namespace cardgate::trust
