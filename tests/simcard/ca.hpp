// SPDX-License-Identifier: Apache-2.0
// A small certificate authority for virtual cards: root, issuing CA, CRLs of both, card certificates (RFC
// 5280).
//
// CA folder C:
//   C/anchors/root.pem            C/intermediates/issuing.pem        what trust/ is pointed at, with C/crls
//   C/content-signing/signer.pem      who signs CHUIDs (FIPS 201-2 4.2.1); made at the first one
//   C/crls/root.crl               C/crls/issuing.crl                 PEM; by revoke() and write_crls() anew
//   C/private/{root,issuing}.key  0600
//   C/private/ca.json             serial numbers, what is revoked
// One thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "tests/simcard/card_data.hpp"

namespace cardgate::simcard {

struct CaOptions {
  std::string organisation = "Example Trust";
  KeyKind key = KeyKind::p256;
  std::chrono::days crl_life{30};
};

enum class CertificateUse : std::uint8_t { authentication, card_authentication };

/// What goes into a card's certificate.
struct CertificateRequest {
  CertificateUse use = CertificateUse::authentication;
  std::string public_key;              // PEM SubjectPublicKeyInfo
  std::string person;                  // common name (9A only)
  std::string upn;                     // SAN otherName 1.3.6.1.4.1.311.20.2.3 (9A only); empty: left out
  std::string email;                   // SAN rfc822Name (9A only); empty: left out
  Uuid uuid{};                         // SAN URI urn:uuid:...
  Bytes alternative_names;             // DER of the whole SAN, in the place of these (9A only); empty: these
  std::optional<WallTime> not_before;  // default: an hour ago
  std::optional<WallTime> not_after;   // default: three years on
  std::size_t size = 0;                // DER is padded up to about so many bytes; 0: as it comes
  std::vector<std::string> extended_key_usage;  // OIDs instead of the usual ones of `use`
};

class Ca {
 public:
  /// Makes the CA when the folder has none. Errors: io, malformed, internal.
  static Result<Ca> open_or_create(const std::filesystem::path& directory, const CaOptions& options = {});
  /// Errors: not_found, malformed.
  static Result<Ca> open(const std::filesystem::path& directory);

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path anchors() const { return directory_ / "anchors"; }
  std::filesystem::path intermediates() const { return directory_ / "intermediates"; }
  std::filesystem::path crls() const { return directory_ / "crls"; }
  std::filesystem::path content_signing() const { return directory_ / "content-signing"; }

  /// DER of a certificate signed by the issuing CA. Errors: invalid_argument, internal, io.
  Result<Bytes> issue(const CertificateRequest& request);
  /// Revokes (reason keyCompromise) and writes the CRLs anew. Errors: malformed, io.
  Result<void> revoke(BytesView certificate);
  /// Both CRLs with the given times: now and `crl_life` on by default; give past ones for a stale CRL.
  /// Errors: io.
  Result<void> write_crls(std::optional<WallTime> this_update = {}, std::optional<WallTime> next_update = {});
  /// CMS SignedData over a CHUID's TLVs (all but 3E, FE included), content external, by the content signer.
  /// Errors: internal, io.
  Result<Bytes> sign_chuid(BytesView chuid);

 private:
  struct Revoked {
    std::string serial;  // hex
    std::int64_t at;     // Unix seconds
  };
  Result<void> create();
  Result<void> save() const;
  Result<void> create_content_signer();

  std::filesystem::path directory_;
  CaOptions options_;
  std::int64_t last_crl_number_ = 0;
  std::vector<Revoked> revoked_;
};

/// What a card is made of.
struct Personalisation {
  std::string person = "Ada Example";
  std::string upn;
  std::string email;
  std::optional<Uuid> uuid;  // default: random
  Bytes alternative_names;   // as CertificateRequest: a certificate that names the card oddly, or not at all
  KeyKind key = KeyKind::p256;
  std::string pin = "123456";
  std::string puk = "12345678";
  std::size_t certificate_size = 770;  // bytes of DER, about; smaller than it comes has no effect
  std::optional<WallTime> not_before;
  std::optional<WallTime> not_after;  // in the past: an expired certificate
  std::vector<std::string> extended_key_usage;
  bool gzip_certificates = false;
  bool signed_chuid = false;  // a CHUID of 1 to 2 KB, as real cards have
};

/// Makes keys and certificates; the card lives in memory until save_card(). Errors: invalid_argument,
/// internal, io.
Result<CardData> personalise(Ca& ca, const Personalisation& what);

/// A key pair: PKCS#8 PEM and its public half.
struct KeyPair {
  std::string private_key;
  std::string public_key;
};
Result<KeyPair> generate_key(KeyKind kind);

}  // namespace cardgate::simcard
