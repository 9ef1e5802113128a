// SPDX-License-Identifier: Apache-2.0
// Any text as a mapping rule: the first line as what it maps, the rest as its matching expression. Refused
// with a reason, or a rule that says of a fixed certificate whether it matches and why not.
#include <cstdlib>

#include "trust/mapping.hpp"

namespace {

using namespace cardgate;
using namespace cardgate::trust;

void require(bool holds) {
  if (!holds) std::abort();
}

const CertificateInfo& certificate() {
  static const CertificateInfo info = [] {
    CertificateInfo made;
    made.issuer = "CN=Example Issuing CA,O=Example Trust,C=GB";
    made.subject = "UID=10001,CN=Zo\xC3\xAB Quinn,OU=Nights,O=Example Trust";
    made.serial = "1f2e3d4c";
    made.card_uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    made.upn = {"zoe@example.org"};
    made.email = {"Zoe.Quinn@example.org", "z@example.org"};
    made.uri = {"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"};
    made.dns = {"desk-7.example.org"};
    made.key_usages = {"digitalSignature"};
    made.extended_key_usages = {"1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2"};
    made.policies = {"2.16.840.1.101.3.2.1.3.13"};
    made.subject_fields.emplace("UID", "10001");
    return made;
  }();
  return info;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return 0;
  auto rule = parse_map_rule(text.substr(0, end));
  require(rule || !rule.error().context.empty());
  const auto expression = text.substr(end + 1);
  const auto match = Match::parse(expression);
  if (!match) {
    require(match.error().code == Errc::invalid_argument && !match.error().context.empty());
    return 0;
  }
  require(match->text() == expression);
  const std::string why = match->mismatch(certificate());
  // Whatever a certificate holds, its explanation can stand in a log line.
  require(is_plain_utf8(why) || why.empty());
  require(match->mismatch(certificate()) == why);
  static_cast<void>(match->mismatch({}));
  if (!rule) return 0;
  rule->match = *match;
  const Chuid chuid{"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", std::string(50, 'd'), size % 2 == 0};
  for (const Chuid* seen : {static_cast<const Chuid*>(nullptr), &chuid}) {
    const auto reports = apply_rules({*rule}, certificate(), seen);
    require(reports.size() == 1 && reports.front().matched == why.empty());
    require(reports.front().identities.empty() != reports.front().reason.empty());
    for (const auto& identity : reports.front().identities) require(!identity.value.empty());
  }
  return 0;
}
