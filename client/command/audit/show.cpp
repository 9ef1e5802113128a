// SPDX-License-Identifier: Apache-2.0
// cardgate audit show: offline, on the log's directory.
#include <fmt/format.h>

#include <deque>
#include <memory>

#include "audit/event.hpp"
#include "audit/reader.hpp"
#include "base/clock.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct ShowOptions {
  std::string directory = default_audit_directory;
  std::string event, person, since, until;
  std::size_t last = 0;
};

/// Records carry RFC 3339 in UTC of one width, so text order is time order.
Result<std::string> bound(const std::string& option, const std::string& text) {
  if (text.empty()) return std::string();
  if (const auto time = parse_rfc3339(text)) return to_rfc3339(*time);
  if (const auto date = parse_date(text)) return to_rfc3339(start_of(*date));
  return Error{Errc::invalid_argument,
               fmt::format("{}: \"{}\" is neither 2026-01-31 nor 2026-01-31T09:30:00Z", option, text)};
}

std::string line_of_record(const json::object& record) {
  std::string line = fmt::format("{:>8} {} {:<18}", number_of(record, "seq"), text_of(record, "time"),
                                 text_of(record, "event"));
  for (const auto* member : {"person", "role", "client", "session", "reason"}) {
    if (const auto text = text_of(record, member); !text.empty()) line += fmt::format(" {}={}", member, text);
  }
  if (const auto* details = find_object(record, "details")) line += " " + json::serialize(*details);
  line += fmt::format("  ({})", local_time(text_of(record, "time")));
  return line;
}

std::string unknown_event(const std::string& given) {
  std::string known;
  for (const auto& event : audit::events()) {
    if (event.is_recorded()) known += fmt::format("{}{}", known.empty() ? "" : ", ", event.name);
  }
  return fmt::format("--event: no record is called \"{}\". They are: {}", given, known);
}

int show(const Cli& cli, const ShowOptions& options) {
  const auto since = bound("--since", options.since);
  const auto until = bound("--until", options.until);
  if (!since) return say_usage(cli, since.error().context);
  if (!until) return say_usage(cli, until.error().context);
  if (!options.event.empty() && audit::find_event(options.event) == nullptr)
    return say_usage(cli, unknown_event(options.event));
  std::deque<std::string> kept;
  const auto print = [&](const std::string& line) {
    if (options.last == 0) return say_whole(line);
    kept.push_back(line);
    if (kept.size() > options.last) kept.pop_front();
  };
  const auto walked =
      audit::for_each(options.directory, [&](const json::object& record, std::string_view raw_line) {
        const auto time = text_of(record, "time");
        if (!options.event.empty() && text_of(record, "event") != options.event) return true;
        if (!options.person.empty() && text_of(record, "person") != options.person) return true;
        if (!since->empty() && time < *since) return true;
        if (!until->empty() && time >= *until) return true;
        print(cli.json ? std::string(raw_line) : line_of_record(record));
        return true;
      });
  for (const auto& line : kept) say_whole(line);
  return walked ? int{exit_ok} : say_error(cli, walked.error());
}

}  // namespace

void add_audit_show(CLI::App& group, Cli& cli) {
  auto* list = add_command(group, "show",
                           "Show records, oldest first, with the local time. --json shows the lines exactly "
                           "as they are in the log",
                           "cardgate audit show --event sign_in --since 2026-01-31\n  cardgate audit show "
                           "--person 10017 --last 20",
                           "0 done; 2 wrong usage; 4 it cannot be read");
  auto options = std::make_shared<ShowOptions>();
  list->add_option("--dir", options->directory, "The log's directory")->capture_default_str();
  list->add_option("--event", options->event, "Only this event");
  list->add_option("--person", options->person, "Only this person's id");
  list->add_option("--since", options->since, "From this time on: 2026-01-31 or 2026-01-31T09:30:00Z");
  list->add_option("--until", options->until, "Before this time");
  list->add_option("--last", options->last, "Only the last N")->check(CLI::Range(1, 1'000'000));
  list->callback([&cli, options] { cli.action = [&cli, options] { return show(cli, *options); }; });
}

}  // namespace cardgate::client
