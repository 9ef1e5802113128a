// SPDX-License-Identifier: Apache-2.0
#include "base/calendar.hpp"

#include <date/tz.h>
#include <fmt/format.h>

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

Date Calendar::date_of(WallTime time) const {
  if (zone_ == nullptr) return cardgate::date_of(time);
  const auto offset = zone_->get_info(std::chrono::floor<seconds>(time)).offset;
  return cardgate::date_of(time + offset);
}

WallTime Calendar::start_of(Date day) const {
  const std::chrono::sys_days midnight(day);
  if (zone_ == nullptr) return midnight;
  return zone_->to_sys(::date::local_seconds(seconds(midnight.time_since_epoch())), ::date::choose::earliest);
}

std::string Calendar::moment_text(WallTime moment) const {
  WallTime local = moment;
  std::string clock = "UTC";
  if (zone_ != nullptr) {
    const auto info = zone_->get_info(std::chrono::floor<seconds>(moment));
    local += info.offset;
    clock = info.abbrev;
  }
  return fmt::format("{} at {} {}", day_text(cardgate::date_of(local)), to_rfc3339(local).substr(11, 5),
                     clock);
}

std::string Calendar::zone() const {
  return zone_ == nullptr ? "UTC" : zone_->name();
}

}  // namespace cardgate
