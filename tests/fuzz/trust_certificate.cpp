// SPDX-License-Identifier: Apache-2.0
// Any bytes as a certificate: describe(), validate(), verify_possession() and the mapping neither crash nor
// accept. The corpus may hold the real ones; whether bytes are valid is not the question here, only that
// every answer is sane.
#include <cstdint>
#include <cstdlib>

#include "trust/certificate.hpp"
#include "trust/mapping.hpp"
#include "trust/possession.hpp"
#include "trust/validate.hpp"

namespace {

using namespace cardgate;
using namespace cardgate::trust;

void require(bool holds) {
  if (!holds) std::abort();
}

/// The input as its own anchor and intermediate, so that path building and X509_verify_cert() are reached.
void validate_against_itself(BytesView input, WallTime at) {
  const Bytes bytes(input.begin(), input.end());
  auto authorities = Authorities::parse({.anchors = {bytes}, .intermediates = {bytes}, .crls = {}});
  if (!authorities) return;
  Rules rules;
  rules.purpose = Purpose::any;
  rules.revocation = Revocation::off;
  for (const bool explicit_policy : {false, true}) {
    rules.policy.require_explicit = explicit_policy;
    const Verdict verdict = validate(*authorities, input, rules, at);
    require(verdict.valid == verdict.findings.empty());
    for (const auto& finding : verdict.findings) require(!explain(finding.status).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  init_crypto();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input{data, size};
  const WallTime at = std::chrono::sys_days{std::chrono::year{2026} / 6 / 1};
  if (auto info = describe(input)) {
    require(is_plain_utf8(info->subject) || info->subject.empty());
    std::vector<MapRule> rules;
    for (const char* map :
         {"card_uuid", "fasc_n", "issuer_serial", "ski", "upn", "email", "uri", "subject:UID"})
      rules.push_back(parse_map_rule(map).value());
    for (const auto& report : apply_rules(rules, *info, nullptr)) {
      require(report.matched && report.reason.empty() != report.identities.empty());
      for (const auto& identity : report.identities) require(!identity.value.empty());
    }
  }
  const Bytes message = challenge_message(input.first(std::min<std::size_t>(size, 32)), "host", "id");
  require(!verify_possession(input, message, input.first(std::min<std::size_t>(size, 256))));
  validate_against_itself(input, at);
  return 0;
}
