// SPDX-License-Identifier: Apache-2.0
// Is this certificate good, for this purpose, at this moment (RFC 5280 6)?
//
// Every path from the leaf to an anchor is tried, within bounds, until one holds; OpenSSL does the
// cryptography and the path rules, strictly. Reads no file and no clock; thread-safe; the same code serves
// the daemon and the command.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "trust/authorities.hpp"
#include "trust/verdict.hpp"

namespace cardgate::trust {

class Answers;

/// Longest path, leaf and anchor included, and most paths tried for one leaf.
inline constexpr int max_path_length = 12;
inline constexpr int max_paths = 32;

enum class Purpose : std::uint8_t {
  smartcard,  // a person's sign-in: the EKU extension must be there and name clientAuth or smartcardLogon
  client,     // TLS client: EKU, if there is one, names clientAuth
  server,     // TLS server: EKU, if there is one, names serverAuth
  any,
};

enum class Revocation : std::uint8_t {
  require,  // every certificate of the path but the anchor needs a word, by CRL or OCSP, that it is not
            // revoked
  off,      // no look at any; only for the offline command
};

/// The least that keys and signatures must have. Only upward: a smaller number counts as the one given here.
struct Strength {
  int rsa_bits = 2048, curve_bits = 256, hash_bits = 256;
};

/// RFC 5280 6.1.1 (c), (e), (f), (g).
struct PolicyRules {
  std::vector<std::string> acceptable{};  // dotted OIDs; empty: any policy
  bool require_explicit = false;
  bool inhibit_mapping = false;
  bool inhibit_any = false;
};

struct Rules {
  using Revocation = trust::Revocation;

  Purpose purpose = Purpose::smartcard;
  /// The leaf must name one of these: "clientAuth", "serverAuth", "smartcardLogon", "emailProtection", or
  /// dotted OIDs. Empty: what the purpose says.
  std::vector<std::string> extended_key_usages{};
  Revocation revocation = Revocation::require;
  /// So long past its nextUpdate a CRL or OCSP answer is still taken; the verdict then says `cached`.
  milliseconds stale_for{0};
  /// The clock of an OCSP responder may differ by so much.
  milliseconds clock_skew{seconds{60}};
  Strength floor{};
  PolicyRules policy{};
};

/// For the loader of a configuration. Errors: invalid_argument, naming what is not an OID or a known name.
Result<void> check_rules(const Rules& rules);

/// Never fails: whatever is wrong, with the leaf, the rules or the machine, is a finding.
Verdict validate(const Authorities& authorities, BytesView leaf_der, const Rules& rules, WallTime at);
/// The same, with what was fetched (answers.hpp).
Verdict validate(const Authorities& authorities, const Answers& answers, BytesView leaf_der,
                 const Rules& rules, WallTime at);

}  // namespace cardgate::trust
