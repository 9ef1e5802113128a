// SPDX-License-Identifier: Apache-2.0
// cardgate delegation, removal, and what `staff` does with people
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "client/chart.hpp"
#include "client/output.hpp"
#include "client/role_text.hpp"
#include "client/service.hpp"
#include "client/work/act.hpp"

namespace cardgate::client {
namespace {

void tell_done(const json::object&) {
  say("Done.");
}

std::string delegation_line(const json::object& row) {
  return fmt::format("delegation {}: {} by {} to {}{}{}", number_of(row, "id"), text_of(row, "role"),
                     who_of(row, "given_by"), who_of(row, "person"), span_text(row),
                     is_true(row, "revoked") ? ", revoked" : "");
}

std::string acting_line(const json::object& row) {
  return fmt::format("standing in {}: {} for {}{}{}", number_of(row, "id"), who_of(row, "person"),
                     who_of(row, "manager"), span_text(row), is_true(row, "revoked") ? ", ended" : "");
}

std::string removal_line(const json::object& row) {
  std::string text = fmt::format("removal {}: ", number_of(row, "id"));
  if (const auto person = who_of(row, "person"); !person.empty()) text += person + ", ";
  text += text_of(row, "state");
  if (const auto reason = text_of(row, "reason"); !reason.empty()) text += ": " + reason;
  const auto add = [&](std::string_view word, std::string_view member) {
    if (const auto who = who_of(row, member); !who.empty()) text += fmt::format("\n    {} by {}", word, who);
  };
  add("asked for", "requested_by");
  add("done", "done_by");
  add("to be given back, asked", "restore_by");
  add("closed", "closed_by");
  return text;
}

std::string codes_of(const json::object& role, std::string_view member) {
  std::string codes;
  if (const auto* list = find_array(role, member)) {
    for (const auto& item : *list)
      codes += (codes.empty() ? "" : ", ") + text_of(item.as_object(), "prerequisite");
  }
  return codes;
}

std::string staff_line(const json::object& row) {
  std::string text = fmt::format("{} ({})", text_of(row, "name"), text_of(row, "id"));
  if (const auto state = text_of(row, "state"); !state.empty()) text += ", " + state;
  const auto* roles = find_array(row, "roles");
  if (roles != nullptr) {
    for (const auto& item : *roles) {
      const auto* role = item.if_object();
      if (role == nullptr) continue;
      std::string line =
          fmt::format("\n    {}: {}", text_of(*role, "title"), is_true(*role, "allowed") ? "yes" : "no");
      if (const auto until = text_of(*role, "valid_until"); !until.empty()) line += ", until " + until;
      if (const auto codes = codes_of(*role, "unmet"); !codes.empty()) line += ", lacks " + codes;
      if (const auto codes = codes_of(*role, "warnings"); !codes.empty())
        line += ", should have, but is not stopped without: " + codes;
      text += line;
    }
    text += lapse_lines(*roles);
  }
  if (const auto* open = find_array(row, "open_forms")) {
    for (const auto& form : *open) text += "\n    " + form_line(form.as_object());
  }
  if (const auto* open = find_array(row, "open_removals")) {
    for (const auto& removal : *open) text += "\n    " + removal_line(removal.as_object());
  }
  return text;
}

void say_csv(const json::object& body, bool heading) {
  if (heading) say("id,name,email,line_manager,state,employed_from,employed_until,roles");
  say_list(body, "people", "", [](const json::object& row) {
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
    return csv_line(fields);
  });
}

}  // namespace

void add_delegation(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "delegation",
                            "Let an administrator act for you, or somebody stand in while you are away",
                            "cardgate delegation give --to 10020 --role administrator-self-service --until "
                            "2027-02-28 --reason \"Rotas\"",
                            "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "list",
           .what = "What you gave and hold, for whom you stand in and who stands in for you",
           .example = "cardgate delegation list",
           .method = "GET",
           .path = "/v1/delegations",
           .tell =
               [](const json::object& body) {
                 say_list(body, "given", "", delegation_line);
                 say_list(body, "held", "No delegation to you.", delegation_line);
                 say_list(body, "stand_ins", "", acting_line);
                 say_list(body, "standing_in", "", acting_line);
               },
           .whole_lists = {"given", "stand_ins"}});
  add_act(*group, cli,
          {.name = "give",
           .what = "Let somebody act in a role for your staff, for a time (line managers)",
           .example = "cardgate delegation give --to 10020 --role administrator-self-service --until "
                      "2027-02-28 --reason \"Rotas\"",
           .path = "/v1/delegations",
           .options = {{"--to", "person", "Who is to act, by their number", true, false},
                       {"--role", "role", "The role", true, false},
                       {"--from", "valid_from", "The first day; today when left out", false, false},
                       {"--until", "valid_until", "The last day, a year away at most", true, false},
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
           .tell = tell_done});
  add_act(
      *group, cli,
      {.name = "stand-in",
       .what = "Name who stands in for a line manager: verifies, sees and asks what the manager may",
       .example = "cardgate delegation stand-in --person 10021 --until 2026-12-31 --reason \"Annual leave\"",
       .path = "/v1/acting",
       .options = {{"--person", "person", "Who stands in, by their number", true, false},
                   {"--manager", "manager", "For whom; yourself when left out", false, false},
                   {"--from", "valid_from", "The first day; today when left out", false, false},
                   {"--until", "valid_until", "The last day, a year away at most", true, false},
                   reason_option()},
       .tell = [](const json::object& row) { say(acting_line(row)); }});
  add_act(*group, cli,
          {.name = "end-stand-in",
           .what = "End a standing in at once",
           .example = "cardgate delegation end-stand-in 2",
           .method = "DELETE",
           .path = "/v1/acting/{}",
           .subject = "NUMBER",
           .subject_help = "Its number: cardgate delegation list",
           .tell = tell_done});
}

