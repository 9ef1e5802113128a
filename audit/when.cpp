// SPDX-License-Identifier: Apache-2.0
#include "audit/when.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/number.hpp"

namespace cardgate::audit {
namespace {

using std::chrono::days;
using std::chrono::minutes;

constexpr int most_ago = 100'000;

/// "17:30" or "17:30:15".
std::optional<seconds> clock_time(std::string_view text) {
  if ((text.size() != 5 && text.size() != 8) || text[2] != ':') return std::nullopt;
  const auto hour = whole_number<unsigned>(text.substr(0, 2));
  const auto minute = whole_number<unsigned>(text.substr(3, 2));
  std::optional<unsigned> second = 0;
  if (text.size() == 8) second = text[5] == ':' ? whole_number<unsigned>(text.substr(6)) : std::nullopt;
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return seconds(*hour * 3600 + *minute * 60 + *second);
}

/// "2 hours ago".
std::optional<milliseconds> time_ago(std::string_view text) {
  constexpr std::string_view ago = " ago";
  if (!text.ends_with(ago)) return std::nullopt;
  text.remove_suffix(ago.size());
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  auto count = whole_number<int>(text.substr(0, blank));
  auto unit = text.substr(blank + 1);
  if (text.starts_with("an ") || text.starts_with("a ")) count = 1;
  if (!count || *count < 0 || *count > most_ago) return std::nullopt;
  if (unit.ends_with('s')) unit.remove_suffix(1);
  if (unit == "minute") return minutes(*count);
  if (unit == "hour") return std::chrono::hours(*count);
  if (unit == "day") return days(*count);
  if (unit == "week") return days(7 * *count);
  return std::nullopt;
}

}  // namespace

Result<WallTime> when(std::string_view text, WallTime now, const Calendar& calendar, Edge edge) {
  const auto of_day = [&](Date day) {
    if (edge == Edge::begin) return calendar.start_of(day);
    return calendar.start_of(Date(std::chrono::sys_days(day) + days(1)));
  };
  const Date today = calendar.date_of(now);
  if (text == "now") return now;
  if (text == "today") return of_day(today);
  if (text == "yesterday") return of_day(Date(std::chrono::sys_days(today) - days(1)));
  if (const auto ago = time_ago(text)) return now - *ago;
  const auto at = [&](Date day, seconds clock) -> WallTime {
    const auto whole = std::chrono::floor<minutes>(clock);
    return calendar.at(day, whole) + (clock - whole);
  };
  if (const auto clock = clock_time(text)) return at(today, *clock);
  if (const auto day = parse_date(text)) return of_day(*day);
  if (text.size() > 11 && (text[10] == ' ' || text[10] == 'T')) {
    const auto day = parse_date(text.substr(0, 10));
    const auto clock = clock_time(text.substr(11));
    if (day && clock) return at(*day, *clock);
  }
  if (const auto moment = parse_rfc3339(text)) return *moment;
  return Error{
      Errc::invalid_argument,
      fmt::format("\"{}\" is no time that is understood here. Write yesterday, today, \"2 hours ago\", "
                  "2026-01-31, \"2026-01-31 09:30\", 09:30 (today), or 2026-01-31T09:30:00Z",
                  text.substr(0, 40))};
}

}  // namespace cardgate::audit
