// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what stands behind Answers.
#pragma once

#include <map>
#include <mutex>
#include <unordered_map>

#include "trust/answers.hpp"
#include "trust/crl.hpp"
#include "trust/ocsp.hpp"

namespace cardgate::trust {

struct Answers::Impl {
  struct Ocsp {
    std::shared_ptr<const OcspResponse> response;
    WallTime this_update{};
  };

  /// Those that speak of the serial number, whoever issued it.
  std::vector<std::shared_ptr<const OcspResponse>> ocsp_about(const X509* certificate) const;
  std::vector<std::shared_ptr<const Crl>> all_crls() const;

  void hold(const std::string& id, Ocsp answer);
  Result<void> write(const std::string& file, BytesView content) const;

  std::filesystem::path folder;  // empty: none
  mutable std::mutex mutex;
  std::map<std::string, Ocsp> ocsp;                             // by file name
  std::unordered_multimap<std::string, std::string> by_serial;  // -> file name
  std::map<std::string, std::shared_ptr<const Crl>> crls;       // by file name
};

}  // namespace cardgate::trust
