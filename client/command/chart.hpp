// SPDX-License-Identifier: Apache-2.0
// Tables and bars of plain characters, for terminals and for paper. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cardgate::client {

struct Bar {
  std::string label;
  std::int64_t count = 0;
};

/// A line each, "label │█████ 31", no wider than `width` characters where that leaves room for ten blocks. A block stands for
/// one while there is room, else the longest bar fills the line.
std::vector<std::string> bar_chart(const std::vector<Bar>& bars, std::size_t width);

/// Rows with their columns under one another; the first row is the heading. Columns of which every cell below the heading is
/// a number stand to the right. A cell longer than `widest` does not widen its column.
std::vector<std::string> table(const std::vector<std::vector<std::string>>& rows,
                               std::size_t widest = std::string::npos);

/// Fields of one line of CSV (RFC 4180), without its end. A field that begins with = + - @, a tab or a carriage return, which a
/// spreadsheet would take for a formula, gets an apostrophe before it; so do the wide forms of these signs.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace cardgate::client
