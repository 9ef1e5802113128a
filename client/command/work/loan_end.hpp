// SPDX-License-Identifier: Apache-2.0
// When a loan ends or a downtime begins, as people say it. Pure but for the machine's time zone.
#pragma once

#include <string>

#include "base/clock.hpp"

namespace cardgate::client {

/// "tonight" (midnight here), "17:30" (today, here), "2026-06-01" (to the end of that day, here), or RFC 3339. Errors:
/// invalid_argument, with what to write.
Result<WallTime> loan_end(const std::string& text, WallTime now);
/// "2026-12-05 22:00" or "22:00" (today), in this machine's time, or RFC 3339. Errors: as above, without the option's name.
Result<WallTime> moment_here(const std::string& text, WallTime now);

}  // namespace cardgate::client
