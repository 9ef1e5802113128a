// SPDX-License-Identifier: Apache-2.0
// What `cardgate staff` does with people
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "client/command/chart.hpp"
#include "client/command/output.hpp"
#include "client/command/role_text.hpp"
#include "client/command/work/act.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

bool has_open(const json::object& person) {
  const auto* forms = find_array(person, "open_forms");
  const auto* removals = find_array(person, "open_removals");
  return (forms != nullptr && !forms->empty()) || (removals != nullptr && !removals->empty());
}

/// Set in by four, but for the first line.
std::string indented(std::string text) {
  for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    text.insert(at + 1, "    ");
  return text;
}

/// The person and their roles; before these what waits to be decided, but where that is listed anyway.
std::string staff_line(const json::object& row, bool with_open) {
  std::string text = person_text(row);
  if (const auto state = text_of(row, "state"); !state.empty()) text += ", " + state;
  const auto lines_of = [&](std::string_view member, std::string (*line)(const json::object&)) {
    if (const auto* open = find_array(row, member); open != nullptr && with_open) {
      for (const auto& item : *open) {
        if (const auto* object = item.if_object()) text += "\n    " + indented(line(*object));
      }
    }
  };
  lines_of("open_forms", form_line);
  lines_of("open_removals", removal_line);
  if (const auto* roles = find_array(row, "roles")) {
    for (const auto& item : *roles) {
      if (const auto* role = item.if_object()) text += "\n    " + role_line(*role);
    }
    text += lapse_lines(*roles, text_of(row, "name"));
  }
  return text;
}

std::string staff_line_with_open(const json::object& row) {
  return staff_line(row, true);
}

void say_csv(const json::object& body, bool heading) {
  if (heading) say_whole("id,name,email,line_manager,state,employed_from,employed_until,roles");
  const auto* rows = find_array(body, "people");
  if (rows == nullptr) return;
  for (const auto& each : *rows) {
    const auto* person = each.if_object();
    if (person == nullptr) continue;
    const auto& row = *person;
    std::string roles;
    if (const auto* list = find_array(row, "roles")) {
      for (const auto& item : *list) {
        if (is_true(item.as_object(), "allowed"))
          roles += (roles.empty() ? "" : " ") + text_of(item.as_object(), "role");
      }
    }
    std::vector<std::string> fields;
    for (const auto* member :
         {"id", "name", "email", "line_manager", "state", "employed_from", "employed_until"}) {
      fields.push_back(member == std::string_view("line_manager") ? id_of(row, member)
                                                                  : text_of(row, member));
    }
    fields.push_back(roles);
    say_whole(csv_line(fields));
  }
}

Act change(std::string name, std::string what, std::string example, std::vector<ActOption> options) {
  options.push_back(reason_option());
  return {.name = std::move(name),
          .what = std::move(what),
          .example = std::move(example),
          .path = "/v1/staff/{}/changes",
          .subject = "PERSON",
          .subject_help = person_help,
          .options = std::move(options),
          .tell = [](const json::object& row) { say(staff_line(row, true)); }};
}

Act card_change(std::string name, std::string what, std::string example, std::vector<ActOption> options) {
  Act act = change(std::move(name), std::move(what), std::move(example), std::move(options));
  act.path = "/v1/staff/{}/cards";
  act.tell = [](const json::object& body) {
    say_list(body, "cards", "No cards are registered.", card_line, is_open_card);
  };
  return act;
}

}  // namespace

