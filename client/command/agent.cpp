// SPDX-License-Identifier: Apache-2.0
// cardgate agent: what asks, tells and locks on a desktop (client/agent has all of it).
#include "client/agent/agent.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/shown.hpp"
#include "client/command/cli.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct AgentOptions {
  std::string pinentry;
  std::string on_no_locker = "say";
  std::string switch_user;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// A terminal that is gone must not end the agent, as say() would.
void say_to_journal(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  (void)std::fputs((shown_text(text) + "\n").c_str(), stderr);
}

int run_agent(const Cli& cli, const AgentOptions& options) {
  const auto folder = environment("XDG_RUNTIME_DIR");
  if (folder.empty()) {
    return say_usage(cli,
                     "XDG_RUNTIME_DIR is not set. Start the agent from your own desktop or login: systemctl "
                     "--user start cardgate-agent");
  }
  const auto wayland = environment("WAYLAND_DISPLAY");
  const auto display = wayland.empty() ? environment("DISPLAY") : wayland;
  agent::Settings settings;
  settings.socket = cli.socket;
  settings.folder = folder;
  char tty[64];
  if (ttyname_r(STDIN_FILENO, tty, sizeof tty) == 0) {
    settings.pinentry.tty = tty;
    settings.pinentry.terminal_type = environment("TERM");
  }
  settings.can_ask = !display.empty() || !settings.pinentry.tty.empty();
  settings.has_display = !display.empty();
  settings.pinentry.program = !options.pinentry.empty() ? options.pinentry
                              : display.empty()         ? "pinentry-curses"
                                                        : "pinentry";
  settings.end_login = options.on_no_locker == "end-session";
  settings.switch_user = options.switch_user;
  settings.say = say_to_journal;
  const auto alone = agent::claim_display(folder, display);
  if (!alone) {
    if (alone.error().code != Errc::already_exists) return say_error(cli, alone.error());
    return say_problem(
        cli, {409,
              "already_runs",
              "An agent runs",
              "An agent already runs for you on this desktop. One is enough. To see it: systemctl --user "
              "status cardgate-agent",
              {}});
  }
  agent::run(std::move(settings));
  return exit_ok;
}

}  // namespace

void add_agent(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "agent",
                  "Stay in the background of a desktop: ask for the passcode when a card is put in, lock the "
                  "screen when it "
                  "is taken out, and show what happens",
                  "systemctl --user start cardgate-agent\n  cardgate agent --pinentry pinentry-gtk-2 "
                  "--switch-user \"dm-tool "
                  "switch-to-greeter\"",
                  "Runs until it is ended. 1 an agent already runs for this desktop; 2 wrong usage; 4 error");
  auto options = std::make_shared<AgentOptions>();
  command->add_option(
      "--pinentry", options->pinentry,
      "The program that asks; otherwise pinentry, or pinentry-curses where there is only a terminal");
  command
      ->add_option(
          "--on-no-locker", options->on_no_locker,
          "What to do when a card is taken out and no screen locker locks: say, or end-session to end the "
          "login session")
      ->check(CLI::IsMember({"say", "end-session"}))
      ->capture_default_str();
  command->add_option(
      "--switch-user", options->switch_user,
      "A command that shows the greeter. It runs when the screen is locked and another person puts "
      "their card in");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run_agent(cli, *options); }; });
}

}  // namespace cardgate::client
