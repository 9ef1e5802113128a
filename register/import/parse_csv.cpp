// SPDX-License-Identifier: Apache-2.0
// Tables of people: the header, then a person a row.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/card_id.hpp"
#include "base/secret.hpp"
#include "base/unicode.hpp"
#include "register/enrolment.hpp"
#include "register/import/check.hpp"
#include "register/import/csv.hpp"
#include "register/import/csv_date.hpp"
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

/// Letters and digits alone, so that "Employee No.", "employee_no" and "EmployeeNo" are one heading.
std::string heading(std::string_view text) {
  std::string out;
  for (const char c : folded_text(text)) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    if (!ascii || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out.push_back(c);
  }
  return out;
}

const Column* find_column(std::string_view text) {
  const std::string wanted = heading(text);
  if (wanted.empty()) return nullptr;
  for (const auto& column : known_columns) {
    const auto fits = [&](std::string_view alias) { return heading(alias) == wanted; };
    if (fits(column.name) || std::ranges::any_of(column.aliases, fits)) return &column;
  }
  return nullptr;
}

/// What a spreadsheet writes where it could not work out or show a value.
bool is_fault(std::string_view cell) {
  static constexpr std::array faults{"#N/A", "#REF!", "#VALUE!", "#NAME?", "#NULL!", "#DIV/0!", "#NUM!"};
  const bool too_narrow = cell.size() >= 3 && cell.find_first_not_of('#') == std::string_view::npos;
  return too_narrow || std::ranges::find(faults, cell) != faults.end();
}

class Table {
 public:
  Table(std::string_view text, std::string_view name) : reader_(text, csv_start(text)), problems_(name) {
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

  /// The next row that has something in it, as people see it. False at the end, and where the file is not what it should
  /// be altogether.
  bool next_row() {
    while (!unreadable_ && reader_.next(row_)) {
      for (std::size_t i = 0; i < row_.cells.size(); ++i) {
        if (!readable(row_.cells[i], i)) return false;
      }
      if (!std::ranges::all_of(row_.cells, &std::string::empty)) return true;
    }
    return false;
  }

  bool readable(std::string& cell, std::size_t number) {
    if (is_utf8(cell)) {
      cell = visible_text(cell);
      return true;
    }
    problem(row_.line, column_name(number),
            "is not UTF-8. Save the file as UTF-8 (spreadsheets call it 'CSV UTF-8'); if it is Windows-1252, "
            "say so with --encoding windows-1252");
    out_.file.rows_lost = unreadable_ = true;
    return false;
  }

  bool read_header() {
    if (!next_row()) {
      if (!reader_.fault() && !unreadable_)
        problems_.add(1, "the file is empty: its first line names the columns");
      return false;
    }
    bool good = true;
    for (std::size_t i = 0; i < row_.cells.size(); ++i) {
      const std::string& text = row_.cells[i];
      const Column* column = find_column(text);
      headings_.push_back(text.empty() ? std::to_string(i + 1) : text);
      columns_.push_back(column);
      if (text.empty()) continue;  // an empty column, unless a row has something in it
      least_cells_ = i + 1;
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

  void read_rows() {
    while (next_row()) {
      if (out_.file.people.size() == max_people) {
        problems_.add(row_.line, fmt::format("expected at most {} people", max_people));
        out_.file.rows_lost = true;
        return;
      }
      if (!fits_header()) {
        out_.file.rows_lost = true;
        continue;
      }
      for (std::size_t i = 0; i < row_.cells.size(); ++i) {
        if (is_fault(row_.cells[i]))
          problem(
              row_.line, headings_[i],
              fmt::format(
                  "\"{}\" is what a spreadsheet writes in the place of a value that it could not work out "
                  "or show. Mend it there, and export the file again",
                  row_.cells[i]));
      }
      read_person();
    }
  }

  /// Nothing is cut off, and nothing stands outside the columns that have a name. Empty cells behind them do no harm.
  bool fits_header() {
    auto& cells = row_.cells;
    while (cells.size() > columns_.size() && cells.back().empty()) cells.pop_back();
    if (cells.size() < least_cells_ || cells.size() > columns_.size()) {
      problems_.add(row_.line, fmt::format("has {} cells, the header {}; the first that is {} is column '{}'",
                                           cells.size(), columns_.size(),
                                           cells.size() < least_cells_ ? "missing" : "too many",
                                           column_name(std::min(cells.size(), columns_.size()))));
      return false;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns_[i] != nullptr || cells[i].empty()) continue;
      problem(
          row_.line, headings_[i],
          fmt::format(
              "has no name in the first line, so \"{}\" cannot be taken over. Name the column, or empty it",
              cells[i]));
      return false;
    }
    return true;
  }

  /// The cell of a column that is there and not empty.
  const std::string* cell(std::string_view name) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] == nullptr || columns_[i]->name != name) continue;
      return i >= row_.cells.size() || row_.cells[i].empty() ? nullptr : &row_.cells[i];
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
      std::string one = visible_text(all.substr(0, end));
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
    card.uuid = is_uuid(*uuid) ? ascii_lower(*uuid) : card_id_from(*uuid);
    if (const auto why = why_placeholder("card_uuid", *uuid); !why.empty()) {
      card.uuid.clear();
      bad("card_uuid", fmt::format("{}. Write none", why));
    } else if (card.uuid.empty()) {
      bad("card_uuid", "expected a UUID like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01, or none");
    }
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
    person.username = normal_username(person.username);
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
  std::vector<const Column*> columns_;  // nullptr: an empty one
  std::size_t least_cells_ = 0;         // up to the last column that has a name
  std::vector<std::string> headings_;
  bool unreadable_ = false;
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
