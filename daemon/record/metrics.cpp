// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace cardgate::daemon {
namespace {

struct Meaning {
  std::string_view name;
  std::string_view help;
  std::string_view label = "kind";  // what its parts are told apart by
};

constexpr Meaning meanings[] = {
    {"activations", "Passwords set by an activation code"},
    {"acts_unwritten", "Acts that take access away, in force and not yet in the staff register"},
    {"audit_late", "Records that wait until the audit log can be written"},
    {"audit_ok", "1 while the audit log can be written"},
    {"audit_records", "Records made durable since the start"},
    {"audit_syncs", "Group commits of the audit log since the start"},
    {"cards", "Cards in the readers"},
    {"cards_twice", "How often the same card answered in two readers"},
    {"configuration_in_use", "1 while the configuration on disk is the one in use"},
    {"connections", "Open connections"},
    {"enrolments", "Requests for an account"},
    {"introspections", "Tokens looked up by applications", "result"},
    {"listeners", "Programs that listen to events"},
    {"password_hashes", "Passwords hashed"},
    {"pcscd_changes", "How often the reader service came up or went down", "to"},
    {"pcscd_up", "1 while the reader service answers"},
    {"people", "People who are registered"},
    {"rate_limited", "Requests refused because a user's programs asked too often"},
    {"readers", "Readers that are plugged in"},
    {"refusals", "Refusals, by the audit event that tells of them", "event"},
    {"reloads", "Reloads of the configuration", "result"},
    {"requests", "Requests by the call that they ask for", "call"},
    {"revocation_list_age_seconds", "Since the oldest revocation list at hand was made"},
    {"revocation_list_left_seconds",
     "Until the first revocation list at hand ends; negative when it is overdue"},
    {"revocation_lists", "Revocation lists at hand that nothing newer replaces"},
    {"sessions", "Open sessions"},
    {"sessions_ended", "Sessions that ended", "reason"},
    {"sign_ins", "Sign-ins"},
    {"tokens_issued", "Tokens issued"},
    {"tokens_live", "Tokens that are good now"},
    {"tokens_revoked", "Tokens revoked before their time", "reason"},
    {"verifications", "Tokens verified for reverse proxies"},
};

Meaning meaning_of(std::string_view name) {
  const auto found = std::ranges::find(meanings, name, &Meaning::name);
  return found == std::end(meanings) ? Meaning{name, "Not described"} : *found;
}

std::string head_of(const Meaning& meaning, std::string_view type) {
  return fmt::format("# TYPE cardgate_{0} {1}\n# HELP cardgate_{0} {2}\n", meaning.name, type, meaning.help);
}

}  // namespace

std::uint64_t& Metrics::counter(std::string_view name, std::string_view label) {
  auto family = counters_.find(name);
  if (family == counters_.end()) family = counters_.try_emplace(std::string(name)).first;
  auto member = family->second.find(label);
  if (member == family->second.end()) member = family->second.try_emplace(std::string(label)).first;
  return member->second;
}

std::string Metrics::text(const std::map<std::string, double>& gauges) const {
  std::string out;
  for (const auto& [name, members] : counters_) {
    const auto meaning = meaning_of(name);
    out += head_of(meaning, "counter");
    for (const auto& [label, value] : members) {
      out += label.empty()
                 ? fmt::format("cardgate_{}_total {}\n", name, value)
                 : fmt::format("cardgate_{}_total{{{}=\"{}\"}} {}\n", name, meaning.label, label, value);
    }
  }
  for (const auto& [name, value] : gauges) {
    out += head_of(meaning_of(name), "gauge") + fmt::format("cardgate_{} {}\n", name, value);
  }
  return out + "# EOF\n";
}

}  // namespace cardgate::daemon
