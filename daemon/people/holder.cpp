// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/holder.hpp"

#include <algorithm>

namespace cardgate::daemon {

std::string why_nameless(const Holder& holder) {
  std::string why;
  for (const auto& [report, found, decides] : holder.rules) {
    if (!report.identities.empty()) return {};
    if (report.matched && why.find(report.reason) == std::string::npos)
      why += (why.empty() ? "" : "; ") + report.reason;
  }
  return why;
}

Result<Holder> find_holder(reg::Register& staff, const std::vector<trust::MapRule>& rules,
                           const trust::CertificateInfo& certificate, const trust::Chuid* chuid,
                           bool every_level) {
  Holder holder;
  for (auto& report : trust::apply_rules(rules, certificate, chuid))
    holder.rules.push_back({std::move(report), {}, false});
  bool decided = false;
  for (auto level = holder.rules.begin(); level != holder.rules.end() && (!decided || every_level);) {
    const auto end = std::find_if(level, holder.rules.end(), [&](const RuleOutcome& rule) {
      return rule.report.priority != level->report.priority;
    });
    std::vector<std::string> people;
    for (auto rule = level; rule != end; ++rule) {
      for (const auto& identity : rule->report.identities) {
        auto found = TRY(staff.people_by_identity(identity.kind, identity.value));
        for (const auto& id : found) {
          if (std::ranges::find(people, id) == people.end()) people.push_back(id);
        }
        rule->found.push_back({identity, std::move(found)});
      }
    }
    if (!decided && !people.empty()) {
      decided = true;
      holder.people = std::move(people);
      for (auto rule = level; rule != end; ++rule) rule->decides = true;
    }
    level = end;
  }
  return holder;
}

}  // namespace cardgate::daemon
