// SPDX-License-Identifier: Apache-2.0
#include "register/csv_date.hpp"

#include <algorithm>
#include <array>

#include "register/normal.hpp"

namespace cardgate::reg {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};

/// -1 unless all are digits.
int number(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return text.empty() ? -1 : value;
}

CsvDate day_of(int year, int month, int day) {
  if (month > 12 && day <= 12)
    return {std::nullopt, "there is no such month: write the day first, 31/01/2026"};
  const Date date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                  std::chrono::day(static_cast<unsigned>(day))};
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
  if (mark == '-' && first.size() == 4 && second.size() == 2 && third.size() == 2) {
    if (number(first) < 0 || number(second) < 0 || number(third) < 0) return unknown;
    return day_of(number(first), number(second), number(third));
  }
  if (first.size() != 2 || number(first) < 0 || number(third) < 0) return unknown;
  const auto named = std::ranges::find(months, ascii_lower(second));
  const int month = mark == '-' ? (named == months.end() ? -1 : static_cast<int>(named - months.begin()) + 1)
                                : (second.size() == 2 ? number(second) : -1);
  if (month < 0) return unknown;
  if (third.size() == 2) return two_digits;
  if (third.size() != 4) return unknown;
  return day_of(number(third), month, number(first));
}

}  // namespace cardgate::reg
