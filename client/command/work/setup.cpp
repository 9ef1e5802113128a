// SPDX-License-Identifier: Apache-2.0
// cardgate setup, notice, record
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "client/command/output.hpp"
#include "client/command/set_up/guide.hpp"
#include "client/command/terminal.hpp"
#include "client/command/work/act.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

struct SetupOptions {
  std::vector<std::string> people;
  std::string break_glass;
  bool check = false;
  Places places;
};

int appoint(const Cli& cli, const SetupOptions& options) {
  json::object body{{"people", json::array(options.people.begin(), options.people.end())}};
  if (!options.break_glass.empty()) body["break_glass"] = options.break_glass;
  const auto reply = post(Http(cli.admin_socket), "/v1/setup", json::serialize(body));
  return say_admin_reply(cli, reply, "set up", [&](const json::object& done) {
    const auto until = text_of(done, "valid_until");
    say_list(done, "people", "", [&](const json::object& row) {
      return fmt::format("{} is appointed to {}{}.", person_text(row), text_of(done, "title"),
                         until.empty() ? "" : " until " + until);
    });
    say(options.break_glass.empty() ? "Set-up closes when both have signed in with their cards."
                                    : "Every member of the team is told.");
  });
}

int show_checklist(const Cli& cli, const SetupOptions& options) {
  const auto items = checklist(look_at_machine(cli, options.places));
  if (cli.json)
    print_json(to_json(items));
  else
    say(to_text(items));
  return is_ready(items) ? exit_ok : exit_refused;
}

int lead_through(const Cli& cli, const SetupOptions& options) {
  Steps steps;
  steps.import = [&cli](const std::string& file, bool dry_run) { return import_staff(cli, file, dry_run); };
  steps.appoint = [&cli](const std::string& one, const std::string& other) {
    SetupOptions two;
    two.people = {one, other};
    return appoint(cli, two);
  };
  return guide(cli, options.places, steps);
}

int set_up(const Cli& cli, const SetupOptions& options) {
  if (options.check && (!options.people.empty() || !options.break_glass.empty()))
    return say_usage(cli, "--check stands alone");
  if (!options.break_glass.empty() && options.people.empty())
    return say_usage(cli, "--break-glass needs --person: who is given access");
  if (!options.people.empty()) return appoint(cli, options);
  if (::geteuid() != 0) {
    (void)say_error(cli, {Errc::permission_denied, "Only root sets this machine up: use sudo"});
    return exit_refused;
  }
  if (options.check) return show_checklist(cli, options);
  if (cli.json || !has_terminal())
    return say_usage(cli, "There is no terminal to ask at. What is missing: cardgate setup --check");
  return lead_through(cli, options);
}

}  // namespace

void add_setup(CLI::App& app, Cli& cli) {
  auto* command = add_command(
      app, "setup", "Lead through what this machine needs: trust, readers, programs, people, the team (root)",
      "sudo cardgate setup\n"
      "  sudo cardgate setup --check\n"
      "  sudo cardgate setup --person 10001 --person 10004\n"
      "  sudo cardgate setup --break-glass \"Both members are ill\" --person 10009",
      "0 done, and nothing that is needed is missing; 1 refused, or something is missing; 2 wrong usage; 3 "
      "the "
      "service is not reachable; 4 error");
  auto options = std::make_shared<SetupOptions>();
  command->add_flag("--check", options->check,
                    "Ask nothing: list what is there and what is missing, each with what to do");
  command->add_option(
      "--person", options->people,
      "Ask nothing: appoint the first two members of the team, by their number in the register");
  command->add_option(
      "--break-glass", options->break_glass,
      "After set-up is closed: why, in a sentence; for seven days, and every member of the team is told");
  command->add_option("--config", options->places.config, "The service's configuration file")
      ->capture_default_str();
  command->add_option("--cardgated", options->places.daemon, "The service's program, which checks that file")
      ->capture_default_str();
  command->callback([&cli, options] { cli.action = [&cli, options] { return set_up(cli, *options); }; });
}

void add_notices(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "notice", "Your notices: what happened while you were away",
                            "cardgate notice list", "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "list",
           .what = "Show your notices",
           .example = "cardgate notice list",
           .method = "GET",
           .path = "/v1/notices",
           .tell = [](const json::object& body) {
             say_list(body, "notices", "You have no notices.", [](const json::object& row) {
               return fmt::format("{}: {} ({})", number_of(row, "id"), text_of(row, "text"),
                                  local_time(text_of(row, "told_at")));
             });
           }});
  add_act(*group, cli,
          {.name = "drop",
           .what = "Dismiss a notice that you have read",
           .example = "cardgate notice drop 7",
           .method = "DELETE",
           .path = "/v1/notices/{}",
           .subject = "NOTICE",
           .subject_help = "The notice's number: cardgate notice list",
           .tell = [](const json::object&) { say("The notice is dismissed."); }});
}

void add_record(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "record", "The records that your roles let you open",
                            "cardgate record allowed 10017 --role manager-self-service", "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "allowed",
           .what = "Whether you may open this person's record in a role",
           .example = "cardgate record allowed 10017 --role manager-self-service",
           .method = "GET",
           .path = "/v1/records/{}/allowed",
           .subject = "PERSON",
           .subject_help = person_help,
           .options = {{"--role", "role", "The role", true, false}},
           .tell =
               [](const json::object& body) {
                 say(is_true(body, "allowed") ? (is_true(body, "view_only") ? "Yes, to read only." : "Yes.")
                                              : "No.");
               },
           .exit_code =
               [](const json::object& body) { return is_true(body, "allowed") ? exit_ok : exit_refused; }});
}

}  // namespace cardgate::client
