// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/card_name.hpp"

#include "daemon/password_rules.hpp"

namespace cardgate::daemon {

std::string certificate_name(const trust::CertificateInfo& info) {
  std::string out;
  const auto [begin, end] = info.subject_fields.equal_range("CN");
  for (auto at = begin; at != end; ++at) out += (out.empty() ? "" : ", ") + at->second;
  return out.empty() ? "none" : out;
}

bool says_name(const trust::CertificateInfo& info, const std::string& name) {
  return comparable_name(certificate_name(info)) == comparable_name(name);
}

}  // namespace cardgate::daemon
