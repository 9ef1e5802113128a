// SPDX-License-Identifier: Apache-2.0
// `cardgate setup` at a terminal: leads root through what is still missing, a question at a time. Each answer is checked and in force
// before the next question, so it can be broken off and run again at any time. One thread.
#pragma once

#include "client/command/cli.hpp"
#include "client/command/set_up/machine.hpp"

namespace cardgate::client {

/// What the guide uses of other commands. Each says how it went, and gives its exit code.
struct Steps {
  std::function<int(const std::string& file, bool dry_run)> import;
  std::function<int(const std::string& one, const std::string& other)> appoint;
};

/// The exit code: 0 when nothing that is needed is missing at the end.
int guide(const Cli& cli, const Places& places, const Steps& steps);

}  // namespace cardgate::client
