// SPDX-License-Identifier: Apache-2.0
#include "client/command/usage.hpp"

#include <fmt/format.h>

#include "base/nearest.hpp"
#include "client/command/command_tree.hpp"

namespace cardgate::client {
namespace {

std::string meant(std::string_view typed, const std::vector<std::string>& known, const CLI::App& command) {
  const auto near = nearest(typed, known);
  return fmt::format("{}See: {} --help", near ? fmt::format("Did you mean {}? ", *near) : std::string(),
                     full_name(command));
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

std::vector<std::string> names_of_children(const CLI::App& command) {
  std::vector<std::string> out;
  for (const auto* child : children_of(command)) out.push_back(child->get_name());
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
    const auto children = names_of_children(*command);
    if (children.empty()) continue;  // a value of its own
    const auto* next = child_of(*command, word);
    if (next == nullptr)
      return fmt::format("{} has no command called {}. {}", full_name(*command), word,
                         meant(word, children, *command));
    command = next;
  }
  if (const auto children = names_of_children(*command);
      !children.empty() && command->get_require_subcommand_min() > 0) {
    return fmt::format("Say what to do: {} COMMAND. The commands are: {}. See: {} --help",
                       full_name(*command), fmt::join(children, ", "), full_name(*command));
  }
  return std::nullopt;
}

}  // namespace cardgate::client
