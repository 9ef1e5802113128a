// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics.hpp"

#include <fmt/format.h>

namespace cardgate::daemon {

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
    out += fmt::format("# TYPE cardgate_{} counter\n", name);
    for (const auto& [label, value] : members) {
      out += label.empty() ? fmt::format("cardgate_{}_total {}\n", name, value)
                           : fmt::format("cardgate_{}_total{{kind=\"{}\"}} {}\n", name, label, value);
    }
  }
  for (const auto& [name, value] : gauges) {
    out += fmt::format("# TYPE cardgate_{0} gauge\ncardgate_{0} {1}\n", name, value);
  }
  return out + "# EOF\n";
}

}  // namespace cardgate::daemon
