// SPDX-License-Identifier: Apache-2.0
// A day as people read it. Pure; thread-safe.
#pragma once

#include <string>

#include "base/clock.hpp"

namespace cardgate {

/// "31 March 2028": programs get to_text().
std::string day_text(Date day);

/// "31 March 2028 at 17:05 UTC".
std::string moment_text(WallTime moment);

}  // namespace cardgate
