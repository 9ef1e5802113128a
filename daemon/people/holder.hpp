// SPDX-License-Identifier: Apache-2.0
// Whom a certificate stands for: the mapping rules' names, looked up in the staff register level by level.
#pragma once

#include <string>
#include <vector>

#include "register/register.hpp"
#include "trust/mapping.hpp"

namespace cardgate::daemon {

struct LedTo {
  trust::Identity identity;
  std::vector<std::string> people;  // ids
};

struct RuleOutcome {
  trust::RuleReport report;
  std::vector<LedTo> found;  // one for each of the report's identities, when its level was looked up
  bool decides = false;      // it is of the level that decides
};

struct Holder {
  /// Of the first level that leads to anybody: one is the holder, several are a mistake in the register.
  std::vector<std::string> people;
  std::vector<RuleOutcome> rules;  // by priority
};

/// Why no rule that speaks of the certificate gives a name to look up; empty when one does, or none speaks of it.
std::string why_nameless(const Holder& holder);

/// `every_level`: also the levels behind the one that decides are looked up, for whoever wants to know.
/// Errors: as the register.
Result<Holder> find_holder(reg::Register& staff, const std::vector<trust::MapRule>& rules,
                           const trust::CertificateInfo& certificate, const trust::Chuid* chuid,
                           bool every_level = false);

}  // namespace cardgate::daemon
