// SPDX-License-Identifier: Apache-2.0
// A report as plain data: what it is about, what it could see, and sections of figures, tables, plots and findings. The renderers
// (render.hpp) make text, JSON or one HTML page of it. Pure; thread-safe.
//
// Texts are for people. Whatever came from the log stands in them as it was written there: the renderers see to it that it is
// shown and never run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/calendar.hpp"

namespace cardgate::audit::report {

enum class Sureness : std::uint8_t { possible, likely, certain };
std::string_view name(Sureness sure);

/// Something that a person must look at.
struct Finding {
  std::string kind;    // a stable code: "card_in_two_places"
  std::string person;  // the personnel number, and no more
  WallTime at{};
  std::string what;                    // a sentence
  std::vector<std::uint64_t> records;  // numbers of the records that show it, ascending
  std::uint64_t more_records = 0;      // beyond those
  Sureness sure = Sureness::possible;
  std::string how_sure;  // why so sure, and no surer
};

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::uint64_t left_out = 0;  // rows that are not shown
};

/// Numbers along one axis: bars.
struct Series {
  std::string title, unit;
  std::vector<std::string> labels;
  std::vector<double> values;
};

struct Figure {
  std::string label, value;
  std::string note = {};
  bool bad = false;  // worse than it should be
};

struct Section {
  std::string title;
  std::string why;   // why it matters
  std::string next;  // what to do
  std::vector<std::string> text{};
  std::vector<Table> tables{};
  std::vector<Series> series{};
  std::vector<Finding> findings{};
  std::uint64_t more_findings = 0;  // that are counted, and not told
};

struct Report {
  std::string kind, title;
  WallTime from{}, to{}, made_at{};
  Calendar calendar{};
  std::string scope;                  // about whom it is: "everybody", "the team of 10017"
  std::uint64_t records = 0;          // of the log, in the period
  std::uint64_t first = 0, last = 0;  // their numbers
  std::vector<std::string> not_seen;  // what the report could not see, a sentence each
  std::vector<Figure> figures;
  std::vector<Section> sections;
};

/// Longest list of records in one finding, of findings in one section, and of rows in one table.
inline constexpr std::size_t max_records = 12;
inline constexpr std::size_t max_findings = 1000;
inline constexpr std::size_t max_rows = 2000;

/// Adds a row, or counts it when the table is full.
void add_row(Table& table, std::vector<std::string> row);
/// "1,234,567".
std::string grouped(std::uint64_t number);
/// "1 sign-in", "2 sign-ins".
std::string count_of(std::uint64_t number, std::string_view one, std::string_view many);

}  // namespace cardgate::audit::report
