// SPDX-License-Identifier: Apache-2.0
// The Card Holder Unique Identifier (SP 800-73-4 Part 1, 3.1.2): what a PIV card says it is. Anybody can read
// it and write it onto another card; its issuer's signature (FIPS 201-2 4.2.1) shows that it was issued so,
// and only what it has in common with the certificate ties it to this card. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "trust/certificate.hpp"

namespace cardgate::trust {

/// Most content-signing certificates taken.
inline constexpr std::size_t max_content_signers = 64;

/// As it stands on the card, taken apart and unjudged.
struct ChuidFields {
  Bytes fasc_n;        // 25 bytes; empty when the card leaves it out
  Bytes guid;          // 16 bytes, all zero when the issuer set none
  std::string expiry;  // YYYYMMDD; empty when it was not read
  /// The object without its signature field (3E), as it stands, and the signature: CMS SignedData. Both empty
  /// when only the head was read.
  Bytes signed_content, signature;
};

struct Chuid {
  std::string card_uuid;  // lower case, 8-4-4-4-12; empty when the issuer set none, or a placeholder
  std::string fasc_n;     // lower-case hex; empty when there is none, or a placeholder
  bool verified = false;  // a configured content signer signed it, and it has not expired
};

/// Unverified. Errors: malformed (lengths).
Result<Chuid> describe_chuid(const ChuidFields& fields);

/// A certificate may have several UUIDs or FASC-Ns: the card's is the one that its CHUID has, if any is.
void choose_card_names(CertificateInfo& certificate, const Chuid& chuid);

/// Has the certificate UUIDs and the CHUID another one, or the same of FASC-Ns?
bool of_two_cards(const CertificateInfo& certificate, const Chuid& chuid);

/// The certificates whose signature on a CHUID counts. Immutable; a copy shares the content.
class ContentSigners {
 public:
  /// None.
  ContentSigners() = default;
  /// Files or folders, PEM or DER. Every certificate must be one for content signing (extended key usage
  /// id-PIV-content-signing, or id-fpki-pivi-content-signing for PIV-I cards). Errors: not_found, permission_denied, too_large, io, certificate_malformed,
  /// naming the file.
  static Result<ContentSigners> load(const std::vector<std::filesystem::path>& paths);
  bool empty() const;

  struct Impl;

 private:
  friend Result<Chuid> verify_chuid(const ContentSigners&, const ChuidFields&, WallTime);
  std::shared_ptr<const Impl> impl_;
};

/// The signature must be detached CMS SignedData over a CHUID by one of `signers`, whose certificate is valid
/// at `at`; the CHUID must not have expired. Errors: signature_invalid, saying in plain English what is
/// wrong.
Result<Chuid> verify_chuid(const ContentSigners& signers, const ChuidFields& fields, WallTime at);

}  // namespace cardgate::trust
