// SPDX-License-Identifier: Apache-2.0
// The FASC-Ns of a certificate as they stand, whether they name a single card or not: for comparing the
// certificates of one card with each other, never for finding a person. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace cardgate::trust {

/// Lower-case hex of each subject alternative name pivFASC-N of 25 bytes (FIPS 201-2 4.2.1), without those that are one
/// byte throughout, which say nothing. Many issuers use agency 9999 for all their cards and count behind it. Empty for
/// what is no certificate.
std::vector<std::string> fasc_ns_as_written(BytesView der);

}  // namespace cardgate::trust
