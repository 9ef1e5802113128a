// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/card_name.hpp"

#include "base/unicode.hpp"

namespace cardgate::daemon {

std::string certificate_name(const trust::CertificateInfo& info) {
  std::string out;
  const auto [begin, end] = info.subject_fields.equal_range("CN");
  for (auto at = begin; at != end; ++at) out += (out.empty() ? "" : ", ") + at->second;
  return out.empty() ? "none" : out;
}

bool says_name(const trust::CertificateInfo& info, const std::string& name) {
  return key_text(certificate_name(info)) == key_text(name);
}

}  // namespace cardgate::daemon
