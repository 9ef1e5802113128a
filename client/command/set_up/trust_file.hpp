// SPDX-License-Identifier: Apache-2.0
// A certificate or revocation list that somebody brings: what it is, and whether it is of use here. Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "trust/authorities.hpp"

namespace cardgate::client {

struct TrustFile {
  enum class Kind : std::uint8_t { anchor, intermediate, crl } kind = Kind::anchor;
  std::string subject;      // of a certificate
  std::string fingerprint;  // SHA-256, as authorities print it: "AB:CD:..."
  WallTime until{};
  std::filesystem::path source;  // of a list
  std::string file_name;         // under which it is kept
  Bytes content;
};

/// All that a PEM file or one of DER holds. A certificate that names itself as issuer is an anchor, another an intermediate.
/// Errors: not_found, permission_denied, too_large, io; certificate_malformed; invalid_argument (a certificate that may issue none:
/// a card's, for one).
Result<std::vector<TrustFile>> read_trust_file(const std::filesystem::path& path);

/// Why it is of no use beside what is in `places` already, in a sentence; empty when it is good.
std::string flaw_of(const TrustFile& file, const trust::Locations& places, WallTime now);

}  // namespace cardgate::client
