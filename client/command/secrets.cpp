// SPDX-License-Identifier: Apache-2.0
#include "client/command/secrets.hpp"

#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/command/terminal.hpp"

namespace cardgate::client {

Result<Secret> SecretSource::take(std::string_view prompt, std::size_t max_bytes) const {
  if (from_stdin) return read_secret_line(0, max_bytes);
  if (fd >= 0) return read_secret_line(fd, max_bytes);
  auto secret = ask_secret(prompt, max_bytes);
  if (!secret && secret.error().code == Errc::not_found) {
    return Error{Errc::invalid_argument,
                 "there is no terminal to ask on. Give --passcode-stdin or --passcode-fd"};
  }
  return secret;
}

Result<Secret> SecretSource::take_new(std::string_view prompt, std::string_view again,
                                      std::size_t max_bytes) const {
  auto fresh = TRY(take(prompt, max_bytes));
  if (!interactive()) return fresh;
  const auto repeated = TRY(take(again, max_bytes));
  if (repeated.text() != fresh.text())
    return Error{Errc::invalid_argument, "the two do not match. Nothing was changed. Try again"};
  return fresh;
}

void add_secret_options(CLI::App& command, SecretSource& source, const std::string& what) {
  auto* fd =
      command.add_option("--passcode-fd", source.fd, "Read from this descriptor, one line each: " + what)
          ->check(CLI::NonNegativeNumber);
  command.add_flag("--passcode-stdin", source.from_stdin, "Read the same from standard input")->excludes(fd);
}

int say_secret_error(const Cli& cli, const Error& error) {
  return error.code == Errc::invalid_argument ? say_usage(cli, error.context) : say_error(cli, error);
}

}  // namespace cardgate::client
