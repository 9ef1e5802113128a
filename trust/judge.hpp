// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what each complaint of OpenSSL means under the rules. One Judge hears one
// X509_verify_cert(); it lets OpenSSL go on after a complaint, so that every one of them is heard, and a
// complaint recorded is a certificate refused, whatever OpenSSL returns in the end.
#pragma once

#include <openssl/x509_vfy.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "trust/lists.hpp"
#include "trust/ocsp.hpp"
#include "trust/openssl.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {

class Judge {
 public:
  /// `ocsp`: what OCSP answers say of each certificate of the path, leaf first. `lists`: the CRLs; must outlive
  /// this.
  Judge(const Rules& rules, WallTime at, std::vector<OcspFinding> ocsp, const ListsOfPath& lists)
      : rules_(rules), at_(at), ocsp_(std::move(ocsp)), lists_(lists) {}

  /// Makes this judge hear `context`; both must outlive the call of X509_verify_cert().
  void listen(X509_STORE_CTX* context);
  /// Once for each status and depth; further details are joined to the first.
  void record(Status status, int depth, X509* certificate, std::string detail);

  std::vector<Finding>& findings() { return findings_; }
  /// How the certificate at `depth` was found not to be revoked.
  RevocationProof proof(int depth) const;
  /// What CRLs say against the certificates of `chain`, and why some of them were not used.
  void judge_lists(const std::vector<X509*>& chain);
  /// What OCSP says against the certificates of `chain`, where no CRL speaks for them.
  void judge_ocsp_answers(const std::vector<X509*>& chain);

 private:
  friend struct JudgeHooks;
  struct ByCrl {
    bool failed = false;  // a CRL is missing or not good, and OCSP excused it
    std::optional<WallTime> until, refresh_at;
  };

  int complaint(X509_STORE_CTX* context);
  bool excused(X509_STORE_CTX* context, int error);
  bool good_by_ocsp(int depth) const;
  bool stale_within_limit(const X509_CRL* crl) const;
  void used(X509_STORE_CTX* context, const X509_CRL* crl);
  /// In the place of OpenSSL's cert_crl: 0 refused, 1 goes on.
  int look_up(X509_STORE_CTX* context, X509_CRL* crl, X509* certificate);

  const Rules& rules_;
  WallTime at_;
  std::vector<OcspFinding> ocsp_;
  const ListsOfPath& lists_;
  std::vector<Finding> findings_;
  std::map<int, ByCrl> by_crl_;
};

/// Makes verifications on this store tell their judge which CRLs they use.
void install_hooks(X509_STORE* store);

}  // namespace cardgate::trust
