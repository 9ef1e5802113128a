// SPDX-License-Identifier: Apache-2.0
#include "client/command/chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cardgate::client {
namespace {

constexpr std::size_t fewest_cells = 10;
constexpr std::int64_t eighths_of_a_cell = 8;

/// Characters, for text in UTF-8.
std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string_view text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, length(text)), ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

std::string blocks(std::int64_t eighths) {
  static constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  std::string out;
  for (auto whole = eighths / eighths_of_a_cell; whole > 0; --whole) out += "█";
  return out.append(parts.at(static_cast<std::size_t>(eighths % eighths_of_a_cell)));
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::string> bar_chart(const std::vector<Bar>& bars, std::size_t width) {
  std::size_t label = 0;
  std::int64_t most = 1;
  for (const auto& bar : bars) {
    label = std::max(label, length(bar.label));
    most = std::max(most, bar.count);
  }
  const std::size_t taken = label + 3 + std::to_string(most).size();  // " │" before the bar, " " behind it
  const auto cells = static_cast<std::int64_t>(std::max(fewest_cells, width - std::min(width, taken)));
  std::vector<std::string> out;
  for (const auto& bar : bars) {
    const auto full = bar.count * eighths_of_a_cell;
    // Somebody is never nothing.
    const auto eighths =
        most <= cells ? full : std::max<std::int64_t>(full * cells / most, bar.count > 0 ? 1 : 0);
    out.push_back(fmt::format("{} │{} {}", padded(bar.label, label, false), blocks(eighths), bar.count));
  }
  return out;
}

std::vector<std::string> table(const std::vector<std::vector<std::string>>& rows, std::size_t widest) {
  std::vector<std::size_t> widths;
  std::vector<bool> numbers;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    widths.resize(std::max(widths.size(), rows[r].size()));
    numbers.resize(widths.size(), true);
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      widths[c] = std::max(widths[c], std::min(length(rows[r][c]), widest));
      if (r > 0 && !is_number(rows[r][c])) numbers[c] = false;
    }
  }
  std::vector<std::string> out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      line += (c > 0 ? "  " : "") + padded(row[c], widths[c], numbers[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.push_back(std::move(line));
  }
  return out;
}

namespace {

bool begins_formula(std::string_view text) {
  constexpr std::string_view wide[] = {"\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  return (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) ||
         std::ranges::any_of(wide, [&](std::string_view sign) { return text.starts_with(sign); });
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
  std::string out;
  for (const auto& field : fields) {
    std::string text = field;
    if (begins_formula(text)) text.insert(0, "'");
    if (text.find_first_of(",\"\n\r") != std::string::npos) {
      for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2))
        text.insert(at, "\"");
      text = '"' + text + '"';
    }
    if (&field != &fields.front()) out += ',';
    out += text;
  }
  return out;
}

}  // namespace cardgate::client
