// SPDX-License-Identifier: Apache-2.0
// Passwords and codes on their way from a person to the service: where they come from.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "client/command/cli.hpp"
#include "client/shared/secrets.hpp"

namespace cardgate::client {

/// The terminal, unless a descriptor was named.
struct SecretSource {
  int fd = -1;
  bool from_stdin = false;

  bool interactive() const { return !from_stdin && fd < 0; }
  /// One line. Errors: as ask_secret() and read_secret_line(); invalid_argument (no terminal).
  Result<Secret> take(std::string_view prompt, std::size_t max_bytes) const;
  /// A new one, asked for twice where a person types it. Errors: as take(); invalid_argument (not the same twice).
  Result<Secret> take_new(std::string_view prompt, std::string_view again, std::size_t max_bytes) const;
};

/// --passcode-fd and --passcode-stdin; `what` says what is read, a line each.
void add_secret_options(CLI::App& command, SecretSource& source, const std::string& what);

/// What could not be read: exit_usage where the command can be given otherwise.
int say_secret_error(const Cli& cli, const Error& error);

}  // namespace cardgate::client
