// SPDX-License-Identifier: Apache-2.0
// From a certificate to the names by which the register knows a person, by rules in the manner of
// sss_certmap(5). Pure; thread-safe.
//
// A rule speaks of the certificates that its matching expression (match.hpp) matches, and says which of their
// names counts. Gives candidates only, level by level: rules of one priority are a level, 0 is tried first.
// The first level whose matching rules lead to anybody decides; who looks them up refuses a certificate whose
// names in that level lead to several people.
//
//   card_uuid      the card UUID of the certificate; where the card's CHUID was read, its GUID must be the same
//   chuid_uuid     the card UUID that the CHUID has, tied to the certificate (below); looked up as card_uuid
//   fasc_n         the FASC-N of the certificate, or of a CHUID tied to it; where both have one, the same one
//   issuer_serial  "<issuer, RFC 4514>;<serial, hex>"
//   ski            the subject key identifier
//   upn, email, uri, subject:FIELD
//
// Where a certificate has several UUIDs or FASC-Ns, the card's is the one that its CHUID has. A placeholder, which
// many cards carry (base/card_id.hpp), gives no name, nor does a name that is none: a damaged user principal name
// concerns the rules that ask for it, and no others.
//
// A CHUID can be written onto any card. One with the certificate's UUID may give that UUID; anything more
// only when its signature was verified and it has the UUID or FASC-N of the certificate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trust/certificate.hpp"
#include "trust/chuid.hpp"
#include "trust/match.hpp"

namespace cardgate::trust {

inline constexpr std::int64_t lowest_priority = 4'294'967'295;  // as in sss_certmap(5)
inline constexpr std::size_t max_map_rules = 256;

struct MapRule {
  std::string name{};                       // for people
  std::int64_t priority = lowest_priority;  // 0 is tried first
  Match match{};
  std::string by{};     // card_uuid | chuid_uuid | fasc_n | issuer_serial | ski | upn | email | uri | subject
  std::string field{};  // for subject: the attribute, e.g. "UID" or a dotted OID
};

/// "card_uuid", "subject:UID": a rule for every certificate, named like that, of the lowest priority.
/// Errors: invalid_argument, naming what is allowed.
Result<MapRule> parse_map_rule(std::string_view map);

/// Does any rule ask for what only the card's CHUID tells?
bool need_chuid(const std::vector<MapRule>& rules);

struct Identity {
  std::string kind;   // as the register has it: "card_uuid", "subject:UID"
  std::string value;  // card_uuid, fasc_n, ski, upn, email in lower case
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// What one rule makes of a certificate.
struct RuleReport {
  std::string name;
  std::int64_t priority = lowest_priority;
  bool matched = false;
  std::string reason;                // why it does not match, or matches and gives no name; else empty
  std::vector<Identity> identities;  // without repeats; empty values give nothing
};

/// Every rule's report, by priority and then in the order of the rules. `chuid` null: it was not read.
std::vector<RuleReport> apply_rules(const std::vector<MapRule>& rules, const CertificateInfo& certificate,
                                    const Chuid* chuid);

}  // namespace cardgate::trust
