// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: a certificate revocation list (RFC 5280 5) that may be large.
//
// OpenSSL keeps several hundred bytes an entry and hashes the whole list each time somebody signs in. Here
// the entries stay in the DER, found by a sorted index of four bytes each; OpenSSL is given the list without
// them (the shell), and the signature is verified over the whole list once for each key. Immutable but for
// that memory; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "trust/openssl.hpp"

namespace cardgate::trust {

class Crl {
 public:
  /// A list that can be read but not understood is parsed, too; see flaw(). Errors: crl_malformed.
  static Result<std::shared_ptr<const Crl>> parse(Bytes der);

  /// Speaks for issuer, scope, times and extensions, and has no entries. Owned by this.
  X509_CRL* shell() const { return shell_.get(); }
  const Bytes& der() const { return der_; }
  const X509_NAME* issuer() const { return X509_CRL_get_issuer(shell_.get()); }
  unsigned long issuer_hash() const { return issuer_hash_; }

  /// Why the list is not understood as a whole, in plain English; empty when it is. Such a list proves nothing
  /// good and takes nothing back, but what it lists as revoked stays revoked.
  const std::string& flaw() const { return flaw_; }

  /// Only what changed since a base (RFC 5280 5.2.4).
  bool delta() const { return delta_; }
  /// May speak of other issuers' certificates, too (RFC 5280 5.2.5, 5.3.3).
  bool speaks_for_others() const { return indirect_ || !groups_.empty(); }
  /// Its serial numbers are those of attribute certificates.
  bool attribute_certificates_only() const { return flaw_.empty() && attributes_only_; }
  /// The moment that it speaks of. Of a list whose dates are no dates: the epoch.
  WallTime this_update() const { return this_update_; }
  /// Is it the later word, by its time and its number? Never when the two contradict each other, nor when
  /// nothing says which came first.
  bool newer_than(const Crl& other) const;
  /// An order of all lists, the newest first, so that the order of files decides nothing.
  bool comes_before(const Crl& other) const;
  /// Same issuer and the same issuing distribution point.
  bool same_scope(const Crl& other) const;
  /// Its authority key identifier, when it has one, is that of this certificate.
  bool names_key_of(const X509* certificate) const;

  struct Entry {
    bool removed = false;  // removeFromCRL of a delta: it takes the base's entry back
    std::string reason;    // as in RFC 5280 5.3.1; empty when none is given
    bool hold() const { return reason == "certificateHold"; }
  };
  /// What stands in the list of this certificate; the worst, when it is listed more than once. Takes time as
  /// the logarithm of the list's length.
  std::optional<Entry> find(const X509* certificate) const;

  /// Is the list signed with this key? Remembered.
  bool signed_by(EVP_PKEY* key) const;

  Crl(const Crl&) = delete;
  Crl& operator=(const Crl&) = delete;

 private:
  struct Group {  // entries from `offset` on are of these issuers, until the next group
    std::uint32_t offset;
    std::unique_ptr<GENERAL_NAMES, Releases<GENERAL_NAMES_free>> issuers;
  };
  struct Verified {
    std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>> key;  // kept, so that its address stays its own
    bool good;
  };

  explicit Crl(Bytes der) : der_(std::move(der)) {}
  Result<void> read();
  void read_times();
  void read_extensions();
  void read_scope(const ASN1_OCTET_STRING* value);
  Result<void> index(BytesView entries);
  Result<void> read_entry_extensions(BytesView list, std::uint32_t offset);
  BytesView serial_at(std::uint32_t offset) const;
  bool names_issuer(std::uint32_t offset, const X509_NAME* whose) const;
  Entry entry_at(std::uint32_t offset) const;
  void not_understood(std::string why);
  static Error malformed(std::string text);

  Bytes der_;
  BytesView tbs_, algorithm_, signature_;  // in der_
  CrlPtr shell_;
  std::vector<std::uint32_t> by_serial_;  // where entries begin in der_
  std::vector<Group> groups_;             // by offset
  unsigned long issuer_hash_ = 0;
  std::string flaw_;
  bool version_2_ = false;
  bool delta_ = false;
  bool indirect_ = false;
  bool attributes_only_ = false;
  bool takes_back_ = false;  // an entry says removeFromCRL
  WallTime this_update_{};
  std::optional<Bytes> number_;  // magnitude, big-endian, without leading zeros
  Bytes scope_;                  // content of the issuing distribution point; empty: none
  std::unique_ptr<AUTHORITY_KEYID, Releases<AUTHORITY_KEYID_free>> key_identifier_;
  mutable std::mutex mutex_;
  mutable std::vector<Verified> verified_;
};

}  // namespace cardgate::trust
