// SPDX-License-Identifier: Apache-2.0
// Dates as tables of staff write them. Internal to import/. Pure; thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace cardgate::reg {

struct CsvDate {
  std::optional<Date> date;
  std::string_view problem;  // when there is none
};

/// 2026-01-31, 31/01/2026 (day first, as in Britain) and 31-JAN-2026, of a day that exists. A year of two digits
/// could be another century's, a day or month of one digit another order's: refused.
CsvDate read_csv_date(std::string_view text);

}  // namespace cardgate::reg
