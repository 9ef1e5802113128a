// SPDX-License-Identifier: Apache-2.0
// What is made from the tree of commands itself, so that it cannot say anything else than the command does: what a shell
// completes, and the manual page. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cardgate::client {

const CLI::App* child_of(const CLI::App& command, std::string_view name);
std::vector<const CLI::App*> children_of(const CLI::App& command);
/// "cardgate staff import", as people type it.
std::string full_name(const CLI::App& command);
/// The option of this name (with its dashes) of the command, or of those above it, which fall through; nullptr: none.
const CLI::Option* option_of(const CLI::App& command, const std::string& name);

/// What may stand in the place of the last of `words` (the line without the program's name; the last one may be empty), sorted.
/// Empty where only the user knows: a file, a name, a value that is not one of a few.
std::vector<std::string> completions(const CLI::App& app, const std::vector<std::string>& words);

/// The manual page, as scdoc(5) reads it. `version` stands in its foot.
std::string manual_page(const CLI::App& app, std::string_view version);

}  // namespace cardgate::client
