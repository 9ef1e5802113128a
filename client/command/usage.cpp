// SPDX-License-Identifier: Apache-2.0
#include "client/command/usage.hpp"

#include <fmt/format.h>

#include "base/nearest.hpp"

namespace cardgate::client {
namespace {

/// "cardgate staff import", as people type it.
std::string full_name(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : full_name(*command.get_parent()) + " " + command.get_name();
}

std::string meant(std::string_view typed, const std::vector<std::string>& known, const CLI::App& command) {
  const auto near = nearest(typed, known);
  return fmt::format("{}See: {} --help", near ? fmt::format("Did you mean {}? ", *near) : std::string(),
                     full_name(command));
}

/// The option of this name (with its dashes) of the command, or of those above it, which fall through.
const CLI::Option* option_of(const CLI::App& command, const std::string& name) {
  for (const CLI::App* each = &command; each != nullptr; each = each->get_parent()) {
    if (const auto* found = each->get_option_no_throw(name)) return found;
  }
  return nullptr;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> out;
  for (const CLI::App* each = &command; each != nullptr; each = each->get_parent()) {
    for (const auto* option : each->get_options()) {
      for (const auto& name : option->get_lnames()) out.push_back("--" + name);
    }
  }
  return out;
}

const CLI::App* child_of(const CLI::App& command, const std::string& name) {
  for (const auto* child : command.get_subcommands([](const CLI::App*) { return true; })) {
    if (child->check_name(name)) return child;
  }
  return nullptr;
}

std::vector<std::string> children_of(const CLI::App& command) {
  std::vector<std::string> out;
  for (const auto* child : command.get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(child->get_name());
  return out;
}

}  // namespace

std::optional<std::string> unknown_word(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* command = &app;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& word = arguments[i];
    if (word == "--") return std::nullopt;
    if (word.starts_with("-") && word.size() > 1) {
      const std::string name = word.substr(0, word.find('='));
      const auto* option = option_of(*command, name);
      if (option == nullptr)
        return fmt::format("{} has no option {}. {}", full_name(*command), name,
                           meant(name, options_of(*command), *command));
      // Its value may look like anything.
      if (option->get_items_expected_max() > 0 && name.size() == word.size()) ++i;
      continue;
    }
    const auto children = children_of(*command);
    if (children.empty()) continue;  // a value of its own
    const auto* next = child_of(*command, word);
    if (next == nullptr)
      return fmt::format("{} has no command called {}. {}", full_name(*command), word,
                         meant(word, children, *command));
    command = next;
  }
  if (const auto children = children_of(*command);
      !children.empty() && command->get_require_subcommand_min() > 0) {
    return fmt::format("Say what to do: {} COMMAND. The commands are: {}. See: {} --help",
                       full_name(*command), fmt::join(children, ", "), full_name(*command));
  }
  return std::nullopt;
}

}  // namespace cardgate::client
