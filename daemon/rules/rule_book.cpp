// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/rule_book.hpp"

#include <fmt/format.h>

#include "daemon/journal.hpp"
#include "policy/check.hpp"

namespace cardgate::daemon {

std::shared_ptr<const CertificateJudge> make_judge(const Config& config, const policy::Policy& policy,
                                                   trust::Authorities authorities, CardRules cards,
                                                   std::shared_ptr<trust::Answers> answers) {
  // As much as any role allows; each role then decides for itself.
  trust::Rules rules = config.certificate_rules;
  rules.stale_for = policy.longest_revocation_delay();
  return std::make_shared<const CertificateJudge>(std::move(authorities), std::move(rules), std::move(cards),
                                                  config.fetch, std::move(answers));
}

void log_findings(const policy::Policy& policy, std::string_view file) {
  for (const auto& finding : policy::check(policy)) {
    if (finding.severity != policy::Finding::Severity::error) continue;
    const std::string place = finding.line > 0 ? fmt::format("{}:{}", file, finding.line) : std::string(file);
    const std::string role = finding.role.empty() ? std::string() : finding.role + ": ";
    log(audit::Event::policy_finding,
        fmt::format("{}: {}{}. {}", place, role, finding.text, finding.next_step),
        {{"CARDGATE_ROLE", finding.role}});
  }
}

}  // namespace cardgate::daemon
