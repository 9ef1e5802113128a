// SPDX-License-Identifier: Apache-2.0
// cardgate audit report: offline on the log's directory for root, who asks the service only how people stand; for everybody else
// the service makes the report.
#include "audit/report/report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "audit/report/render.hpp"
#include "base/file.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"
#include "client/command/progress.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

namespace reports = audit::report;

constexpr auto report_patience = std::chrono::minutes(10);

struct ReportOptions {
  std::string kind, from, to, format = "text", output, directory, standing, zone, session;
  std::string team;
};

/// A day counts from its first moment, and as the end to its last.
Result<WallTime> report_bound(const std::string& option, const std::string& text, const Calendar& calendar,
                              bool end) {
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto date = parse_date(text)) {
    const auto day = std::chrono::sys_days(*date) + std::chrono::days(end ? 1 : 0);
    return calendar.start_of(day);
  }
  return Error{Errc::invalid_argument,
               fmt::format("{}: \"{}\" is neither 2026-01-31 nor 2026-01-31T09:30:00Z", option, text)};
}

/// How people stand now, as root is told it, page by page. A refusal of the service is an error, and `refusal` has it whole.
Result<reports::Standing> ask_standing(const Cli& cli, std::optional<proto::Problem>* refusal = nullptr) {
  const Http admin(cli.admin_socket);
  reports::Standing out;
  std::string after;
  do {
    const auto reply = TRY(call(admin, {.target = with_query("/v1/audit/standing", {{"after", after}})},
                                std::chrono::minutes(2)));
    if (reply.refusal) {
      if (refusal != nullptr) *refusal = reply.refusal;
      return Error{Errc::unavailable, reply.refusal->detail};
    }
    TRY(reports::add_page(out, reply.body));
    auto next = text_of(reply.body, "next");
    if (!next.empty() && next <= after) return Error{Errc::malformed, "the service's answer does not go on"};
    after = std::move(next);
  } while (!after.empty());
  return out;
}

Result<reports::Standing> read_standing(const std::string& file) {
  constexpr std::size_t most = 256UL << 20;
  const auto text = TRY(read_file(file, most));
  const auto value = TRY(parse_json(text, most));
  const auto* page = value.if_object();
  if (page == nullptr) return Error{Errc::malformed, fmt::format("{}: this is no JSON object", file)};
  if (!text_of(*page, "next").empty())
    return Error{
        Errc::malformed,
        fmt::format(
            "{}: this is only the first page of how people stand. `sudo cardgate audit standing` writes "
            "all of them",
            file)};
  reports::Standing out;
  TRY(reports::add_page(out, *page));
  return out;
}

/// Writes it, or says why not; nothing half stays behind.
int give(const Cli& cli, const std::string& output, const std::string& text) {
  if (output.empty()) {
    fmt::print("{}", text);
    if (std::fflush(stdout) != 0) return say_error(cli, errno_error("it could not be written", errno));
    return exit_ok;
  }
  const auto written = write_file_atomic(output, as_bytes(text), 0600);
  if (written) return exit_ok;
  if (written.error().code == Errc::no_space)
    return say_error(cli, Error{Errc::no_space, fmt::format("The disk is full, so this was not written: {}. "
                                                            "Make room, or give another file with --output",
                                                            output)});
  return say_error(cli, written.error());
}

int write_standing(const Cli& cli, const std::string& output) {
  std::optional<proto::Problem> refusal;
  const auto standing = ask_standing(cli, &refusal);
  if (refusal) return say_problem(cli, *refusal);
  if (!standing) return say_error(cli, standing.error());
  auto page = reports::to_json(*standing);
  json::array people;
  for (const auto& [id, person] : standing->people) people.push_back(reports::to_json(person));
  page["people"] = std::move(people);
  page["next"] = nullptr;
  return give(cli, output, json::serialize(page) + "\n");
}

int report_by_service(const Cli& cli, const ReportOptions& options) {
  const Http http(cli.socket);
  const auto target = with_query(
      "/v1/audit/reports/" + percent_encode(options.kind),
      {{"from", options.from}, {"to", options.to}, {"format", options.format}, {"session", options.session}});
  const auto answer = [&] {
    const Progress shown([] { return std::string("the service makes the report"); });
    return http.call({.target = target}, report_patience);
  }();
  if (!answer) return say_error(cli, answer.error());
  if (answer->status == 200) return give(cli, options.output, answer->body);
  const auto reply = read_reply(*answer);
  if (!reply) return say_error(cli, reply.error());
  return reply->refusal ? say_problem(cli, *reply->refusal) : exit_error;
}

/// Nothing: from the log alone.
Result<std::optional<reports::Standing>> standing_for(const Cli& cli, const ReportOptions& options,
                                                      std::string& why_not) {
  if (!options.standing.empty()) return std::optional(TRY(read_standing(options.standing)));
  if (options.directory != default_audit_directory) {
    why_not =
        "This log may be of another machine, so the service of this one was not asked how people stand. To "
        "give it: --standing FILE";
    return std::optional<reports::Standing>();
  }
  auto asked = ask_standing(cli);
  if (asked) return std::optional(std::move(*asked));
  why_not = fmt::format("The service could not say how people stand: {}.", asked.error().context);
  return std::optional<reports::Standing>();
}

