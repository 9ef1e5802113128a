// SPDX-License-Identifier: Apache-2.0
// When a loan ends, as people say it. Pure but for the machine's time zone.
#pragma once

#include <string>

#include "base/clock.hpp"

namespace cardgate::client {

/// "tonight" (midnight here), "17:30" (today, here), "2026-06-01" (to the end of that day, here), or RFC 3339. Errors:
/// invalid_argument, with what to write.
Result<WallTime> loan_end(const std::string& text, WallTime now);

}  // namespace cardgate::client
