// SPDX-License-Identifier: Apache-2.0
#include "client/command/work/loan_end.hpp"

#include <ctime>

#include "base/number.hpp"

namespace cardgate::client {
namespace {

std::tm day_of_tm(Date date) {
  std::tm day{};
  day.tm_year = static_cast<int>(date.year()) - 1900;
  day.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  day.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
  return day;
}

/// Midnight here at the end of that day, or a time of it; mktime() brings what is over the end of a month into the next.
Result<WallTime> local_moment(std::tm day, int day_offset, int hour, int minute) {
  day.tm_mday += day_offset;
  day.tm_hour = hour;
  day.tm_min = minute;
  day.tm_sec = 0;
  day.tm_isdst = -1;
  const auto at = std::mktime(&day);
  if (at == -1) return Error{Errc::invalid_argument, "--until: there is no such time here"};
  return WallTime(seconds(at));
}

std::optional<int> two_digits(std::string_view text, int most) {
  const auto number = whole_number<int>(text);
  return text.size() == 2 && number && *number >= 0 && *number <= most ? number : std::nullopt;
}

struct Clockface {
  int hour, minute;
};
/// "17:30".
std::optional<Clockface> clockface(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = two_digits(text.substr(0, 2), 23);
  const auto minute = two_digits(text.substr(3), 59);
  return hour && minute ? std::optional(Clockface{*hour, *minute}) : std::nullopt;
}

}  // namespace

Result<WallTime> moment_here(const std::string& text, WallTime now) {
  const std::time_t at = to_unix_seconds(now);
  std::tm today{};
  ::localtime_r(&at, &today);
  if (const auto time = clockface(text)) return local_moment(today, 0, time->hour, time->minute);
  if (text.size() == 16 && (text[10] == ' ' || text[10] == 'T')) {
    const auto date = parse_date(std::string_view(text).substr(0, 10));
    const auto time = clockface(std::string_view(text).substr(11));
    if (date && time) return local_moment(day_of_tm(*date), 0, time->hour, time->minute);
  }
  if (const auto moment = parse_rfc3339(text)) return *moment;
  return Error{
      Errc::invalid_argument,
      "give a time like \"2026-12-05 22:00\" (this machine's time), a time of today like 22:00, or a time "
      "with its zone like 2026-12-05T22:00:00Z"};
}

Result<WallTime> loan_end(const std::string& text, WallTime now) {
  const std::time_t at = to_unix_seconds(now);
  std::tm today{};
  ::localtime_r(&at, &today);
  if (text == "tonight") return local_moment(today, 1, 0, 0);
  if (const auto time = clockface(text)) return local_moment(today, 0, time->hour, time->minute);
  if (const auto date = parse_date(text)) {
    return local_moment(day_of_tm(*date), 1, 0, 0);
  }
  if (const auto moment = parse_rfc3339(text)) return *moment;
  return Error{
      Errc::invalid_argument,
      "--until: give tonight, a time of today like 17:30, a day like 2026-06-01, or a time with its zone "
      "like 2026-06-01T17:30:00Z"};
}

}  // namespace cardgate::client
