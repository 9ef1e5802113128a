// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: which of the CRLs at hand speak of the certificates of one path, and what
// they say (RFC 5280 6.3.3).
//
// A name is no proof: an authority that was given a new key under its old name has lists of both keys, and
// anybody can write a name onto a list. A list counts when its signature verifies under the issuer of the
// certificate *on this path*, or under a key that the issuer itself gave its lists to. OpenSSL picks the one
// list that shows a certificate to be good; what any of them says against it is found here. Thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "trust/crl.hpp"
#include "trust/store.hpp"

namespace cardgate::trust {

using CrlsAtHand = std::vector<std::shared_ptr<const Crl>>;
/// From a certificate's issuer up to the anchor. Not owned.
using Above = std::span<X509* const>;

/// May this certificate's key sign CRLs (RFC 5280 4.2.1.3)?
bool may_sign_lists(X509* certificate);

class ListsOfPath {
 public:
  /// `at_hand`: all of them. `path`: leaf first, anchor last; must outlive this. Empty: nothing is asked.
  ListsOfPath(const Authorities::Impl& authorities, CrlsAtHand at_hand, std::vector<X509*> path, WallTime at);

  /// Those that may show a certificate of the path to be good, newest first, whatever the order of files.
  const CrlsAtHand& usable() const { return usable_; }
  /// Who signed them, where that is no certificate of the path. Not owned.
  const std::vector<X509*>& signers() const { return signers_; }

  /// Did somebody sign the list who may speak of the certificate?
  bool may_speak(const Crl& list, X509* certificate, Above above) const;

  /// Why the certificate is revoked, when a list says so: however old that list is, and although it may not be
  /// understood whole. Only a hold can be lifted, by a newer list of the same key and scope.
  std::optional<std::string> against(X509* certificate, Above above) const;

  /// Why a list of the certificate's issuer was passed over, when one was that nobody can use.
  std::optional<std::string> passed_over(X509* certificate, Above above) const;

 private:
  X509* signer(const Crl& list, X509* certificate, Above above) const;
  X509* named_one(const Crl& list, X509* signer) const;
  bool delegated(X509* signer, X509* issuer) const;
  bool leads_to_the_anchor(X509* certificate) const;
  bool found_by_openssl(const Crl& list, const X509* signer, X509* certificate, Above above) const;
  bool lifted(const Crl& list, X509* signer, const X509* certificate) const;
  void choose();

  const Authorities::Impl& authorities_;
  CrlsAtHand lists_;
  std::vector<X509*> path_;
  WallTime at_;
  CrlsAtHand usable_;
  std::vector<X509*> signers_;
};

/// Why no path can use the list, for whoever put it there; empty when one may.
std::string why_passed_over(const Authorities::Impl& authorities, const Crl& list);

}  // namespace cardgate::trust