int report_offline(const Cli& cli, const ReportOptions& options) {
  std::string why_not;
  auto standing = standing_for(cli, options, why_not);
  if (!standing) return say_error(cli, standing.error());
  if (!options.team.empty()) {
    if (!*standing)
      return say_error(cli, Error{Errc::unavailable, "Nobody says who is in the team. " + why_not});
    std::erase_if((*standing)->people, [&](const auto& each) { return each.second.manager != options.team; });
    if ((*standing)->people.empty())
      return say_error(cli,
                       Error{Errc::not_found, fmt::format("Nobody has {} as line manager.", options.team)});
  }
  reports::Ask ask;
  ask.kind = options.kind;
  ask.team_of = options.team;
  if (!options.team.empty()) ask.managers.push_back(options.team);
  ask.standing = *standing ? &**standing : nullptr;
  ask.now = system_clock().wall();
  const auto zone = !options.zone.empty()     ? options.zone
                    : ask.standing != nullptr ? ask.standing->zone
                                              : std::string();
  if (!zone.empty() && zone != "UTC") {
    const auto calendar = Calendar::of(zone);
    if (!calendar) return say_usage(cli, "--time-zone: " + calendar.error().context);
    ask.calendar = *calendar;
  }
  const auto from = report_bound("--from", options.from, ask.calendar, false);
  if (!from) return say_usage(cli, from.error().context);
  const auto to = report_bound("--to", options.to, ask.calendar, true);
  if (!to) return say_usage(cli, to.error().context);
  ask.from = *from;
  ask.to = *to;
  reports::Progress progress;
  const auto report = [&] {
    const Progress shown([&progress] {
      constexpr std::uint64_t mib = 1UL << 20;
      return fmt::format("reading the log {} MiB", bar_text(progress.bytes / mib, progress.of / mib));
    });
    return reports::make(options.directory, ask, progress);
  }();
  if (!report)
    return report.error().code == Errc::invalid_argument ? say_usage(cli, report.error().context)
                                                         : say_error(cli, report.error());
  auto whole = *report;
  if (!options.team.empty())
    whole.not_seen.push_back("Only records of the team's own people are in this report.");
  if (!why_not.empty()) whole.not_seen.push_back(std::move(why_not));
  if (options.format == "json")
    return give(cli, options.output, reports::rendered(whole, reports::Format::json));
  if (options.format == "html") return give(cli, options.output, reports::to_html(whole));
  const auto width =
      options.output.empty() ? std::clamp<std::size_t>(terminal_width(STDOUT_FILENO), 60, 120) : 100;
  return give(cli, options.output, reports::to_text(whole, width));
}

int make_report(const Cli& cli, ReportOptions options) {
  if (cli.json) options.format = "json";
  const bool offline = !options.directory.empty() || !options.standing.empty() || ::geteuid() == 0;
  if (!offline) return report_by_service(cli, options);
  if (options.directory.empty()) options.directory = default_audit_directory;
  return report_offline(cli, options);
}

}  // namespace

void add_audit_report(CLI::App& group, Cli& cli) {
  auto* report = add_command(
      group, "report",
      "Report from the log: who can do what (controls), how much it was used (usage), what looks like misuse "
      "(misuse), a team's training, declarations and forms (kpi)",
      "cardgate audit report usage --from 2026-01-01 --to 2026-01-31\n  cardgate audit report misuse --from "
      "2026-01-01 "
      "--to 2026-12-31 --format html --output misuse.html",
      "0 done; 1 refused; 2 wrong usage; 3 the service is not reachable; 4 error");
  auto options = std::make_shared<ReportOptions>();
  report->add_option("kind", options->kind, "controls, usage, misuse or kpi")
      ->required()
      ->check(CLI::IsMember(reports::kinds()));
  report->add_option("--from", options->from, "The first day, or a time: 2026-01-31 or 2026-01-31T09:30:00Z")
      ->required();
  report->add_option("--to", options->to, "The last day, which counts whole, or a time")->required();
  report->add_option("--format", options->format, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  report->add_option("--output", options->output, "Write it to this file, whole or not at all");
  report->add_option(
      "--dir", options->directory,
      "The log's directory, for root; without it, and without root, the service makes the report");
  report->add_option("--standing", options->standing,
                     "How people stood, as `cardgate audit standing` wrote it where the log was copied from");
  report->add_option("--team-of", options->team, "Only the team of this line manager (personnel number)");
  report->add_option("--time-zone", options->zone,
                     "The hospital's time zone, as Europe/London, when the service cannot say it");
  report->add_option("--session", options->session, session_help);
  report->callback([&cli, options] { cli.action = [&cli, options] { return make_report(cli, *options); }; });
}

void add_audit_standing(CLI::App& group, Cli& cli) {
  auto* command =
      add_command(group, "standing",
                  "Write how people stand now (roles, evidence, cards), as JSON, for reports on "
                  "a copy of the log. Only root may",
                  "cardgate audit standing --output standing.json\n  cardgate audit report controls "
                  "--dir COPY --standing standing.json "
                  "--from 2026-01-01 --to 2026-01-31",
                  "0 done; 1 refused; 2 wrong usage; 3 the service is not reachable; 4 error");
  auto output = std::make_shared<std::string>();
  command->add_option("--output", *output, "Write it to this file, which nobody else may read");
  command->callback([&cli, output] { cli.action = [&cli, output] { return write_standing(cli, *output); }; });
}

}  // namespace cardgate::client
