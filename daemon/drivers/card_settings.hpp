// SPDX-License-Identifier: Apache-2.0
// Which kinds of cards are taken. Pure data.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cardgate::daemon {

/// The config's `cards` section.
struct CardSettings {
  std::vector<std::string> drivers{"piv"};  // asked in this order
  bool require_presence = false;            // refuse cards that cannot show that they are no copies (PIV 9E)
  // pkcs11 only:
  std::filesystem::path vendor_socket;  // of cardgate-vendor-cards
  std::string vendor_token;  // label of a token that stands in no reader; empty: the reader decides
  bool operator==(const CardSettings&) const = default;
};

}  // namespace cardgate::daemon
