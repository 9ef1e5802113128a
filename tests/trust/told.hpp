// SPDX-License-Identifier: Apache-2.0
// A verdict in words, for tests.
#pragma once

#include <string>
#include <vector>

#include "trust/verdict.hpp"

namespace cardgate::trust {

inline std::vector<Status> statuses(const Verdict& verdict) {
  std::vector<Status> list;
  for (const auto& finding : verdict.findings) list.push_back(finding.status);
  return list;
}

inline std::string told(const Verdict& verdict) {
  std::string text;
  for (const auto& f : verdict.findings) {
    text += std::string{name(f.status)} + " at " + std::to_string(f.depth) + ": " + f.detail + "\n";
  }
  return text;
}

}  // namespace cardgate::trust
