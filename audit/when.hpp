// SPDX-License-Identifier: Apache-2.0
// Times as people say them. Pure; thread-safe.
#pragma once

#include <string_view>

#include "base/calendar.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// Of a day, its beginning, or the end of it: what a period `to` a day has in it.
enum class Edge : std::uint8_t { begin, end };

/// "yesterday", "today", "now", "2 hours ago" (minutes, hours, days, weeks), "2026-01-31", "2026-01-31 09:30", "09:30" (today),
/// "2026-01-31T09:30:00Z"; days and clocks are the calendar's. Errors: invalid_argument, with what to write.
Result<WallTime> when(std::string_view text, WallTime now, const Calendar& calendar, Edge edge);

}  // namespace cardgate::audit
