// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/entries.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cardgate::client {
namespace {

/// Without its comment and what stands around it. Good for lines that are a key, an empty list or "- ".
std::string_view bare(std::string_view line) {
  if (const auto comment = line.find(" #"); comment != std::string_view::npos) line = line.substr(0, comment);
  while (line.ends_with(' ') || line.ends_with('\r') || line.ends_with('\t')) line.remove_suffix(1);
  return line;
}

std::string entry_text(std::size_t indent, const std::vector<std::string>& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += fmt::format("{:{}}{}{}\n", "", indent, i == 0 ? "- " : "  ", lines[i]);
  return out;
}

/// How far in the first item stands; 2 when there is none. Errors: invalid_argument (what follows is no list).
Result<std::size_t> indent_of_list(std::string_view rest, std::string_view key) {
  constexpr std::size_t usual = 2;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto first = line.find_first_not_of(" \r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    if (line.substr(first).starts_with("- ")) return first;
    if (first == 0) return usual;  // the next key
    return Error{Errc::invalid_argument,
                 fmt::format("`{}` is not written as a list of lines with \"- \"", key)};
  }
  return usual;
}

}  // namespace

Result<std::string> with_entry(std::string_view text, std::string_view key,
                               const std::vector<std::string>& lines) {
  const std::string head = std::string(key) + ":";
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    const auto next = std::min(end + 1, text.size());
    if (!line.starts_with(head)) {
      at = next;
      continue;
    }
    std::string out(text.substr(0, at));
    if (bare(line) == head + " []" || bare(line) == head + " ~") {
      out += head + "\n" + entry_text(2, lines);
    } else if (bare(line) == head) {
      const auto indent = TRY(indent_of_list(text.substr(next), key));
      out += std::string(line) + "\n" + entry_text(indent, lines);
    } else {
      return Error{Errc::invalid_argument,
                   fmt::format("`{}` is not written as a list of lines with \"- \"", key)};
    }
    return out + std::string(text.substr(next));
  }
  std::string out(text);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  return out + head + "\n" + entry_text(2, lines);
}

Result<std::string> quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return Error{Errc::invalid_argument, "a name holds no control characters"};
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace cardgate::client
