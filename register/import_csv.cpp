// SPDX-License-Identifier: Apache-2.0
// Tables of people: the header, then a person a row.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "register/csv.hpp"
#include "register/csv_date.hpp"
#include "register/enrolment.hpp"
#include "register/import_check.hpp"
#include "register/normal.hpp"

namespace cardgate::reg {
namespace {

struct Column {
  std::string_view name;
  std::array<std::string_view, 4> aliases;  // as ESR's extracts and others spell it
};
constexpr std::array<Column, 13> known_columns{{
    {"id", {"employee number", "employee no", "staff number", {}}},
    {"name", {"full name", "employee name", {}, {}}},
    {"email", {"email address", "e mail address", "work email address", {}}},
    {"username", {"user name", {}, {}, {}}},
    {"line_manager",
     {"supervisor employee number", "supervisor number", "manager employee number", "line manager number"}},
    {"employed_from", {"hire date", "latest hire date", "start date", "latest start date"}},
    {"employed_until", {"termination date", "actual termination date", "leaving date", "end date"}},
    {"unix_account", {"unix accounts", {}, {}, {}}},
    {"team", {"teams", {}, {}, {}}},
    {"card_uuid", {"card", {}, {}, {}}},
    {"card_valid_until", {"card expiry date", {}, {}, {}}},
    {"date_of_birth", {"birth date", {}, {}, {}}},
    {"national_insurance", {"ni number", "national insurance number", "national insurance no", "nino"}},
}};

/// Lower case, with single spaces for white space, underscores and hyphens.
std::string heading(std::string_view text) {
  std::string out;
  for (const char c : ascii_lower(text)) {
    const bool gap = c == ' ' || c == '_' || c == '-';
    if (!gap) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != ' ') {
      out.push_back(' ');
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

const Column* find_column(std::string_view text) {
  const std::string wanted = heading(text);
  for (const auto& column : known_columns) {
    if (heading(column.name) == wanted || std::ranges::find(column.aliases, wanted) != column.aliases.end()) {
      return wanted.empty() ? nullptr : &column;
    }
  }
  return nullptr;
}

/// Line ends and tabs within a cell are white space; white space around it is nothing.
void tidy(std::string& cell) {
  if (cell.find_first_of("\r\n\t") != std::string::npos) {
    std::string one_line;
    for (const char c : cell) {
      const bool gap = c == '\r' || c == '\n' || c == '\t' || c == ' ';
      if (!gap || (!one_line.empty() && one_line.back() != ' ')) one_line.push_back(gap ? ' ' : c);
    }
    cell = std::move(one_line);
  }
  while (cell.ends_with(' ')) cell.pop_back();
  cell.erase(0, std::min(cell.find_first_not_of(' '), cell.size()));
}

class Table {
 public:
  Table(std::string_view text, std::string_view name) : reader_(text, csv_separator(text)), problems_(name) {
    out_.file.name = name;
  }

  ParsedImport read() {
    if (read_header()) read_rows();
    if (const auto& fault = reader_.fault()) {
      problem(fault->line, column_name(fault->cell), fault->text);
      out_.file.rows_lost = true;
    }
    check_across(out_.file, problems_);
    out_.problems = problems_.take();
    out_.file.complete = out_.problems.empty();
    return std::move(out_);
  }

 private:
  void problem(int line, const std::string& column, std::string_view text) {
    problems_.add({line, fmt::format("column '{}': {}", column, text), column});
  }
  std::string column_name(std::size_t cell) const {
    return cell < headings_.size() ? headings_[cell] : std::to_string(cell + 1);
  }

  bool read_header() {
    if (!reader_.next(row_)) {
      if (!reader_.fault()) problems_.add(1, "the file is empty: its first line names the columns");
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < row_.cells.size(); ++i) {
      std::string& text = row_.cells[i];
      if (!readable(i, std::to_string(i + 1))) return false;
      headings_.push_back(text.empty() ? std::to_string(i + 1) : text);
      const Column* column = find_column(text);
      columns_.push_back(column);
      if (column == nullptr) {
        std::vector<std::string_view> names;
        for (const auto& each : known_columns) names.push_back(each.name);
        problem(
            row_.line, headings_[i],
            fmt::format("is unknown; expected one of: {}, or ESR's names for them. Take it out of the file",
                        fmt::join(names, ", ")));
        good = false;
      } else if (!out_.file.columns.emplace(column->name, text).second) {
        problem(row_.line, text,
                fmt::format("stands for {}, as does '{}'", column->name,
                            out_.file.columns.find(column->name)->second));
        good = false;
      }
    }
    if (good && !out_.file.columns.contains("id")) {
      problems_.add(row_.line, "the column 'id' (ESR: 'Employee Number') is missing");
      good = false;
    }
    return good;
  }

  /// False when the file is not what it should be altogether.
  bool readable(std::size_t cell, const std::string& column) {
    std::string& text = row_.cells[cell];
    tidy(text);
    if (is_plain_utf8(text) || is_utf8(text)) return true;
    problem(row_.line, column,
            "is not UTF-8. Save the file as UTF-8 (spreadsheets call it 'CSV UTF-8'); if it is Windows-1252, "
            "say so with --encoding windows-1252");
    return false;
  }

  void read_rows() {
    while (reader_.next(row_)) {
      if (out_.file.people.size() == max_people) {
        problems_.add(row_.line, fmt::format("expected at most {} people", max_people));
        out_.file.rows_lost = true;
        return;
      }
      if (row_.cells.size() != columns_.size()) {
        problems_.add(
            row_.line,
            fmt::format("has {} cells, the header {}; the first that is {} is column '{}'", row_.cells.size(),
                        columns_.size(), row_.cells.size() < columns_.size() ? "missing" : "too many",
                        column_name(std::min(row_.cells.size(), columns_.size()))));
        out_.file.rows_lost = true;
        continue;
      }
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (readable(i, headings_[i])) continue;
        out_.file.rows_lost = true;
        return;
      }
      read_person();
    }
  }

  /// The cell of a column that is there and not empty.
  const std::string* cell(std::string_view name) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i]->name == name) return row_.cells[i].empty() ? nullptr : &row_.cells[i];
    }
    return nullptr;
  }
  void bad(std::string_view name, std::string_view text) {
    const auto column = out_.file.columns.find(name);
    problem(row_.line, column == out_.file.columns.end() ? std::string(name) : column->second, text);
  }

  bool text(std::string_view name, std::string& to, std::size_t max_length = max_text_length,
            bool clearable = true) {
    const std::string* found = cell(name);
    if (found == nullptr) return false;
    if (!is_plain_utf8(*found)) {
      bad(name, "expected text without control characters");
    } else if (found->size() > max_length) {
      bad(name, fmt::format("expected at most {} bytes", max_length));
    } else if (!clearable || *found != "none") {
      to = *found;
    }
    return true;
  }

  bool date(std::string_view name, std::optional<Date>& to) {
    const std::string* found = cell(name);
    if (found == nullptr) return false;
    if (*found == "none") return true;
    if (const auto read = read_csv_date(*found); read.date) {
      to = read.date;
    } else {
      bad(name, read.problem);
    }
    return true;
  }

  bool texts(std::string_view name, std::vector<std::string>& to) {
    std::string all;
    if (!text(name, all, max_list_items * max_text_length)) return false;
    while (!all.empty()) {
      const auto end = std::min(all.find('|'), all.size());
      std::string one = all.substr(0, end);
      tidy(one);
      all.erase(0, end + 1);
      if (one.size() > max_text_length) bad(name, fmt::format("expected at most {} bytes", max_text_length));
      if (!one.empty() && std::ranges::find(to, one) == to.end()) to.push_back(std::move(one));
    }
    if (to.size() > max_list_items) bad(name, fmt::format("expected at most {} items", max_list_items));
    return true;
  }

  void read_card(ImportedPerson& out) {
    Card card;
    auto& given = out.given;
    given.card_valid_until = date("card_valid_until", card.valid_until);
    const std::string* uuid = cell("card_uuid");
    if (uuid == nullptr) {
      if (given.card_valid_until) bad("card_valid_until", "there is no card_uuid beside it");
      return;
    }
    given.cards = true;
    if (*uuid == "none") return;
    given.card_in_use = true;
    if (!is_uuid(*uuid))
      bad("card_uuid", "expected a UUID like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01, or none");
    card.uuid = is_uuid(*uuid) ? ascii_lower(*uuid) : "";
    out.person.cards.push_back(std::move(card));
    out.lines.cards.push_back(row_.line);
  }

  void read_enrolment(ImportedPerson& out) {
    const bool dated = date("date_of_birth", out.enrolment.born);
    const std::string* number = cell("national_insurance");
    if (!dated && number == nullptr) return;
    out.given.enrolment = true;
    if (const auto wrong = check_born(out.enrolment.born); !wrong.empty()) bad("date_of_birth", wrong);
    const bool cleared = number != nullptr && *number == "none";
    if (number != nullptr && !cleared) {
      const auto start = ni_start_of(*number);
      if (start) {
        out.enrolment.ni_start = *start;
      } else {
        bad("national_insurance", ni_expected);
      }
    }
    if (!dated || number == nullptr || (cleared && out.enrolment.born)) {
      bad(dated ? "national_insurance" : "date_of_birth", enrolment_is_both);
    }
  }

  void read_person() {
    ImportedPerson out;
    out.line = out.lines.line_manager = out.lines.username = out.lines.removed = row_.line;
    Person& person = out.person;
    auto& given = out.given;
    if (!text("id", person.id, max_id_length, false)) bad("id", "is empty");
    given.name = text("name", person.name, max_text_length, false);
    given.email = text("email", person.email);
    given.username = text("username", person.username, max_id_length);
    given.line_manager = text("line_manager", person.line_manager, max_id_length);
    given.employed_from = date("employed_from", person.employed_from);
    given.employed_until = date("employed_until", person.employed_until);
    if (person.employed_from && person.employed_until && *person.employed_until < *person.employed_from) {
      bad("employed_until", fmt::format("{} is before the first day, {}", to_text(*person.employed_until),
                                        to_text(*person.employed_from)));
    }
    given.unix_accounts = texts("unix_account", person.unix_accounts);
    given.teams = texts("team", person.teams);
    read_card(out);
    read_enrolment(out);
    out_.file.people.push_back(std::move(out));
  }

  CsvReader reader_;
  CsvRow row_;
  Problems problems_;
  ParsedImport out_;
  std::vector<const Column*> columns_;
  std::vector<std::string> headings_;
};

}  // namespace

ParsedImport parse_import_csv(std::string_view bytes, std::string_view name, TextEncoding encoding) {
  std::string text;
  if (auto fault = to_utf8(bytes, encoding, text)) {
    wipe(text);
    ParsedImport out;
    out.file.name = name;
    out.file.complete = false;
    out.file.rows_lost = true;
    out.problems.push_back({fault->line, std::move(fault->text)});
    return out;
  }
  auto parsed = Table(text, name).read();
  wipe(text);  // dates of birth are in it
  return parsed;
}

}  // namespace cardgate::reg