void add_removal(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "removal", "Urgent removals of access, and giving it back",
                            "cardgate removal request --person 10017 --reason \"Under investigation\"", "");
  group->require_subcommand(1);
  const auto tell = [](const json::object& row) { say(removal_line(row)); };
  add_act(*group, cli,
          {.name = "request",
           .what = "Ask for somebody's access to be removed; or remove it at once, where the policy lets you",
           .example = "cardgate removal request --person 10017 --reason \"Under investigation\"",
           .path = "/v1/removals",
           .options = {person_option(),
                       reason_option(),
                       {"--at-once", "at_once", "Remove it in the same act", false, true}},
           .tell = tell});
  add_act(
      *group, cli,
      {.name = "list",
       .what = "What waits: removals asked for, and access to be given back",
       .example = "cardgate removal list",
       .method = "GET",
       .path = "/v1/removals",
       .tell = [](const json::object& body) { say_list(body, "removals", "Nothing waits.", removal_line); },
       .whole_lists = {"removals"}});
  add_act(*group, cli,
          {.name = "do",
           .what = "Remove the access that somebody asked to be removed: sessions and tokens end at once",
           .example = "cardgate removal do 3",
           .path = "/v1/removals/{}/do",
           .subject = "REMOVAL",
           .subject_help = "Its number: cardgate removal list",
           .tell = tell});
  add_act(*group, cli,
          {.name = "decline",
           .what = "Say no to a removal that was asked for",
           .example = "cardgate removal decline 3 --reason \"A mistake in the name\"",
           .path = "/v1/removals/{}/decline",
           .subject = "REMOVAL",
           .subject_help = "Its number: cardgate removal list",
           .options = {reason_option()},
           .tell = tell});
  add_act(
      *group, cli,
      {.name = "restore",
       .what = "Give removed access back: one person of the team asks, another does the same and so agrees",
       .example = "cardgate removal restore 3 --reason \"Investigation closed\"\n"
                  "  cardgate removal restore --person 10017 --reason \"Investigation closed\"",
       .path = "/v1/removals/{}/restore",
       .subject = "REMOVAL",
       .subject_help = "Its number: cardgate removal list; or give --person",
       .path_without_subject = "/v1/removals/restore",
       .options = {person_option(false), reason_option()},
       .tell = tell});
}

namespace {

Act change(std::string name, std::string what, std::string example, std::vector<ActOption> options) {
  options.push_back(reason_option());
  return {.name = std::move(name),
          .what = std::move(what),
          .example = std::move(example),
          .path = "/v1/staff/{}/changes",
          .subject = "PERSON",
          .subject_help = "The person's number in the register",
          .options = std::move(options),
          .tell = [](const json::object& row) { say(staff_line(row)); }};
}

Act card_change(std::string name, std::string what, std::string example, std::vector<ActOption> options) {
  Act act = change(std::move(name), std::move(what), std::move(example), std::move(options));
  act.path = "/v1/staff/{}/cards";
  act.tell = [](const json::object& body) { say_list(body, "cards", "No cards.", card_line); };
  return act;
}

}  // namespace

