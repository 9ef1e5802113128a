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
  /// Errors: crl_malformed.
  static Result<std::shared_ptr<const Crl>> parse(Bytes der);

  /// Speaks for issuer, scope, times and extensions, and has no entries. Owned by this.
  X509_CRL* shell() const { return shell_.get(); }
  const Bytes& der() const { return der_; }
  unsigned long issuer_hash() const { return issuer_hash_; }
  /// Speaks of other issuers' certificates, too (RFC 5280 5.2.5).
  bool indirect() const { return indirect_; }
  /// An entry has a critical extension that is not understood: the list must not be used (RFC 5280 5.3).
  bool unknown_critical_entry() const { return unknown_critical_entry_; }

  struct Entry {
    bool removed = false;  // removeFromCRL: a delta takes the base's entry back
    std::string reason;    // as in RFC 5280 5.3.1; empty when none is given
  };
  /// What stands in the list of this certificate. Takes time as the logarithm of the list's length.
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
  Result<void> index(BytesView entries);
  Result<void> read_entry_extensions(BytesView list, std::uint32_t offset);
  BytesView serial_at(std::uint32_t offset) const;
  bool names_issuer(std::uint32_t offset, const X509_NAME* issuer) const;
  Entry entry_at(std::uint32_t offset) const;

  Bytes der_;
  BytesView tbs_, algorithm_, signature_;  // in der_
  CrlPtr shell_;
  std::vector<std::uint32_t> by_serial_;  // where entries begin in der_
  std::vector<Group> groups_;             // by offset
  unsigned long issuer_hash_ = 0;
  bool indirect_ = false;
  bool unknown_critical_entry_ = false;
  mutable std::mutex mutex_;
  mutable std::vector<Verified> verified_;
};

}  // namespace cardgate::trust
