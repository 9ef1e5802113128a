// SPDX-License-Identifier: Apache-2.0
// cardgate support: what a person tried lately, for whoever helps them.
#include <fmt/format.h>

#include <memory>

#include "base/calendar.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/audit/record_table.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct SupportOptions {
  std::string person, session, last;
};

void say_attempt(const json::object& one, const Calendar& calendar, std::string& day) {
  const auto [this_day, clock] = day_and_clock(text_of(one, "at"), calendar);
  if (this_day != day) {
    say(this_day);
    day = this_day;
  }
  const auto times = number_of(one, "times");
  say(fmt::format("  {}  {}{}", clock, text_of(one, "text"),
                  times > 1 ? fmt::format(" ({} times in a row)", times) : std::string()));
  const auto now = text_of(one, "now");
  const auto* unmet = find_array(one, "unmet");
  if (!now.empty()) say("            Now: " + now);
  if (unmet == nullptr) return;
  for (const auto& item : *unmet) {
    const auto* lack = item.if_object();
    if (lack == nullptr) continue;
    say(fmt::format("            - {}. {}. Who can put it right: {}.", text_of(*lack, "text"),
                    text_of(*lack, "next_step"), text_of(*lack, "who")));
  }
}

void say_attempts(const json::object& body) {
  const auto zone = Calendar::of(text_of(body, "time_zone"));
  const auto calendar = zone ? *zone : Calendar();
  const auto who = who_of(body, "person");
  const auto since = text_of(body, "since_at");
  const auto moment = parse_rfc3339(since);
  const auto when = moment ? " since " + calendar.moment_text(*moment) : std::string();
  const auto* attempts = find_array(body, "attempts");
  if ((attempts == nullptr || attempts->empty()) && is_true(body, "more")) {
    say(fmt::format("Not all of the log was read yet. Nothing that {} tried{} was found so far. Ask again.",
                    who, when));
    return;
  }
  if (attempts == nullptr || attempts->empty()) {
    say(fmt::format("{} has tried nothing at this machine{}. Older attempts: --last 20", who, when));
    return;
  }
  say(fmt::format("What {} tried{}, newest first:", who, when));
  std::string day;
  for (const auto& item : *attempts) {
    if (const auto* one = item.if_object()) say_attempt(*one, calendar, day);
  }
  if (is_true(body, "more")) say("There were earlier ones: --last 50");
}

}  // namespace

void add_support(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "support",
                  "Show what a person tried in the last 24 hours, why it did not work, and what would put it "
                  "right now: for the help desk "
                  "(give-codes) and for roles that may read-audit. The look is recorded",
                  "cardgate support --person \"Ada Example\"\n  cardgate support --person 10017 --last 50",
                  usual_exit_codes);
  auto options = std::make_shared<SupportOptions>();
  command->add_option("--person", options->person, person_help)->required();
  command->add_option("--last", options->last, "So many attempts, however old (1 to 50)")
      ->check(CLI::Range(1, 50));
  command->add_option("--session", options->session, session_help);
  command->callback([&cli, options] {
    cli.action = [&cli, options] {
      const auto target =
          with_query("/v1/support",
                     {{"person", options->person}, {"last", options->last}, {"session", options->session}});
      return say_reply(cli, call(Http(policy_socket(cli, options->session)), {.target = target}),
                       say_attempts);
    };
  });
}

}  // namespace cardgate::client
