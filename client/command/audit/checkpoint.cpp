// SPDX-License-Identifier: Apache-2.0
// cardgate audit checkpoint: the newest one, to be kept on another machine.
#include <fmt/format.h>

#include <memory>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "base/file.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

int show_checkpoint(const Cli& cli, const std::string& directory) {
  const auto content = read_file(std::filesystem::path(directory) / audit::head_name, audit::head_bytes);
  if (!content) return say_error(cli, content.error());
  const auto line = audit::parse_head(*content);
  if (!line) return say_error(cli, line.error());
  say_whole(*line);
  return exit_ok;
}

}  // namespace

void add_audit_checkpoint(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "checkpoint",
      "Show the log's newest signed checkpoint, one line of JSON, to be kept on another machine. The service "
      "also says them in the journal by itself",
      "cardgate audit checkpoint | ssh elsewhere 'cat >> checkpoints'",
      "0 done; 2 wrong usage; 4 it cannot be read");
  auto directory = std::make_shared<std::string>(default_audit_directory);
  command->add_option("--dir", *directory, "The log's directory")->capture_default_str();
  command->callback(
      [&cli, directory] { cli.action = [&cli, directory] { return show_checkpoint(cli, *directory); }; });
}

}  // namespace cardgate::client
