// SPDX-License-Identifier: Apache-2.0
// cardgate fault
#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/command/work/act.hpp"

namespace cardgate::client {
namespace {

std::string fault_line(const json::object& row) {
  std::string text = fmt::format("{}: {}", number_of(row, "id"), text_of(row, "words"));
  const auto by = text_of(row, "reporter");
  if (by.empty()) return text;
  if (text_of(row, "severity").empty()) text += " Nobody has said yet how bad it is.";
  text += fmt::format("\n    reported by {} on {}: {}", by, local_time(text_of(row, "reported_at")),
                      text_of(row, "text"));
  if (const auto ticket = text_of(row, "ticket"); !ticket.empty())
    text += fmt::format("\n    passed on as {}", ticket);
  return text;
}

Act fault_act(std::string name, std::string what, std::string example, std::string path,
              std::vector<ActOption> options) {
  return {.name = std::move(name),
          .what = std::move(what),
          .example = std::move(example),
          .path = std::move(path),
          .subject = "FAULT",
          .subject_help = "Its number: cardgate fault list",
          .options = std::move(options),
          .as_root = true};
}

ActOption expected_option() {
  ActOption option{
      "--expected", "expected_at",
      "By when it should be put right, as 15:00 (today) or 2026-12-05 22:00, in this machine's time"};
  option.is_moment = true;
  return option;
}

void add_decisions(CLI::App& group, Cli& cli) {
  add_act(
      group, cli,
      fault_act(
          "class", "Say how bad a fault is, and what everybody is told of it",
          "cardgate fault class 7 --severity high --text \"The printers on ward 4 do not work.\"",
          "/v1/faults/{}/class",
          {{"--severity", "severity", "How badly work is hit: critical, high, moderate or standard", true},
           {"--text", "text", "What everybody is told. If you leave it out, the team alone is told"},
           expected_option()}));
  add_act(group, cli,
          fault_act("join", "Say that a fault is the same as another one, which stays",
                    "cardgate fault join 8 --to 7", "/v1/faults/{}/join",
                    {{"--to", "to", "The number of the other one", true}}));
  add_act(group, cli,
          fault_act("pass-on", "Record that a fault was passed on to somebody who can put it right",
                    "cardgate fault pass-on 7 --ticket INC0012345 --expected 15:00", "/v1/faults/{}/pass-on",
                    {{"--ticket", "ticket", "Their reference for it", true}, expected_option()}));
  add_act(
      group, cli,
      fault_act("close", "Close a fault that is put right",
                "cardgate fault close 7 --outcome \"The print server was restarted\"", "/v1/faults/{}/close",
                {{"--outcome", "outcome", "How it was put right, in a sentence for those who were told of it",
                  true}}));
}

}  // namespace

void add_fault(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "fault", "Report what does not work, and see what is being done",
                            "cardgate fault report \"The card reader on ward 4 does not light up.\"", "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "report",
           .what = "Report what does not work. The team is told at once; you need not be signed in",
           .example = "cardgate fault report \"The card reader on ward 4 does not light up.\"",
           .path = "/v1/faults",
           .options = {{"TEXT,--text", "text", "What does not work, and where. No names of patients", true}},
           .as_root = true,
           .without_session = true});
  add_act(
      *group, cli,
      {.name = "list",
       .what = "Show the faults that are not put right: what everybody is told, and what you reported",
       .example = "cardgate fault list",
       .method = "GET",
       .path = "/v1/faults",
       .tell = [](const json::object& body) { say_list(body, "faults", "No fault is known.", fault_line); },
       .as_root = true});
  add_decisions(*group, cli);
}

}  // namespace cardgate::client
