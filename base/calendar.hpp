// SPDX-License-Identifier: Apache-2.0
// The days that people live by: those of the hospital's time zone, in which a last day ends at local midnight, in summer too.
// Immutable; thread-safe; cheap to copy.
#pragma once

#include <string>

#include "base/clock.hpp"

// Of Debian's libhowardhinnant-date, whose headers stay out of ours.
namespace date {
class time_zone;
}

namespace cardgate {

class Calendar {
 public:
  /// UTC.
  Calendar() = default;
  /// A zone by its name in the tz database, as in "Europe/London". Errors: not_found.
  static Result<Calendar> of(const std::string& zone);
  /// This machine's zone, or the one that the environment's TZ names; UTC where neither is known.
  static Calendar of_machine();

  /// The day in which `time` falls, and the first instant of a day: where no midnight is, the first one after it.
  Date date_of(WallTime time) const;
  WallTime start_of(Date day) const;
  /// So long after midnight, by the clocks of the zone; where the clocks go over that time, the first moment after it.
  WallTime at(Date day, std::chrono::minutes of_day) const;
  /// "2028-03-31 17:05:09", by the clocks of the zone, and which clock that is: "BST", "UTC".
  struct Clockface {
    std::string text, clock;
  };
  Clockface clockface(WallTime moment) const;
  /// "31 March 2028 at 17:05" and which clock that is: "BST", "UTC".
  std::string moment_text(WallTime moment) const;
  /// "UTC" when none was asked for.
  std::string zone() const;

  friend bool operator==(const Calendar&, const Calendar&) = default;

 private:
  const date::time_zone* zone_ =
      nullptr;  // of the library's table, which lives as long as the process; null: UTC
};

}  // namespace cardgate
