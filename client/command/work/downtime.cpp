// SPDX-License-Identifier: Apache-2.0
// cardgate downtime
#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/command/work/act.hpp"

namespace cardgate::client {
namespace {

std::string downtime_line(const json::object& row) {
  return fmt::format("{}: {}{}", number_of(row, "id"), text_of(row, "words"),
                     is_true(row, "closes") ? "" : " You can sign in all the same.");
}

ActOption severity_option() {
  return {"--severity", "severity",
          "How badly work is hit: critical, high, moderate or standard. If you leave it out when you plan: "
          "standard"};
}
ActOption ticket_option() {
  return {"--ticket", "ticket",
          "The reference under which an emergency was passed on to somebody who can end it"};
}
ActOption text_option(bool required) {
  return {"--text", "text", "What people are told: what does not work, and what to do instead", required};
}
ActOption moment_option(std::string flag, std::string member, std::string help, bool required = false) {
  ActOption option{std::move(flag), std::move(member), std::move(help), required};
  option.is_moment = true;
  return option;
}

void tell_list(const json::object& body) {
  say_list(body, "downtime", "No downtime is announced.", downtime_line);
  if (!is_true(body, "closed")) return;
  const auto until = text_of(body, "reopens_at");
  say(until.empty() ? "Nobody can sign in now."
                    : fmt::format("Nobody can sign in until {}.", local_time(until)));
}

void add_changes(CLI::App& group, Cli& cli) {
  add_act(group, cli,
          {.name = "change",
           .what = "Change a downtime. While it lasts you can change its end, which everybody is told",
           .example = "cardgate downtime change 3 --until \"2026-12-06 04:00\"",
           .method = "PUT",
           .path = "/v1/downtime/{}",
           .subject = "DOWNTIME",
           .subject_help = "Its number: cardgate downtime list",
           .options = {moment_option("--from", "begins_at", "When it begins now"),
                       moment_option("--until", "ends_at", "When it ends now"), severity_option(),
                       text_option(false), ticket_option()},
           .as_root = true});
  add_act(group, cli,
          {.name = "withdraw",
           .what = "Withdraw a downtime that has not begun. Everybody is told",
           .example = "cardgate downtime withdraw 3",
           .method = "DELETE",
           .path = "/v1/downtime/{}",
           .subject = "DOWNTIME",
           .subject_help = "Its number: cardgate downtime list",
           .as_root = true});
  add_act(group, cli,
          {.name = "end",
           .what = "End a downtime that lasts: an emergency, or a planned one before its time",
           .example = "cardgate downtime end 3 --outcome \"The network works again\"",
           .path = "/v1/downtime/{}/end",
           .subject = "DOWNTIME",
           .subject_help = "Its number: cardgate downtime list",
           .options = {{"--outcome", "outcome", "How it ended, in a sentence that everybody is told", true}},
           .as_root = true});
}

}  // namespace

void add_downtime(CLI::App& app, Cli& cli) {
  auto* group =
      add_command(app, "downtime", "Times in which the service is not to be used",
                  "cardgate downtime list\n  cardgate downtime plan --from \"2026-12-05 22:00\" --until "
                  "\"2026-12-06 02:00\" --text \"ESR is upgraded. Use the paper forms.\"",
                  "");
  group->require_subcommand(1);
  add_act(*group, cli,
          {.name = "list",
           .what = "Show the downtime that is announced, and what lasts now",
           .example = "cardgate downtime list",
           .method = "GET",
           .path = "/v1/downtime",
           .tell = tell_list,
           .without_session = true});
  add_act(
      *group, cli,
      {.name = "plan",
       .what = "Announce a downtime. While it lasts nobody can sign in; at its end all is open by itself",
       .example =
           "cardgate downtime plan --from \"2026-12-05 22:00\" --until \"2026-12-06 02:00\" --text \"ESR "
           "is upgraded. Use the paper forms.\"",
       .path = "/v1/downtime",
       .options = {moment_option("--from", "begins_at",
                                 "When it begins, as 2026-12-05 22:00 in this machine's time, or with its "
                                 "zone, as 2026-12-05T22:00:00Z",
                                 true),
                   moment_option("--until", "ends_at", "When it ends, written likewise", true),
                   severity_option(), text_option(true)},
       .as_root = true});
  add_act(
      *group, cli,
      {.name = "declare",
       .what = "Declare an emergency: everybody is told at once",
       .example = "cardgate downtime declare --severity critical --text \"ESR cannot be reached. Use the "
                  "paper forms.\"",
       .path = "/v1/emergencies",
       .options =
           {text_option(true),
            {"--severity", "severity",
             "How badly work is hit: critical, high, moderate or standard. If you leave it out: critical"},
            moment_option("--expected", "ends_at", "When you expect it to be over, if you know"),
            ticket_option(),
            {"--close", "closes", "Nobody can sign in until you end it, and sessions end", false, true}},
       .as_root = true});
  add_changes(*group, cli);
}

}  // namespace cardgate::client
