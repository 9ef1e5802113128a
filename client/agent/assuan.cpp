// SPDX-License-Identifier: Apache-2.0
#include "client/agent/assuan.hpp"

#include <fmt/format.h>

#include "base/number.hpp"

namespace cardgate::agent {
namespace {

// gpg-error's codes, as pinentry gives them: source 5 (pinentry) in the upper byte.
constexpr std::uint32_t code_mask = 0xFFFF;
constexpr std::uint32_t code_timeout = 62;
constexpr std::uint32_t code_cancelled = 99;
constexpr std::uint32_t code_not_confirmed = 114;

constexpr std::size_t longest_value = 700;  // escaped; with the command it stays below Assuan's line

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string assuan_escaped(std::string_view text) {
  std::string out;
  std::size_t whole = 0;  // up to here there are whole characters
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) whole = out.size();
    if (c == '%' || c == '\n' || c == '\r') {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else if (static_cast<unsigned char>(c) >= ' ' && c != '\x7F') {
      out.push_back(c);
    }
    if (out.size() > longest_value) {
      out.resize(whole);
      break;
    }
  }
  return out;
}

std::vector<std::string> dialog_lines(const Prompt& prompt, std::string_view tty,
                                      std::string_view terminal_type, seconds patience) {
  std::vector<std::string> out{"OPTION lc-ctype=C.UTF-8"};
  if (!tty.empty()) {
    out.push_back(fmt::format("OPTION ttyname={}", assuan_escaped(tty)));
    if (!terminal_type.empty())
      out.push_back(fmt::format("OPTION ttytype={}", assuan_escaped(terminal_type)));
  }
  const auto set = [&](std::string_view command, const std::string& value) {
    if (!value.empty()) out.push_back(fmt::format("{} {}", command, assuan_escaped(value)));
  };
  const bool confirm = prompt.kind == Prompt::Kind::confirm;
  // pinentry-curses shows an error above a field alone.
  const bool above = confirm && !prompt.error.empty();
  set("SETTITLE", prompt.title);
  set("SETDESC", above ? prompt.error + "\n\n" + prompt.description : prompt.description);
  set("SETPROMPT", prompt.label);
  set("SETOK", prompt.ok);
  set("SETCANCEL", prompt.cancel);
  if (!confirm) set("SETERROR", prompt.error);
  out.push_back(fmt::format("SETTIMEOUT {}", patience.count()));
  if (!confirm) out.emplace_back("SETKEYINFO --clear");
  out.emplace_back(confirm ? "CONFIRM" : "GETPIN");
  return out;
}

bool take_data(std::string_view line, Secret& into, std::size_t& used) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    int byte = static_cast<unsigned char>(line[i]);
    if (line[i] == '%' && i + 2 < line.size() && hex_value(line[i + 1]) >= 0 && hex_value(line[i + 2]) >= 0) {
      byte = hex_value(line[i + 1]) * 16 + hex_value(line[i + 2]);
      i += 2;
    }
    if (used == into.size()) return false;
    into.bytes()[used++] = static_cast<std::uint8_t>(byte);
  }
  return true;
}

Answer answer_of_error(std::string_view line) {
  const auto number = whole_number<std::uint32_t>(line.substr(0, line.find(' ')));
  if (!number) return Answer::failed;
  switch (*number & code_mask) {
    case code_cancelled:
    case code_not_confirmed:
      return Answer::cancelled;
    case code_timeout:
      return Answer::timeout;
    default:
      return Answer::failed;
  }
}

}  // namespace cardgate::agent
