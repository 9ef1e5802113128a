// SPDX-License-Identifier: Apache-2.0
// What stands in one X.509 certificate (RFC 5280 4), as plain values. Says nothing about whether it is good:
// see validate.hpp. Pure but for load_certificate(); thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"

namespace cardgate::trust {

/// Largest certificate taken, in bytes of DER. A PIV card holds at most 1856 (SP 800-73-4 Part 1, table 11).
inline constexpr std::size_t max_certificate_bytes = 32 * 1024;
/// Most subject alternative names taken from one certificate.
inline constexpr std::size_t max_alternative_names = 256;

enum class KeyKind : std::uint8_t { rsa2048, rsa3072, rsa4096, p256, p384, other };
std::string_view name(KeyKind kind);

struct CertificateInfo {
  std::string subject, issuer;  // RFC 4514 text, UTF-8, most specific first
  std::string serial;           // lower-case hex, whole bytes; a leading '-' when negative
  WallTime not_before, not_after;
  KeyKind key = KeyKind::other;
  Digest fingerprint{};  // SHA-256 of the DER
  /// The SAN URIs urn:uuid:..., lower case, without the prefix, each once, and the SANs of the kind FASC-N
  /// (FIPS 201-2 4.2.1), lower-case hex. Placeholders are left out. SP 800-73-5 lets a certificate name its
  /// cardholder by a UUID, too.
  std::vector<std::string> card_uuids, fasc_ns;
  /// The FASC-Ns with those placeholders that differ from card to card: many issuers use agency 9999 for all their
  /// cards and count behind it. For comparing the certificates of one card, never for finding a person.
  std::vector<std::string> written_fasc_ns;
  /// The one of each; of several, the one that choose_card_names() (chuid.hpp) found.
  std::optional<std::string> card_uuid, fasc_n;
  std::vector<std::string> upn, email, uri, dns;  // subject alternative names, as text
  std::vector<std::string> key_usages;            // "digitalSignature"...: the names of RFC 5280 4.2.1.3
  std::vector<std::string> extended_key_usages, policies;  // dotted OIDs, in their order
  std::string ski;                                         // subject key identifier, lower-case hex; or empty
  std::multimap<std::string, std::string>
      subject_fields;  // "CN", "OU", "serialNumber", "UID"; else dotted OID
  /// Names that are left out above because they are none: the kind of mapping that would use them ("upn",
  /// "subject:CN"), and why, in plain English. They say nothing against the certificate's other names.
  std::multimap<std::string, std::string> unusable_names;
};

/// Reads exactly one DER certificate: nothing behind it, no other encoding of it. A name that is not text, or
/// holds control characters, is among `unusable_names`. Errors: certificate_malformed, saying what is wrong.
Result<CertificateInfo> describe(BytesView der);

/// The DER of the one certificate in a text: PEM, or base64 of DER on one line.
/// Errors: certificate_malformed, too_large.
Result<Bytes> certificate_from_text(std::string_view text);

/// The DER of the one certificate in a file, PEM or DER.
/// Errors: not_found, permission_denied, too_large, io, certificate_malformed.
Result<Bytes> load_certificate(const std::filesystem::path& path);

}  // namespace cardgate::trust