void add_staff_acts(CLI::App& group, Cli& cli) {
  add_act(group, cli,
          {.name = "show",
           .what = "Everything on record about a person. That you looked is recorded",
           .example = "cardgate staff show 10017",
           .method = "GET",
           .path = "/v1/staff/{}",
           .subject = "PERSON",
           .subject_help = person_help,
           .tell = [](const json::object& row) {
             say(staff_line(row, false));
             say_list(row, "removals", "", removal_line, is_open_removal);
             say_list(row, "forms", "", form_line, is_open_form);
             say_list(row, "cards", "", card_line, is_open_card);
           }});
  add_act(group, cli,
          {.name = "team",
           .what = "Your staff: their roles, until when, and what waits for you (line managers)",
           .example = "cardgate staff team",
           .method = "GET",
           .path = "/v1/team",
           .tell =
               [](const json::object& body) {
                 say_list(body, "people", "No staff are on record as yours.", staff_line_with_open, has_open);
                 if (is_true(body, "names_only")) {
                   complain(
                       "You see names and numbers only, because you have no role that shows more. What is "
                       "missing for one: cardgate access");
                 }
               },
           .whole_lists = {"people"}});
  auto csv = std::make_shared<bool>(false);
  auto begun = std::make_shared<bool>(false);
  auto* list = add_act(
      group, cli,
      {.name = "list",
       .what = "All staff who match, page by page (ESR & Workforce Systems team)",
       .example = "cardgate staff list --role core --csv\n  cardgate staff list --state removed",
       .method = "GET",
       .path = "/v1/staff",
       .options = {{"--name", "name", "Only people with this in their name", false, false},
                   {"--role", "role", "Only people who have this role now", false, false},
                   {"--manager", "manager",
                    "Only the staff of this line manager: full name, or personnel number", false, false},
                   {"--state", "state",
                    "Only people in this state: employed, on leave, left, not employed or removed", false,
                    false},
                   {"--after", "after",
                    "Start after this personnel number (the last one on the previous page)", false, false}},
       .tell =
           [csv, begun](const json::object& body) {
             if (*csv) return say_csv(body, !std::exchange(*begun, true));
             say_list(body, "people", "Nobody on this page matches.", staff_line_with_open);
             if (const auto next = text_of(body, "next"); !next.empty())
               complain("There are more. To see the next page: --after " + next);
           },
       .all_pages = [csv] { return *csv; }});
  list->add_flag("--csv", *csv, "All pages, as comma-separated values");
  add_act(
      group, cli,
      change("terminate", "Record the last day of employment. Access ends by itself after that day",
             "cardgate staff terminate 10017 --on 2027-01-31 --reason \"Resigned\"",
             {{"--on", "employed_until", "The last day; none to remove the one on record", true, false}}));
  add_act(group, cli,
          change("rehire", "Employ somebody again. They need new forms and cards",
                 "cardgate staff rehire 10017 --from 2027-06-01 --until none --reason \"Back from Leeds\"",
                 {{"--from", "employed_from", "The first day", true, false},
                  {"--until", "employed_until", "The last day; none if there is no end", true, false}}));
  add_act(group, cli,
          change("transfer", "Record a new line manager",
                 "cardgate staff transfer 10017 --to 10002 --reason \"Moved to ward 5\"",
                 {{"--to", "line_manager", "The new line manager: full name, or personnel number; or none",
                   true, false}}));
  add_act(
      group, cli,
      change("leave", "Record a leave of absence. There is no access in that time",
             "cardgate staff leave 10017 --from 2026-12-01 --until 2027-05-31 --reason \"Parental leave\"",
             {{"--from", "leave_from", "The first day; none to end the leave", true, false},
              {"--until", "leave_until", "The last day; until further notice if you leave it out", false,
               false}}));
  add_act(group, cli,
          change("rename", "Record a change of name",
                 "cardgate staff rename 10017 --name \"Ada Married\" --reason \"Marriage\"",
                 {{"--name", "name", "The new full name", true, false}}));
  add_act(group, cli,
          change("join-team", "Make somebody a member of a team",
                 "cardgate staff join-team 10017 --team esr-workforce-systems --reason \"New colleague\"",
                 {{"--team", "join_team", "The team, as the policy names it", true, false}}));
  add_act(group, cli,
          change("leave-team", "End somebody's membership of a team",
                 "cardgate staff leave-team 10017 --team esr-workforce-systems --reason \"Moved on\"",
                 {{"--team", "leave_team", "The team", true, false}}));
  add_act(group, cli,
          card_change("give-card",
                      "Register a card to a person. For somebody who decides for others, a second member of "
                      "the team must do the same before it works",
                      "cardgate staff give-card 10017 --card UUID --replaces OLD-UUID --reason \"Worn out\"",
                      {{"--card", "uuid", "The card's UUID: cardgate card status", false, false},
                       {"--issuer-serial", "issuer_serial",
                        "For a card without a UUID: ISSUER;SERIAL, as cardgate status shows", false, false},
                       {"--replaces", "replaces", "The card it replaces", false, false},
                       {"--certificate-name", "certificate_name",
                        "The name in the card's certificate, if it differs from the person's name and you "
                        "have checked both",
                        false, false},
                       {"--until", "valid_until", "The last day on which it works", false, false}}));
  add_act(
      group, cli,
      card_change(
          "stop-card", "A card is lost, replaced or revoked. It is refused everywhere at once",
          "cardgate staff stop-card 10017 --status lost --reason \"Left on a bus\"",
          {{"--card", "uuid", "The card's UUID; needed only when the person has several cards", false, false},
           {"--issuer-serial", "issuer_serial", "For a card without a UUID: ISSUER;SERIAL", false, false},
           {"--status", "status", "lost, replaced or revoked", true, false}}));
}

}  // namespace cardgate::client
