// SPDX-License-Identifier: Apache-2.0
#include "base/calendar.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include "base/day_text.hpp"

namespace cardgate {

Result<Calendar> Calendar::of(const std::string& zone) {
  Calendar out;
  try {
    out.zone_ = ::date::locate_zone(zone);
    // The library reads a zone when it is first used, and says only then that its file is damaged.
    static_cast<void>(out.zone_->get_info(std::chrono::sys_days()));
  } catch (const std::exception&) {
    return Error{Errc::not_found,
                 fmt::format("'{}' is not a time zone like Europe/London that this machine knows",
                             zone.substr(0, 40))};
  }
  return out;
}

Calendar Calendar::of_machine() {
  if (const char* named = std::getenv("TZ"); named != nullptr && *named != '\0') {
    const std::string zone(*named == ':' ? named + 1 : named);
    const auto found = of(zone);
    return found ? *found : Calendar();
  }
  Calendar out;
  try {
    out.zone_ = ::date::current_zone();
    static_cast<void>(out.zone_->get_info(std::chrono::sys_days()));
  } catch (const std::exception&) {
    out.zone_ = nullptr;  // no such file, or one that the library cannot read
  }
  return out;
}

Date Calendar::date_of(WallTime time) const {
  if (zone_ == nullptr) return cardgate::date_of(time);
  const auto offset = zone_->get_info(std::chrono::floor<seconds>(time)).offset;
  return cardgate::date_of(time + offset);
}

WallTime Calendar::start_of(Date day) const {
  return at(day, std::chrono::minutes(0));
}

WallTime Calendar::at(Date day, std::chrono::minutes of_day) const {
  const auto moment = std::chrono::sys_days(day) + of_day;
  if (zone_ == nullptr) return moment;
  return zone_->to_sys(::date::local_seconds(seconds(moment.time_since_epoch())), ::date::choose::earliest);
}

Calendar::Clockface Calendar::clockface(WallTime moment) const {
  std::string clock = "UTC";
  WallTime local = moment;
  if (zone_ != nullptr) {
    const auto info = zone_->get_info(std::chrono::floor<seconds>(moment));
    local += info.offset;
    clock = info.abbrev;
  }
  auto text = to_rfc3339(local).substr(0, 19);
  text[10] = ' ';
  return {std::move(text), std::move(clock)};
}

std::string Calendar::moment_text(WallTime moment) const {
  const auto [text, clock] = clockface(moment);
  const auto day = parse_date(std::string_view(text).substr(0, 10));
  return fmt::format("{} at {} {}", day_text(day.value()), text.substr(11, 5), clock);
}

std::string Calendar::zone() const {
  return zone_ == nullptr ? "UTC" : zone_->name();
}

}  // namespace cardgate
