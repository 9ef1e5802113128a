// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what is wrong with the certificate of an authority by itself, so that whoever
// configured it is told at once, and not everybody whose card was issued below it. Pure; thread-safe.
#pragma once

#include <string>

#include "trust/openssl.hpp"

namespace cardgate::trust {

/// Why the certificate cannot be an anchor, in plain English; empty when it can. RFC 5280 6.1 takes from an
/// anchor its name and its key alone, so a root without key identifier, key usage or critical basic
/// constraints, or of version 1, will do. One that says it is none, or that is not understood, will not.
std::string anchor_flaw(X509* certificate);

/// Why no certificate below this intermediate is good (RFC 5280 4.2), in plain English; empty when nothing of
/// its form speaks against it.
std::string intermediate_flaw(X509* certificate);

}  // namespace cardgate::trust
