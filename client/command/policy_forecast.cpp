// SPDX-License-Identifier: Apache-2.0
// cardgate policy forecast: who loses what in the weeks to come.
#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>

#include "base/clock.hpp"
#include "client/command/chart.hpp"
#include "client/command/output.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

using std::chrono::days;
using Day = std::chrono::sys_days;

constexpr std::size_t nearest_shown = 20;
// The whole register is read, at some ten thousand people a second.
constexpr milliseconds forecast_patience = std::chrono::minutes(10);

struct ForecastOptions {
  int days = 90;
  std::string role, session;
  bool csv = false;
};

std::vector<const json::object*> objects(const json::object& body, std::string_view member) {
  std::vector<const json::object*> out;
  if (const auto* list = find_array(body, member)) {
    for (const auto& item : *list) {
      if (const auto* object = item.if_object()) out.push_back(object);
    }
  }
  return out;
}

void say_all(const std::vector<std::string>& lines) {
  for (const auto& line : lines) say(line);
}

std::string roles_text(const json::object& week) {
  std::string text;
  for (const auto* role : objects(week, "roles")) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", text_of(*role, "role"), number_of(*role, "people"));
  }
  return text;
}

void say_weeks(const json::object& body) {
  std::vector<std::vector<std::string>> rows{{"week of", "people", "roles they lose"}};
  std::map<std::string, std::int64_t> people;
  for (const auto* week : objects(body, "by_week")) {
    const auto from = text_of(*week, "from");
    people[from] = number_of(*week, "people");
    rows.push_back({from, std::to_string(people[from]), roles_text(*week)});
  }
  if (people.empty()) return;
  say("");
  say_all(table(rows));
  const auto from = parse_date(text_of(body, "from"));
  const auto until = parse_date(text_of(body, "until"));
  if (!from || !until) return;
  std::vector<Bar> bars;
  Day monday = Day(*from) - (std::chrono::weekday(Day(*from)) - std::chrono::Monday);
  for (; monday <= Day(*until); monday += days(7)) {
    const auto begins = to_text(Date(monday));
    bars.push_back({"week of " + begins, people[begins]});
  }
  say("");
  say_all(bar_chart(bars, terminal_width(STDOUT_FILENO)));
}

void say_nearest(const json::object& body) {
  const auto lapses = objects(body, "lapses");
  if (lapses.empty()) return;
  std::vector<std::vector<std::string>> rows{
      {"last day", "days", "person", "name", "role", "what ends", "line manager"}};
  for (const auto* lapse : lapses) {
    if (rows.size() > nearest_shown) break;
    const auto manager = id_of(*lapse, "line_manager");
    rows.push_back({text_of(*lapse, "last_day"), std::to_string(number_of(*lapse, "days_left")),
                    id_of(*lapse, "person"), name_of(*lapse, "person"), text_of(*lapse, "role"),
                    text_of(*lapse, "title"), manager.empty() ? "-" : manager});
  }
  say("");
  if (lapses.size() > nearest_shown) {
    say(fmt::format("The nearest {} of {} (--csv has all of them):", nearest_shown, lapses.size()));
  }
  say_all(table(rows));
}

void say_csv(const json::object& body) {
  say_whole(
      csv_line({"last_day", "days_left", "person", "name", "line_manager", "role", "prerequisite", "title"}));
  for (const auto* lapse : objects(body, "lapses")) {
    say_whole(csv_line({text_of(*lapse, "last_day"), std::to_string(number_of(*lapse, "days_left")),
                        id_of(*lapse, "person"), name_of(*lapse, "person"), id_of(*lapse, "line_manager"),
                        text_of(*lapse, "role"), text_of(*lapse, "prerequisite"), text_of(*lapse, "title")}));
  }
}

std::string summary(const json::object& body, const std::string& role) {
  const auto losing = number_of(body, "losing");
  const auto holders = number_of(body, "holders");
  if (holders == 0) return fmt::format("Nobody has {} today.", role);
  const auto until = day_of(body, "until");
  const auto looked_at = counted(holders, "person", "people");
  if (losing == 0) return fmt::format("Nothing ends by {} ({} with {} looked at).", until, looked_at, role);
  return fmt::format("If nothing is renewed, {} of the {} with {} will lose something by {}.", losing,
                     looked_at, role, until);
}

int forecast(const Cli& cli, const ForecastOptions& options) {
  if (cli.json && options.csv) return say_usage(cli, "give either --csv or --json, not both");
  const auto target = with_query(
      "/v1/policy/forecast",
      {{"days", std::to_string(options.days)}, {"role", options.role}, {"session", options.session}});
  const auto reply = call(Http(policy_socket(cli, options.session)), {.target = target}, forecast_patience);
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  const auto& body = reply->body;
  if (cli.json) {
    print_json(body);
    return exit_ok;
  }
  if (options.csv) {
    say_csv(body);
  } else {
    say(summary(body, options.role.empty() ? "a role" : options.role));
    say_weeks(body);
    say_nearest(body);
  }
  if (is_true(body, "cut")) {
    complain(fmt::format("cardgate: only the nearest {} are listed. Ask for fewer days, or for one role.{}",
                         objects(body, "lapses").size(), options.csv ? "" : " The weeks count everybody."));
  }
  return exit_ok;
}

}  // namespace

void add_policy_forecast(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "forecast",
      "Show who will lose which role in the coming weeks if nothing is renewed (ESR & Workforce Systems "
      "team, or root)",
      "cardgate policy forecast --days 90\n  cardgate policy forecast --role core --csv > lapses.csv",
      "0 done; 1 no such role, or another forecast is still being made; 2 wrong usage; 3 the service is not "
      "reachable; 4 error");
  auto options = std::make_shared<ForecastOptions>();
  command->add_option("--days", options->days, "How far ahead")
      ->check(CLI::Range(1, 366))
      ->capture_default_str();
  command->add_option("--role", options->role, "Only this role");
  command->add_flag("--csv", options->csv, "Everything that ends, as lines of CSV");
  command->add_option("--session", options->session, session_help);
  command->callback([&cli, options] { cli.action = [&cli, options] { return forecast(cli, *options); }; });
}

}  // namespace cardgate::client
