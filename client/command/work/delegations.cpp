// SPDX-License-Identifier: Apache-2.0
// cardgate delegation: delegations and stand-ins
#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/command/work/act.hpp"

namespace cardgate::client {
namespace {

std::string delegation_line(const json::object& row) {
  return fmt::format("Delegation {}: {} by {} to {}{}{}", number_of(row, "id"), text_of(row, "role"),
                     who_of(row, "given_by"), who_of(row, "person"), span_text(row),
                     runs(row) ? "" : ", ended");
}

std::string acting_line(const json::object& row) {
  return fmt::format("Stand-in {}: {} for {}{}{}", number_of(row, "id"), who_of(row, "person"),
                     who_of(row, "manager"), span_text(row), runs(row) ? "" : ", ended");
}

}  // namespace

void add_delegation(CLI::App& app, Cli& cli) {
  auto* group =
      add_command(app, "delegation",
                  "Let an administrator act for your staff, or somebody stand in for you while you are away",
                  "cardgate delegation give --to \"Ann Clerk\" --role administrator-self-service --until "
                  "2027-02-28 --reason \"Rotas\"",
                  "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "list",
           .what = "Your delegations and stand-ins: those you gave, and those given to you",
           .example = "cardgate delegation list",
           .method = "GET",
           .path = "/v1/delegations",
           .tell =
               [](const json::object& body) {
                 say_list(body, "given", "You have given no delegation.", delegation_line, runs);
                 say_list(body, "held", "Nobody has delegated a role to you.", delegation_line, runs);
                 say_list(body, "stand_ins", "", acting_line, runs);
                 say_list(body, "standing_in", "", acting_line, runs);
               },
           .whole_lists = {"given", "stand_ins"}});
  add_act(
      *group, cli,
      {.name = "give",
       .what = "Let somebody act in a role for your staff, for some time (line managers)",
       .example = "cardgate delegation give --to \"Ann Clerk\" --role administrator-self-service --until "
                  "2027-02-28 --reason \"Rotas\"",
       .path = "/v1/delegations",
       .options = {{"--to", "person", "The person who will act: full name, or personnel number", true, false},
                   {"--role", "role", "The role", true, false},
                   {"--from", "valid_from", "The first day; today if you leave it out", false, false},
                   {"--until", "valid_until", "The last day, at most a year away", true, false},
                   reason_option()},
       .tell = [](const json::object& row) { say(delegation_line(row)); }});
  add_act(*group, cli,
          {.name = "revoke",
           .what = "End a delegation at once",
           .example = "cardgate delegation revoke 4",
           .method = "DELETE",
           .path = "/v1/delegations/{}",
           .subject = "DELEGATION",
           .subject_help = "Its number: cardgate delegation list",
           .tell = [](const json::object&) {
             say("The delegation has ended. The person who held it was told.");
           }});
  add_act(
      *group, cli,
      {.name = "stand-in",
       .what = "Name somebody to stand in for a line manager. They verify forms and see the staff, as the "
               "manager does",
       .example = "cardgate delegation stand-in --person 10021 --until 2026-12-31 --reason \"Annual leave\"",
       .path = "/v1/acting",
       .options = {{"--person", "person", "The person who stands in: full name, or personnel number", true,
                    false},
                   {"--manager", "manager", "The line manager they stand in for; you, if you leave it out",
                    false, false},
                   {"--from", "valid_from", "The first day; today if you leave it out", false, false},
                   {"--until", "valid_until", "The last day, at most a year away", true, false},
                   reason_option()},
       .tell = [](const json::object& row) { say(acting_line(row)); }});
  add_act(*group, cli,
          {.name = "end-stand-in",
           .what = "End a stand-in at once",
           .example = "cardgate delegation end-stand-in 2",
           .method = "DELETE",
           .path = "/v1/acting/{}",
           .subject = "NUMBER",
           .subject_help = "Its number: cardgate delegation list",
           .tell = [](const json::object&) {
             say("The stand-in has ended. The person who stood in was told.");
           }});
}

}  // namespace cardgate::client
