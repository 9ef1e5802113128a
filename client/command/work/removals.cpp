// SPDX-License-Identifier: Apache-2.0
// cardgate removal
#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/command/work/act.hpp"

namespace cardgate::client {
namespace {

std::string removal_state(const json::object& row) {
  const auto state = text_of(row, "state");
  if (state == "requested") return "asked for, waits for the team";
  if (state == "done") return "access is removed";
  if (state == "restoring")
    return who_of(row, "restore_by") + " has asked to give access back; a second member must agree";
  if (state == "restored") return "access was given back";
  return state;
}

}  // namespace

std::string removal_line(const json::object& row) {
  std::string text = fmt::format("Removal {}: ", number_of(row, "id"));
  if (const auto person = who_of(row, "person"); !person.empty()) text += person + ", ";
  text += removal_state(row);
  if (const auto reason = text_of(row, "reason"); !reason.empty()) text += ". Reason: " + reason;
  text += step_line(row, "asked for", "requested_by", "requested_on");
  text += step_line(row, "removed", "done_by", "done_on");
  return text + step_line(row, text_of(row, "state") == "declined" ? "declined" : "given back", "closed_by",
                          "closed_on");
}

bool is_open_removal(const json::object& row) {
  const auto state = text_of(row, "state");
  return state == "requested" || state == "restoring";
}

void add_removal(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "removal", "Remove access urgently, and give it back",
                            "cardgate removal request --person 10017 --reason \"Under investigation\"", "");
  group->require_subcommand(1);
  const auto tell = [](const json::object& row) { say(removal_line(row)); };
  add_act(*group, cli,
          {.name = "request",
           .what = "Ask for somebody's access to be removed, or remove it at once if your role allows it",
           .example = "cardgate removal request --person 10017 --reason \"Under investigation\"",
           .path = "/v1/removals",
           .options = {person_option(),
                       reason_option(),
                       {"--at-once", "at_once", "Remove the access now, without a second step", false, true}},
           .tell = tell});
  add_act(*group, cli,
          {.name = "list",
           .what = "Removals that wait for a decision, and access that waits to be given back",
           .example = "cardgate removal list",
           .method = "GET",
           .path = "/v1/removals",
           .tell =
               [](const json::object& body) {
                 say_list(body, "removals", "No removal waits for a decision.", removal_line);
               },
           .whole_lists = {"removals"}});
  add_act(*group, cli,
          {.name = "do",
           .what = "Carry out a removal that was asked for. Sessions and tokens end at once",
           .example = "cardgate removal do 3",
           .path = "/v1/removals/{}/do",
           .subject = "REMOVAL",
           .subject_help = "Its number: cardgate removal list",
           .tell = tell});
  add_act(*group, cli,
          {.name = "decline",
           .what = "Refuse a removal that was asked for",
           .example = "cardgate removal decline 3 --reason \"A mistake in the name\"",
           .path = "/v1/removals/{}/decline",
           .subject = "REMOVAL",
           .subject_help = "Its number: cardgate removal list",
           .options = {reason_option()},
           .tell = tell});
  add_act(*group, cli,
          {.name = "restore",
           .what = "Give removed access back. Two members of the team must do this, one after the other",
           .example = "cardgate removal restore 3 --reason \"Investigation closed\"\n"
                      "  cardgate removal restore --person 10017 --reason \"Investigation closed\"",
           .path = "/v1/removals/{}/restore",
           .subject = "REMOVAL",
           .subject_help = "Its number: cardgate removal list; or give --person",
           .path_without_subject = "/v1/removals/restore",
           .options = {person_option(false), reason_option()},
           .tell = tell});
}

}  // namespace cardgate::client
