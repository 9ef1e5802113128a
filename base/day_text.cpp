// SPDX-License-Identifier: Apache-2.0
#include "base/day_text.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/calendar.hpp"

namespace cardgate {

std::string day_text(Date day) {
  static constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                           "May",       "June",     "July",     "August",
                                                           "September", "October",  "November", "December"};
  if (!day.ok()) return "an unknown day";
  return fmt::format("{} {} {}", static_cast<unsigned>(day.day()),
                     months.at(static_cast<unsigned>(day.month()) - 1), static_cast<int>(day.year()));
}

std::string moment_text(WallTime moment) {
  return Calendar().moment_text(moment);
}

}  // namespace cardgate
