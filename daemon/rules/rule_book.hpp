// SPDX-License-Identifier: Apache-2.0
// The rules that hold now: configuration, policy, judge and password rules, which are only ever replaced all at once. Whoever
// waits keeps the snapshot that it began with, or asks again. One thread; what it gives out is immutable and may be used on any.
#pragma once

#include <memory>

#include "daemon/rules/certificate_judge.hpp"
#include "daemon/rules/config.hpp"
#include "daemon/rules/password_rules.hpp"
#include "policy/policy.hpp"

namespace cardgate::daemon {

struct Rules {
  Config config;
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const CertificateJudge> judge;
  std::shared_ptr<const PasswordRules> password_rules;
};

class RuleBook {
 public:
  explicit RuleBook(Rules rules) : rules_(std::make_shared<const Rules>(std::move(rules))) {}
  RuleBook(const RuleBook&) = delete;
  RuleBook& operator=(const RuleBook&) = delete;

  std::shared_ptr<const Rules> snapshot() const { return rules_; }
  // Of what holds now. Not to be kept over a wait, but for the pointers, by a copy.
  const Config& config() const { return rules_->config; }
  const std::shared_ptr<const policy::Policy>& policy() const { return rules_->policy; }
  const std::shared_ptr<const CertificateJudge>& judge() const { return rules_->judge; }
  const std::shared_ptr<const PasswordRules>& password_rules() const { return rules_->password_rules; }

  /// Other rules hold from now on. For the loader (rule_loader.hpp), which says so to those whom it concerns.
  void set(Rules rules) { rules_ = std::make_shared<const Rules>(std::move(rules)); }

 private:
  std::shared_ptr<const Rules> rules_;
};

std::shared_ptr<const CertificateJudge> make_judge(const Config& config, const policy::Policy& policy,
                                                   trust::Authorities authorities, CardRules cards,
                                                   std::shared_ptr<trust::Answers> answers);

/// Says in the journal what nobody can ever get from this policy: a line each.
void log_findings(const policy::Policy& policy, std::string_view file);

}  // namespace cardgate::daemon
