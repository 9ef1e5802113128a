// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <fmt/format.h>
#include <time.h>

#include <charconv>
#include <optional>

namespace cardgate {
namespace {

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  }
  BootTime boot() const override { return BootClock::now(); }
};

/// Exactly `digits` decimal digits at the front of `text`, which is shortened by them.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Date> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const Date date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                  std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return date;
}

}  // namespace

BootTime BootClock::now() noexcept {
  timespec ts{};
  clock_gettime(CLOCK_BOOTTIME, &ts);
  return BootTime(std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec));
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string to_rfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const Date date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  return fmt::format("{}T{:02}:{:02}:{:02}.{:03}Z", to_text(date), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  const Error bad{Errc::malformed,
                  fmt::format("'{}' is not a time like 2026-01-31T09:30:00Z", text.substr(0, 40))};
  const auto date = take_date(text);
  if (!date || (!take(text, 'T') && !take(text, 't') && !take(text, ' '))) return bad;
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ':')) return bad;
  const auto minute = take_number(text, 2);
  if (!minute || !take(text, ':')) return bad;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return bad;
  WallTime time =
      start_of(*date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + seconds(*second);
  if (take(text, '.')) {
    int scale = 100;
    std::size_t digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits, scale /= 10) {
      time += milliseconds((text.front() - '0') * scale);
      text.remove_prefix(1);
    }
    if (digits == 0) return bad;
  }
  if (take(text, 'Z') || take(text, 'z'))
    return text.empty() ? Result<WallTime>(time) : Result<WallTime>(bad);
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return bad;
  const auto offset_hour = take_number(text, 2);
  if (!offset_hour || !take(text, ':')) return bad;
  const auto offset_minute = take_number(text, 2);
  if (!offset_minute || !text.empty() || *offset_hour > 23 || *offset_minute > 59) return bad;
  const auto offset = std::chrono::hours(*offset_hour) + std::chrono::minutes(*offset_minute);
  return ahead ? time - offset : time + offset;
}

std::string to_text(Date date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

Result<Date> parse_date(std::string_view text) {
  std::string_view rest = text;
  const auto date = take_date(rest);
  if (!date || !rest.empty()) {
    return Error{Errc::malformed, fmt::format("'{}' is not a date like 2026-01-31", text.substr(0, 40))};
  }
  return *date;
}

Date date_of(WallTime time) {
  return Date{std::chrono::floor<std::chrono::days>(time)};
}
WallTime start_of(Date date) {
  return WallTime(std::chrono::sys_days(date));
}
std::int64_t to_unix_seconds(WallTime time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

Result<milliseconds> parse_duration(std::string_view text) {
  const Error bad{Errc::malformed,
                  fmt::format("'{}' is not a duration like 90s, 15m, 12h, 30d or 500ms", text.substr(0, 40))};
  std::int64_t count = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failure != std::errc() || count < 0 || count > 1'000'000'000) return bad;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "ms") return milliseconds(count);
  if (unit == "s") return milliseconds(seconds(count));
  if (unit == "m") return milliseconds(std::chrono::minutes(count));
  if (unit == "h") return milliseconds(std::chrono::hours(count));
  if (unit == "d") return milliseconds(std::chrono::hours(24 * count));
  return bad;
}

}  // namespace cardgate
