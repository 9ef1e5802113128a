// SPDX-License-Identifier: Apache-2.0
// Comma-separated values (RFC 4180), strictly: what does not follow the rules is a fault with its line and
// cell, never a guess. Pure; one thread per object.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardgate::reg {

struct CsvRow {
  int line = 0;  // 1-based, of its first character
  std::vector<std::string> cells;
};

struct CsvFault {
  int line = 0;
  std::size_t cell = 0;  // 0-based, in its row
  std::string text;
};

inline constexpr std::size_t max_csv_cells = 256;
inline constexpr std::size_t max_csv_cell_bytes = 64 * 1024;

/// Where a table begins, and what parts its cells.
struct CsvStart {
  char separator = ',';
  std::size_t at = 0;
  int line = 1;
};
/// As a first line "sep=;" says, which some spreadsheets write (one of , ; | and tab); else by csv_separator().
CsvStart csv_start(std::string_view text);

/// Which of , ; and tab parts the cells of the first row that is not empty; a comma when none does.
char csv_separator(std::string_view text);

class CsvReader {
 public:
  CsvReader(std::string_view text, char separator) : CsvReader(text, CsvStart{separator, 0, 1}) {}
  CsvReader(std::string_view text, const CsvStart& start)
      : text_(text), separator_(start.separator), at_(start.at), line_(start.line) {}
  /// The next row that is not wholly empty; false at the end, or at a fault, after which there is no going on.
  bool next(CsvRow& row);
  const std::optional<CsvFault>& fault() const { return fault_; }

 private:
  bool fail(int line, std::size_t cell, std::string_view text);
  bool quoted(std::string& cell, std::size_t number);
  bool plain(std::string& cell, std::size_t number);
  bool at_line_end() const;
  void skip_line_end();

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::optional<CsvFault> fault_;
};

}  // namespace cardgate::reg
