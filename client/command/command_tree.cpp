// SPDX-License-Identifier: Apache-2.0
#include "client/command/command_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace cardgate::client {
namespace {

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

/// What CLI11 shows of the few values that an option takes, "TEXT:{csv,yaml}": csv and yaml.
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto from = type.find('{');
  const auto to = type.rfind('}');
  std::vector<std::string> out;
  if (from == std::string::npos || to == std::string::npos || to < from) return out;
  for (std::size_t at = from + 1; at < to;) {
    const auto end = std::min(type.find(',', at), to);
    out.push_back(type.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

void add_if_begins(std::set<std::string>& out, const std::string& word, std::string_view begin) {
  if (word.starts_with(begin)) out.insert(word);
}

/// scdoc takes these for marks of its own.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '_' || c == '*' || c == '#' || c == '~' || c == '<' || c == '>' || c == '.')
      out += '\\';
    out += c;
  }
  return out;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// "--format", "FILE", "-h, --help".
std::string label_of(const CLI::Option& option) {
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "--" : ", --") + name;
  return out.empty() ? option.get_single_name() : out;
}

void write_options(std::string& out, const CLI::App& command) {
  for (const auto* option : command.get_options()) {
    if (option->check_name("--help") || option->check_name("--version")) continue;
    out += fmt::format("*{}*", escaped(label_of(*option)));
    if (const auto values = values_of(*option); !values.empty())
      out += fmt::format(" _{}_", escaped(fmt::format("{}", fmt::join(values, "|"))));
    else if (takes_value(*option) && !option->get_positional())
      out += " _VALUE_";
    out += fmt::format("\n\t{}\n\n", escaped(option->get_description()));
  }
}

/// The footer has "Example:" and "Exit codes:", each with lines that stand further in.
void write_footer(std::string& out, const std::string& footer) {
  bool literal = false;
  for (std::size_t at = 0; at < footer.size();) {
    const auto end = std::min(footer.find('\n', at), footer.size());
    const auto line = footer.substr(at, end - at);
    at = end + 1;
    const bool further_in = line.starts_with(' ');
    if (literal && !further_in) out += "```\n\n";
    if (!literal && further_in) out += "```\n";
    if (further_in)
      out += line.substr(std::min(line.find_first_not_of(' '), line.size())) + "\n";
    else if (!line.empty())
      out += escaped(line) + "\n\n";
    literal = further_in;
  }
  if (literal) out += "```\n\n";
}

void write_commands(std::string& out, const CLI::App& command) {
  for (const auto* child : children_of(command)) {
    const auto below = children_of(*child);
    if (below.empty()) {
      out += fmt::format("## {}\n\n{}\n\n", full_name(*child), escaped(child->get_description()));
      write_options(out, *child);
      write_footer(out, child->get_footer());
    }
    write_commands(out, *child);
  }
}

}  // namespace

std::string full_name(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : full_name(*command.get_parent()) + " " + command.get_name();
}

const CLI::Option* option_of(const CLI::App& command, const std::string& name) {
  for (const CLI::App* each = &command; each != nullptr; each = each->get_parent()) {
    if (const auto* found = each->get_option_no_throw(name)) return found;
  }
  return nullptr;
}

std::vector<const CLI::App*> children_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* child_of(const CLI::App& command, std::string_view name) {
  for (const auto* child : children_of(command)) {
    if (child->check_name(std::string(name))) return child;
  }
  return nullptr;
}

std::vector<std::string> completions(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  const CLI::Option* waits = nullptr;  // an option whose value comes next
  const std::string last = words.empty() ? std::string() : words.back();
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const auto& word = words[i];
    if (waits != nullptr) {
      waits = nullptr;
    } else if (word.starts_with("-")) {
      const auto* option = option_of(*command, word.substr(0, word.find('=')));
      if (option != nullptr && takes_value(*option) && word.find('=') == std::string::npos) waits = option;
    } else if (const auto* next = child_of(*command, word)) {
      command = next;
    }
  }
  std::set<std::string> out;
  if (waits != nullptr) {
    for (const auto& value : values_of(*waits)) add_if_begins(out, value, last);
  } else if (last.starts_with("-")) {
    for (const CLI::App* each = command; each != nullptr; each = each->get_parent()) {
      for (const auto* option : each->get_options()) {
        for (const auto& name : option->get_lnames()) add_if_begins(out, "--" + name, last);
      }
    }
  } else {
    for (const auto* child : children_of(*command)) add_if_begins(out, child->get_name(), last);
  }
  return {out.begin(), out.end()};
}

std::string manual_page(const CLI::App& app, std::string_view version) {
  std::string out =
      fmt::format("{}(1) \"{} {}\" \"{}\"\n\n", app.get_name(), app.get_name(), version, "People's commands");
  out += fmt::format("# NAME\n\n{} - {}\n\n", app.get_name(),
                     "sign in with a smartcard, and see what you can use");
  out += fmt::format("# SYNOPSIS\n\n*{}* [_OPTIONS_] _COMMAND_ ...\n\n", app.get_name());
  out += "# OPTIONS OF EVERY COMMAND\n\n";
  write_options(out, app);
  out += "# COMMANDS\n\n";
  write_commands(out, app);
  out += fmt::format("# {}\n\n", upper("examples and exit codes"));
  write_footer(out, app.get_footer());
  out += "# SEE ALSO\n\n/usr/share/doc/cardgate/operations.md\n";
  return out;
}

}  // namespace cardgate::client
