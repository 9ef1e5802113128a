// SPDX-License-Identifier: Apache-2.0
#include "client/command/wrap.hpp"

#include <algorithm>

namespace cardgate::client {
namespace {

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

/// Where to cut: the last blank within `width` characters, or else the first one behind them; npos: nowhere.
std::size_t cut_of(std::string_view line, std::size_t width) {
  std::size_t column = 0;
  auto last = std::string_view::npos;
  const auto first_word = line.find_first_not_of(' ');
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ' && i > first_word) {
      if (column <= width || last == std::string_view::npos) last = i;
      if (column > width) return last;
    }
    if (begins_character(line[i])) ++column;
  }
  return column <= width ? std::string_view::npos : last;
}

void add_line(std::string& out, std::string line, std::size_t width) {
  const auto begin = std::min(line.find_first_not_of(' '), line.size());
  std::size_t indent = begin + 2;
  if (indent > width / 2) indent = 0;
  for (;;) {
    const auto cut = cut_of(line, width);
    if (cut == std::string::npos) break;
    out += line.substr(0, line.find_last_not_of(' ', cut) + 1);
    const auto next = line.find_first_not_of(' ', cut);
    if (next == std::string::npos) return;
    out += '\n';
    line = std::string(indent, ' ') + line.substr(next);
  }
  out += line;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (begin > 0) out += '\n';
    add_line(out, std::string(text.substr(begin, end - begin)), width);
    begin = end + 1;
  }
  return out;
}

}  // namespace cardgate::client
