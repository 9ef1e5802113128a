// SPDX-License-Identifier: Apache-2.0
// cardgate form, declaration, training
#include <fmt/format.h>

#include <memory>

#include "client/command/output.hpp"
#include "client/command/terminal.hpp"
#include "client/command/work/act.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

void tell_form(const json::object& form) {
  say(form_line(form));
}

Act on_form(std::string name, std::string what, std::vector<ActOption> options, std::string example) {
  return {.name = name,
          .what = std::move(what),
          .example = std::move(example),
          .path = "/v1/forms/{}/" + name,
          .subject = "FORM",
          .subject_help = "The form's number: cardgate form list",
          .options = std::move(options),
          .tell = tell_form};
}

}  // namespace

void add_form(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "form", "Access forms: ask for access, verify, approve, withdraw, renew",
                            "cardgate form submit --role core --reason \"Rota planning on ward 4\"", "");
  group->require_subcommand(1);
  add_act(
      *group, cli,
      {.name = "submit",
       .what = "Ask for a role, for yourself or for one of your staff",
       .example = "cardgate form submit --role core --reason \"Rota planning on ward 4\" --until 2027-12-31",
       .path = "/v1/forms",
       .options = {{"--role", "role", "The role: its name or title, like core or \"Core ESR\"", true, false},
                   reason_option(),
                   person_option(false),
                   {"--from", "valid_from", "The first day, like 2026-01-31; today if you leave it out",
                    false, false},
                   {"--until", "valid_until", "The last day", false, false}},
       .tell = tell_form});
  add_act(
      *group, cli,
      {.name = "list",
       .what = "The forms that wait for you, and your own; or the forms of one person",
       .example = "cardgate form list\n  cardgate form list --person 10017",
       .method = "GET",
       .path = "/v1/forms",
       .options = {person_option(false)},
       .tell =
           [](const json::object& body) {
             if (const auto* waiting = find_array(body, "waiting"); waiting != nullptr && !waiting->empty()) {
               say(fmt::format("Waiting for you ({}):", waiting->size()));
               say_list(body, "waiting", "", form_line);
               say("Your own:");
             }
             say_list(body, "forms", "No access forms. To ask for access: cardgate form submit", form_line,
                      is_open_form);
             if (is_true(body, "more_after_proof"))
               say("More forms may wait for you. To see them, give your card and passcode again: cardgate "
                   "login --again");
           },
       .whole_lists = {"waiting"}});
  add_act(*group, cli,
          on_form("verify", "Confirm that one of your staff needs the access (line managers)", {},
                  "cardgate form verify 12"));
  add_act(*group, cli,
          on_form("approve", "Approve a form that is verified (ESR & Workforce Systems team)", {},
                  "cardgate form approve 12"));
  add_act(*group, cli,
          on_form("reject", "Refuse a form", {reason_option()},
                  "cardgate form reject 12 --reason \"Not part of the work on ward 4\""));
  add_act(*group, cli,
          on_form("withdraw", "Take a form back. The access that it gave ends at once", {reason_option()},
                  "cardgate form withdraw 12 --reason \"Moved to another team\""));
  add_act(*group, cli,
          on_form("renew", "Ask to continue where this form ends",
                  {reason_option(), {"--until", "valid_until", "The new last day", false, false}},
                  "cardgate form renew 12 --until 2028-12-31 --reason \"Still planning rotas\""));
}

