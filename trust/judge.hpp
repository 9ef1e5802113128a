// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what each complaint of OpenSSL means under the rules. One Judge hears one
// X509_verify_cert(); it lets OpenSSL go on after a complaint, so that every one of them is heard, and a
// complaint recorded is a certificate refused, whatever OpenSSL returns in the end.
#pragma once

#include <openssl/x509_vfy.h>

#include <optional>
#include <string>
#include <vector>

#include "trust/openssl.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {

class Judge {
 public:
  Judge(const Rules& rules, WallTime at) : rules_(rules), at_(at) {}

  /// Makes this judge hear `context`; both must outlive the call of X509_verify_cert().
  void listen(X509_STORE_CTX* context);
  /// Once for each status and depth; further details are joined to the first.
  void record(Status status, int depth, X509* certificate, std::string detail);

  std::vector<Finding>& findings() { return findings_; }
  bool stale_accepted() const { return stale_accepted_; }
  bool missing_accepted() const { return missing_accepted_; }
  /// When the first of the CRLs used has to be replaced; nothing when none was used.
  std::optional<WallTime> crls_good_until() const { return crls_good_until_; }

 private:
  friend struct JudgeHooks;
  int complaint(X509_STORE_CTX* context);
  bool excused(X509_STORE_CTX* context, int error);
  bool stale_within_limit(const X509_CRL* crl) const;
  void used(X509_STORE_CTX* context, const X509_CRL* crl);

  const Rules& rules_;
  WallTime at_;
  std::vector<Finding> findings_;
  std::optional<WallTime> crls_good_until_;
  bool stale_accepted_ = false;
  bool missing_accepted_ = false;
};

/// Makes verifications on this store tell their judge which CRLs they use.
void install_hooks(X509_STORE* store);

}  // namespace cardgate::trust