void add_staff_acts(CLI::App& group, Cli& cli) {
  add_act(group, cli,
          {.name = "show",
           .what = "What is on record about somebody; the look is recorded",
           .example = "cardgate staff show 10017",
           .method = "GET",
           .path = "/v1/staff/{}",
           .subject = "PERSON",
           .subject_help = "The person's number in the register",
           .tell = [](const json::object& row) {
             say(staff_line(row));
             say_list(row, "forms", "", form_line);
             say_list(row, "cards", "", card_line);
             say_list(row, "removals", "", removal_line);
           }});
  add_act(
      group, cli,
      {.name = "team",
       .what = "Your staff: who holds what, until when, and what waits for you (line managers)",
       .example = "cardgate staff team",
       .method = "GET",
       .path = "/v1/team",
       .tell = [](const json::object& body) { say_list(body, "people", "You have no staff.", staff_line); },
       .whole_lists = {"people"}});
  auto csv = std::make_shared<bool>(false);
  auto begun = std::make_shared<bool>(false);
  auto* list = add_act(
      group, cli,
      {.name = "list",
       .what = "Everybody who fits, page by page (ESR & Workforce Systems team)",
       .example = "cardgate staff list --role core --csv\n  cardgate staff list --state removed",
       .method = "GET",
       .path = "/v1/staff",
       .options = {{"--name", "name", "Whose name holds this", false, false},
                   {"--role", "role", "Who would get this role now", false, false},
                   {"--manager", "manager", "The staff of this line manager", false, false},
                   {"--state", "state", "employed, on leave, left, not employed or removed", false, false},
                   {"--after", "after", "Go on behind this number, as the last page said", false, false}},
       .tell =
           [csv, begun](const json::object& body) {
             if (*csv) return say_csv(body, !std::exchange(*begun, true));
             say_list(body, "people", "Nobody fits on this page.", staff_line);
             if (const auto next = text_of(body, "next"); !next.empty()) complain("More: --after " + next);
           },
       .all_pages = [csv] { return *csv; }});
  list->add_flag("--csv", *csv, "Everybody who fits, all pages, as comma-separated values");
  add_act(group, cli,
          change("terminate", "The last day of employment; access ends after it by itself",
                 "cardgate staff terminate 10017 --on 2027-01-31 --reason \"Resigned\"",
                 {{"--on", "employed_until", "The last day; none takes it away", true, false}}));
  add_act(group, cli,
          change("rehire", "A new employment; what was granted in the former one stays closed",
                 "cardgate staff rehire 10017 --from 2027-06-01 --until none --reason \"Back from Leeds\"",
                 {{"--from", "employed_from", "The first day", true, false},
                  {"--until", "employed_until", "The last day; none for no end", true, false}}));
  add_act(group, cli,
          change("transfer", "Another line manager",
                 "cardgate staff transfer 10017 --to 10002 --reason \"Moved to ward 5\"",
                 {{"--to", "line_manager", "The new line manager's number, or none", true, false}}));
  add_act(
      group, cli,
      change("leave", "A leave of absence: no access meanwhile",
             "cardgate staff leave 10017 --from 2026-12-01 --until 2027-05-31 --reason \"Parental leave\"",
             {{"--from", "leave_from", "The first day; none ends the leave", true, false},
              {"--until", "leave_until", "The last day; until further notice when left out", false, false}}));
  add_act(group, cli,
          change("rename", "A change of name",
                 "cardgate staff rename 10017 --name \"Ada Married\" --reason \"Marriage\"",
                 {{"--name", "name", "The new full name", true, false}}));
  add_act(group, cli,
          change("join-team", "Into a team that roles ask for",
                 "cardgate staff join-team 10017 --team esr-workforce-systems --reason \"New colleague\"",
                 {{"--team", "join_team", "The team, as the policy names it", true, false}}));
  add_act(group, cli,
          change("leave-team", "Out of a team",
                 "cardgate staff leave-team 10017 --team esr-workforce-systems --reason \"Moved on\"",
                 {{"--team", "leave_team", "The team", true, false}}));
  add_act(group, cli,
          card_change(
              "give-card",
              "Register a card to somebody; that of a person who decides for others waits until a second "
              "member of the team has done the same",
              "cardgate staff give-card 10017 --card UUID --replaces OLD-UUID --reason \"Worn out\"",
              {{"--card", "uuid", "The card's UUID: cardgate card status", false, false},
               {"--issuer-serial", "issuer_serial",
                "For a card without a UUID: ISSUER;SERIAL, as cardgate status shows", false, false},
               {"--replaces", "replaces", "The card that it replaces", false, false},
               {"--certificate-name", "certificate_name",
                "The name in the card's certificate, where it is not the person's: you have looked at both",
                false, false},
               {"--until", "valid_until", "The last day it counts", false, false}}));
  add_act(group, cli,
          card_change(
              "stop-card", "A card is lost, replaced or revoked: refused everywhere at once",
              "cardgate staff stop-card 10017 --card UUID --status lost --reason \"Left on a bus\"",
              {{"--card", "uuid", "The card's UUID; needed only when several are active", false, false},
               {"--issuer-serial", "issuer_serial", "For a card without a UUID: ISSUER;SERIAL", false, false},
               {"--status", "status", "lost, replaced or revoked", true, false}}));
}

}  // namespace cardgate::client
