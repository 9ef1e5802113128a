// SPDX-License-Identifier: Apache-2.0
// From a certificate to the names by which the register knows a person. Pure; thread-safe.
//
// Gives candidates only. Who looks them up refuses a certificate whose candidates lead to nobody or to
// several people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trust/certificate.hpp"

namespace cardgate::trust {

struct MapRule {
  std::string by;     // card_uuid | issuer_serial | upn | email | uri | subject
  std::string field;  // for subject: the attribute, e.g. "UID" or a dotted OID
};

/// "card_uuid", "subject:UID". Errors: invalid_argument, naming what is allowed.
Result<MapRule> parse_map_rule(std::string_view text);

struct Identity {
  std::string kind;  // the rule as text: "card_uuid", "subject:UID"
  std::string
      value;  // card_uuid, upn, email in lower case; issuer_serial is "<issuer, RFC 4514>;<serial, hex>"
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// In the order of the rules, without repeats; empty values give nothing.
std::vector<Identity> identities(const std::vector<MapRule>& rules, const CertificateInfo& certificate);

}  // namespace cardgate::trust
