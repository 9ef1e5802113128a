// SPDX-License-Identifier: Apache-2.0
#include "register/import/csv_date.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/number.hpp"

namespace cardgate::reg {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};

using Number = std::optional<unsigned>;

Number month_named(std::string_view text) {
  const auto named = std::ranges::find(months, ascii_lower(text));
  if (named == months.end()) return std::nullopt;
  return static_cast<unsigned>(named - months.begin()) + 1;
}

CsvDate day_of(unsigned year, unsigned month, unsigned day) {
  if (month > 12 && day <= 12)
    return {std::nullopt, "there is no such month: write the day first, 31/01/2026"};
  const Date date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                  std::chrono::day(day)};
  if (!date.ok()) return {std::nullopt, "there is no such day"};
  return {date, {}};
}

}  // namespace

CsvDate read_csv_date(std::string_view text) {
  constexpr CsvDate unknown{std::nullopt,
                            "expected a date like 2026-01-31, 31/01/2026 or 31-JAN-2026, or none"};
  constexpr CsvDate two_digits{
      std::nullopt, "the year has two digits and could be another century's: write all four, 31-JAN-2026"};
  const char mark = text.find('/') != std::string_view::npos ? '/' : '-';
  std::array<std::string_view, 3> parts;
  std::size_t count = 0;
  for (std::size_t from = 0; from <= text.size() && count < parts.size(); ++count) {
    const auto end = count == 2 ? text.size() : std::min(text.find(mark, from), text.size());
    parts[count] = text.substr(from, end - from);
    from = end + 1;
  }
  if (count != 3) return unknown;
  const auto& [first, second, third] = parts;
  const Number front = whole_number<unsigned>(first);
  const Number middle = second.size() == 2 ? whole_number<unsigned>(second) : std::nullopt;
  const Number back = whole_number<unsigned>(third);
  if (!front || !back) return unknown;
  if (mark == '-' && first.size() == 4 && middle && third.size() == 2) return day_of(*front, *middle, *back);
  if (first.size() != 2) return unknown;
  const Number month = mark == '-' ? month_named(second) : middle;
  if (!month) return unknown;
  if (third.size() == 2) return two_digits;
  if (third.size() != 4) return unknown;
  return day_of(*back, *month, *front);
}

}  // namespace cardgate::reg
