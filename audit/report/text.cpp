// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "audit/report/render.hpp"
#include "base/shown.hpp"

namespace cardgate::audit::report {
namespace {

/// Characters, for text in UTF-8.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string filled(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, characters(text)), ' ');
  return right ? space + text : text + space;
}

bool looks_like_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789,.") == std::string_view::npos;
}

void add_wrapped(std::string& out, std::string_view text, std::size_t width, std::string_view indent) {
  std::size_t column = 0;
  const std::string shown = shown_text(text);
  std::string_view rest = shown;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    const auto word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto size = characters(word);
    if (column > 0 && column + 1 + size > width) {
      out += '\n';
      column = 0;
    }
    if (column == 0) {
      out += indent;
      column = indent.size();
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += size;
  }
  out += '\n';
}

void add_table(std::string& out, const Table& table) {
  std::vector<std::vector<std::string>> rows{table.columns};
  for (const auto& row : table.rows) rows.push_back(row);
  std::vector<std::size_t> widths(table.columns.size(), 0);
  std::vector<bool> right(table.columns.size(), true);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    rows[r].resize(widths.size());
    for (std::size_t c = 0; c < widths.size(); ++c) {
      rows[r][c] = shown_text(rows[r][c]);
      widths[c] = std::max(widths[c], characters(rows[r][c]));
      if (r > 0 && !looks_like_number(rows[r][c])) right[c] = false;
    }
  }
  out += fmt::format("\n  {}\n", table.title);
  for (const auto& row : rows) {
    std::string line = "    ";
    for (std::size_t c = 0; c < row.size(); ++c)
      line += (c > 0 ? "  " : "") + filled(row[c], widths[c], right[c]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  if (table.rows.empty()) out += "    nothing\n";
  if (table.left_out > 0) out += fmt::format("    and {} more\n", grouped(table.left_out));
}

void add_bars(std::string& out, const Series& series, std::size_t width) {
  double most = 0;
  std::size_t label = 0;
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    most = std::max(most, series.values[i]);
    label = std::max(label, characters(series.labels[i]));
  }
  out += fmt::format("\n  {}\n", series.title);
  const auto room = static_cast<double>(width > label + 24 ? width - label - 16 : 8);
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    const auto cells = most <= 0 ? 0 : static_cast<int>(std::ceil(series.values[i] / most * room));
    std::string bar;
    for (int cell = 0; cell < cells; ++cell) bar += "█";
    out += fmt::format("    {} │{} {}\n", filled(series.labels[i], label, false), bar,
                       grouped(static_cast<std::uint64_t>(series.values[i])));
  }
}

std::string records_text(const Finding& finding) {
  std::string out = fmt::format("{}", fmt::join(finding.records, ", "));
  if (finding.more_records > 0) out += fmt::format(" and {} more", grouped(finding.more_records));
  return out;
}

void add_finding(std::string& out, const Finding& finding, const Calendar& calendar, std::size_t width) {
  std::string title(name(finding.sure));
  title.front() = static_cast<char>(title.front() - 'a' + 'A');
  out += fmt::format("\n  {}{}{}\n", title, finding.person.empty() ? "" : ": ", shown_text(finding.person));
  add_wrapped(out, finding.what, width, "    ");
  add_wrapped(out, finding.how_sure, width, "    ");
  out += fmt::format("    {}; records {}\n", calendar.moment_text(finding.at), records_text(finding));
}

void add_section(std::string& out, const Section& section, const Report& report, std::size_t width) {
  out += fmt::format("\n{}\n{}\n", section.title, std::string(characters(section.title), '-'));
  for (const auto& text : section.text) add_wrapped(out, text, width, "  ");
  const bool tells = !section.findings.empty() || !section.tables.empty();
  if (tells && !section.why.empty()) add_wrapped(out, "Why it matters: " + section.why, width, "  ");
  if (tells && !section.next.empty()) add_wrapped(out, "What to do: " + section.next, width, "  ");
  for (const auto& finding : section.findings) add_finding(out, finding, report.calendar, width);
  if (section.more_findings > 0) out += fmt::format("\n  and {} more\n", grouped(section.more_findings));
  for (const auto& table : section.tables) add_table(out, table);
  for (const auto& series : section.series) add_bars(out, series, width);
}

}  // namespace

std::string to_text(const Report& report, std::size_t width) {
  std::string out = fmt::format("{}\n{}\n", report.title, std::string(characters(report.title), '='));
  add_wrapped(out,
              fmt::format("From {} to {}.", report.calendar.moment_text(report.from),
                          report.calendar.moment_text(report.to)),
              width, "");
  add_wrapped(
      out,
      fmt::format(
          "About {}. Made on {}. {} of the log{}.", report.scope, report.calendar.moment_text(report.made_at),
          count_of(report.records, "record", "records"),
          report.records == 0 ? std::string() : fmt::format(" ({} to {})", report.first, report.last)),
      width, "");
  for (const auto& sentence : report.not_seen) add_wrapped(out, "Not seen: " + sentence, width, "");
  if (!report.figures.empty()) out += '\n';
  std::size_t label = 0;
  for (const auto& figure : report.figures) label = std::max(label, characters(figure.label));
  for (const auto& figure : report.figures) {
    out += fmt::format("  {}  {}{}{}{}\n", filled(figure.label, label, false), figure.value,
                       figure.bad ? " (!)" : "", figure.note.empty() ? "" : "  ", figure.note);
  }
  for (const auto& section : report.sections) add_section(out, section, report, width);
  return out;
}

}  // namespace cardgate::audit::report