namespace {

struct SignOptions {
  std::string name, version, hash, session;
};

/// Shows the text, and asks for a yes at the terminal unless the hash of what was read is given.
int sign(const Cli& cli, const SignOptions& options) {
  const Http http(cli.socket);
  const auto target = with_query("/v1/declarations", {{"session", options.session}});
  std::string hash = options.hash;
  if (hash.empty()) {
    const auto listed = call(http, {.target = target});
    if (!listed) return say_error(cli, listed.error());
    if (listed->refusal) return say_problem(cli, *listed->refusal);
    if (const auto* texts = find_array(listed->body, "declarations")) {
      for (const auto& item : *texts) {
        const auto* text = item.if_object();
        if (text == nullptr || text_of(*text, "name") != options.name) continue;
        if (!options.version.empty() && text_of(*text, "version") != options.version) continue;
        complain(fmt::format("{}, version {}:\n\n{}\n", text_of(*text, "title"), text_of(*text, "version"),
                             text_of(*text, "text")));
        hash = text_of(*text, "text_hash");
        break;
      }
    }
    if (hash.empty()) {
      return say_problem(cli,
                         {404,
                          "not_found",
                          "No such declaration",
                          "There is no declaration with that name. See the list: cardgate declaration list",
                          {}});
    }
    const auto answer = ask("Type yes to sign it: ", 16);
    if (!answer && answer.error().code == Errc::not_found) {
      return say_usage(
          cli, "there is no terminal to ask on. Give the hash of the text that was read: --text-hash HASH");
    }
    if (!answer) return say_error(cli, answer.error());
    if (*answer != "yes") {
      complain("Nothing was signed.");
      return exit_refused;
    }
  }
  json::object body{{"name", options.name}, {"text_hash", hash}};
  if (!options.version.empty()) body["version"] = options.version;
  const auto reply = post(http, target, json::serialize(body));
  return say_reply(cli, reply, [](const json::object& signed_one) {
    const auto until = day_of(signed_one, "valid_until");
    say(fmt::format("You have signed {}, version {}{}. See what you can use now: cardgate access",
                    text_of(signed_one, "name"), text_of(signed_one, "version"),
                    until.empty() ? "" : ", until " + until));
  });
}

}  // namespace

void add_declaration(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "declaration", "Declarations that roles need: read and sign them",
                            "cardgate declaration sign core-confidentiality", "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "list",
           .what = "The declarations that roles need, and whether you have signed them",
           .example = "cardgate declaration list",
           .method = "GET",
           .path = "/v1/declarations",
           .tell = [](const json::object& body) {
             say_list(
                 body, "declarations", "No role needs a declaration.",
                 [](const json::object& row) {
                   const auto until = day_of(row, "valid_until");
                   return fmt::format("{} ({}), version {}: {}{}", text_of(row, "title"),
                                      text_of(row, "name"), text_of(row, "version"),
                                      is_true(row, "signed") ? "signed" : "not signed",
                                      until.empty() ? "" : " until " + until);
                 },
                 [](const json::object& row) { return !is_true(row, "signed"); });
           }});
  auto* command = add_command(*group, "sign", "Read a declaration and sign it",
                              "cardgate declaration sign core-confidentiality", usual_exit_codes);
  auto options = std::make_shared<SignOptions>();
  command->add_option("NAME", options->name, "The declaration's name")->required();
  command->add_option("--version", options->version, "Which version; needed only when there are several");
  command->add_option("--text-hash", options->hash,
                      "SHA-256 of the text that was read, for programs that show the text themselves");
  command->add_option("--session", options->session, session_help);
  command->callback([&cli, options] { cli.action = [&cli, options] { return sign(cli, *options); }; });
}

void add_training(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "training", "Completed courses", "cardgate training list", "");
  group->require_subcommand(1);
  const auto line = [](const json::object& row) {
    return fmt::format("{}, completed on {}{}", text_of(row, "course"), day_of(row, "completed_on"),
                       span_text(row));
  };
  add_act(*group, cli,
          {.name = "list",
           .what = "Your completed courses, or those of somebody you may see",
           .example = "cardgate training list --person 10017",
           .method = "GET",
           .path = "/v1/training",
           .options = {person_option(false)},
           .tell = [line](const json::object& body) {
             say_list(body, "training", "No completed courses on record.", line);
           }});
  add_act(*group, cli,
          {.name = "record",
           .what = "Record a completed course (ESR & Workforce Systems team)",
           .example = "cardgate training record --person 10017 --course information-governance --on "
                      "2026-02-02 --until 2027-02-28",
           .path = "/v1/training",
           .options = {person_option(),
                       {"--course", "course", "The course, as the policy names it", true, false},
                       {"--on", "completed_on", "The day it was completed", true, false},
                       {"--until", "valid_until", "The last day on which it counts", false, false}},
           .tell = [line](const json::object& body) { say("Recorded: " + line(body)); }});
}

}  // namespace cardgate::client
