// SPDX-License-Identifier: Apache-2.0
#include "register/import/csv.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

namespace cardgate::reg {

CsvStart csv_start(std::string_view text) {
  constexpr std::string_view says = "sep=", separators = ",;|\t";
  const auto end = text.find('\n');
  std::string_view first = text.substr(0, end);
  if (first.starts_with('"')) first.remove_prefix(1);
  const bool said = end != std::string_view::npos && first.size() > says.size() &&
                    ascii_lower(first.substr(0, says.size())) == says &&
                    separators.find(first[says.size()]) != std::string_view::npos &&
                    // What other programs put behind it: a quotation mark, empty cells.
                    first.substr(says.size() + 1).find_first_not_of("\" \r,;|\t") == std::string_view::npos;
  if (said) return {first[says.size()], end + 1, 2};
  return {csv_separator(text), 0, 1};
}

char csv_separator(std::string_view text) {
  constexpr std::array candidates{',', ';', '\t'};
  std::array<std::size_t, candidates.size()> counts{};
  bool in_quotes = false, empty = true;
  for (const char c : text) {
    if (c == '"') in_quotes = !in_quotes;
    const bool line_end = c == '\n' || c == '\r';
    if (!in_quotes && line_end && !empty) break;
    empty = empty && (line_end || c == ' ');
    if (in_quotes) continue;
    for (std::size_t i = 0; i < candidates.size(); ++i) counts[i] += candidates[i] == c ? 1 : 0;
  }
  return candidates[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

bool CsvReader::fail(int line, std::size_t cell, std::string_view text) {
  fault_ = CsvFault{line, cell, std::string(text)};
  return false;
}

bool CsvReader::at_line_end() const {
  return text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
}

void CsvReader::skip_line_end() {
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
}

/// At the opening quotation mark.
bool CsvReader::quoted(std::string& cell, std::size_t number) {
  const int began = line_;
  ++at_;
  for (;;) {
    const auto quote = text_.find('"', at_);
    const auto piece = text_.substr(at_, quote == std::string_view::npos ? quote : quote - at_);
    if (quote == std::string_view::npos || cell.size() + piece.size() > max_csv_cell_bytes) {
      return fail(began, number,
                  quote == std::string_view::npos ? "the quotation mark at its beginning is never closed"
                                                  : "is far too long: is a quotation mark missing?");
    }
    cell += piece;
    line_ += static_cast<int>(std::ranges::count(piece, '\n'));
    at_ = quote + 1;
    if (at_ == text_.size() || text_[at_] != '"') break;
    cell += '"';
    ++at_;
  }
  if (at_ == text_.size() || text_[at_] == separator_ || at_line_end()) return true;
  return fail(line_, number, "has text behind its closing quotation mark");
}

bool CsvReader::plain(std::string& cell, std::size_t number) {
  const auto began = at_;
  while (at_ < text_.size() && text_[at_] != separator_ && !at_line_end()) {
    if (text_[at_] == '"') return fail(line_, number, "has a quotation mark that is not at its beginning");
    if (text_[at_] == '\r') return fail(line_, number, "has a line end of a carriage return alone");
    ++at_;
  }
  if (at_ - began > max_csv_cell_bytes) return fail(line_, number, "is far too long");
  cell.assign(text_.substr(began, at_ - began));
  return true;
}

bool CsvReader::next(CsvRow& row) {
  if (fault_) return false;
  while (at_ < text_.size() && at_line_end()) skip_line_end();
  if (at_ == text_.size()) return false;
  row.line = line_;
  std::size_t count = 0;
  for (;;) {
    if (count == max_csv_cells) return fail(line_, count, "is one too many: a row has at most 256 cells");
    if (count == row.cells.size()) row.cells.emplace_back();
    std::string& cell = row.cells[count];
    cell.clear();
    const bool opens = at_ < text_.size() && text_[at_] == '"';
    if (!(opens ? quoted(cell, count) : plain(cell, count))) return false;
    ++count;
    if (at_ == text_.size()) break;
    if (text_[at_] != separator_) {
      skip_line_end();
      break;
    }
    ++at_;
  }
  row.cells.resize(count);
  return true;
}

}  // namespace cardgate::reg
