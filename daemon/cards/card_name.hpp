// SPDX-License-Identifier: Apache-2.0
// The name in a card's certificate, held against the name that the card is registered with. Pure; thread-safe.
#pragma once

#include <string>

#include "trust/certificate.hpp"

namespace cardgate::daemon {

/// The common name of the certificate's subject (RFC 5280 4.1.2.6), several joined by ", "; "none" where it has none.
std::string certificate_name(const trust::CertificateInfo& info);

/// Is it this name? Case and white space do not count.
bool says_name(const trust::CertificateInfo& info, const std::string& name);

}  // namespace cardgate::daemon
