// SPDX-License-Identifier: Apache-2.0
// What was wrong with a command line that was not understood, in words of our own. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cardgate::client {

/// The first word that is no command, or option that the command does not have, with the one that was meant. Nothing when all
/// are known: then something else is wrong. `arguments` without the program's own name.
std::optional<std::string> unknown_word(const CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace cardgate::client
