// SPDX-License-Identifier: Apache-2.0
#include "client/command/cli.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "base/secret.hpp"
#include "client/command/command_tree.hpp"
#include "client/command/output.hpp"
#include "client/command/run.hpp"
#include "client/command/usage.hpp"
#include "client/command/work/act.hpp"

namespace cardgate::client {

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what,
                      std::string_view example, std::string_view exit_codes) {
  auto* command = parent.add_subcommand(name, what);
  command->fallthrough();  // so that --json may stand last
  std::string footer = fmt::format("Example:\n  {}", example);
  if (!exit_codes.empty()) footer += fmt::format("\nExit codes:\n  {}", exit_codes);
  command->footer(footer);
  return command;
}

const std::string& policy_socket(const Cli& cli, const std::string& session) {
  return ::geteuid() == 0 && session.empty() ? cli.admin_socket : cli.socket;
}

namespace {

int run_command(int argc, char** argv) {
  init_crypto();
  Cli cli;
  CLI::App app{"Sign in with a smartcard, and see what you can use.", "cardgate"};
  app.footer(
      "Example:\n  cardgate status\n  cardgate login\n  cardgate token --role core --audience esr\n"
      "Exit codes:\n  0 done; 1 refused; 2 wrong usage; 3 the service is not reachable; 4 error");
  app.set_version_flag("--version", "cardgate " CARDGATE_VERSION);
  app.require_subcommand(1);
  app.add_option("--socket", cli.socket, "The service's socket")
      ->envname("CARDGATE_SOCKET")
      ->capture_default_str();
  app.add_option("--admin-socket", cli.admin_socket, "The service's socket for root")
      ->envname("CARDGATE_ADMIN_SOCKET")
      ->capture_default_str();
  app.add_flag("--json", cli.json, "Answer in JSON, for programs");
  add_status(app, cli);
  add_sign_in(app, cli);
  add_sessions(app, cli);
  add_tokens(app, cli);
  add_watch(app, cli);
  add_agent(app, cli);
  add_access(app, cli);
  add_certificate(app, cli);
  add_policy(app, cli);
  add_card(app, cli);
  add_password(app, cli);
  add_enrol(app, cli);
  add_staff(app, cli);
  add_form(app, cli);
  add_declaration(app, cli);
  add_training(app, cli);
  add_delegation(app, cli);
  add_removal(app, cli);
  add_record(app, cli);
  add_notices(app, cli);
  add_downtime(app, cli);
  add_fault(app, cli);
  add_setup(app, cli);
  add_register(app, cli);
  add_token_key(app, cli);
  add_reload(app, cli);
  add_audit(app, cli);
  add_support(app, cli);
  // For the shell's completion and for the packages, so not among the commands that --help shows.
  if (argc > 1 && std::string_view(argv[1]) == "__complete") {
    for (const auto& word : completions(app, {argv + 2, argv + argc})) fmt::print("{}\n", word);
    return exit_ok;
  }
  if (argc == 2 && std::string_view(argv[1]) == "__manual") {
    fmt::print("{}", manual_page(app, CARDGATE_VERSION));
    return exit_ok;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    if (end.get_exit_code() != 0) {
      if (const auto unknown = unknown_word(app, {argv + 1, argv + argc})) return say_usage(cli, *unknown);
    }
    return app.exit(end) == 0 ? int{exit_ok} : int{exit_usage};  // help and version end the same way
  }
  return cli.action();
}

}  // namespace

int run(int argc, char** argv) {
  try {
    return run_command(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "cardgate: {}\n", failure.what());
    return exit_error;
  }
}

}  // namespace cardgate::client
