// SPDX-License-Identifier: Apache-2.0
// cardgate staff import
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "client/command/chart.hpp"
#include "client/command/output.hpp"
#include "client/command/progress.hpp"
#include "client/command/work/act.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

constexpr std::size_t max_staff_file_bytes = 256UL << 20;  // as the service takes it
constexpr std::size_t max_shown_width = 40;

struct Ask {
  std::string file, format, encoding, break_glass;
  bool dry_run = false, leavers_by_absence = false;
  std::int64_t allow_leavers = -1, allow_newcomers = -1;
};

bool is_csv(const Ask& ask) {
  if (!ask.format.empty()) return ask.format == "csv";
  const std::string ending = ascii_lower(std::filesystem::path(ask.file).extension().string());
  return ending == ".csv" || ending == ".tsv" || ending == ".txt";
}

bool is_yaml(const Ask& ask) {
  const std::string ending = ascii_lower(std::filesystem::path(ask.file).extension().string());
  return !ask.format.empty() || ending == ".yaml" || ending == ".yml";
}

/// The first line that says something has cells, and nothing of YAML.
bool looks_like_table(std::string_view text) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return true;  // UTF-16, as spreadsheets write it
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \r\n"), text.size()));
  std::string_view first = text.substr(0, text.find('\n'));
  while (first.ends_with('\r') || first.ends_with(' ')) first.remove_suffix(1);
  const bool yaml = first.empty() || first.front() == '#' || first.front() == '-' || first.front() == '{' ||
                    first.front() == '%' || first.ends_with(':') ||
                    first.find(": ") != std::string_view::npos;
  return !yaml &&
         (first.find_first_of(",;\t") != std::string_view::npos || ascii_lower(first).starts_with("sep="));
}

std::string target_of(const Ask& ask) {
  const auto number = [](std::int64_t given) { return given < 0 ? std::string() : std::to_string(given); };
  return with_query("/v1/staff/import", {{"dry_run", ask.dry_run ? "true" : ""},
                                         {"leavers", ask.leavers_by_absence ? "by-absence" : ""},
                                         {"allow_leavers", number(ask.allow_leavers)},
                                         {"allow_newcomers", number(ask.allow_newcomers)},
                                         {"encoding", ask.encoding},
                                         {"break_glass", ask.break_glass}});
}

/// What the service says of an import that runs.
std::string progress_line(const Http& admin) {
  const auto reply = call(admin, {.target = "/v1/staff/import"}, seconds(5));
  if (!reply || reply->refusal || !is_true(reply->body, "running")) return "sending the file";
  const auto of = static_cast<std::uint64_t>(number_of(reply->body, "of"));
  return of == 0 ? "reading the file"
                 : bar_text(static_cast<std::uint64_t>(number_of(reply->body, "done")), of);
}

std::string differences_text(const json::object& body) {
  const auto* list = find_array(body, "differences");
  if (list == nullptr || list->empty()) return {};
  std::vector<std::vector<std::string>> rows{{"ID", "NAME", "", "FIELD", "NOW", "THEN"}};
  for (const auto& item : *list) {
    const auto* person = item.if_object();
    const auto* fields = person == nullptr ? nullptr : find_array(*person, "fields");
    if (fields == nullptr) continue;
    bool first = true;
    for (const auto& each : *fields) {
      const auto* field = each.if_object();
      if (field == nullptr) continue;
      rows.push_back({first ? id_of(*person, "person") : "", first ? name_of(*person, "person") : "",
                      first ? text_of(*person, "what") : "", text_of(*field, "name"),
                      text_of(*field, "before"), text_of(*field, "after")});
      first = false;
    }
  }
  return fmt::format("{}\n", fmt::join(table(rows, max_shown_width), "\n"));
}

std::string look_alikes_text(const json::object& body) {
  std::string text;
  const auto* list = find_array(body, "look_alikes");
  if (list == nullptr) return text;
  for (const auto& item : *list) {
    if (const auto* line = item.if_object())
      text += fmt::format("  - line {}: {}\n", number_of(*line, "line"), text_of(*line, "text"));
  }
  return text;
}

std::string report_text(const json::object& body, double took) {
  const auto number = [&](std::string_view member) {
    return with_commas(static_cast<std::uint64_t>(number_of(body, member)));
  };
  const auto people = number_of(body, "people");
  std::string text;
  if (is_true(body, "dry_run")) {
    text = differences_text(body);
    const auto* list = find_array(body, "differences");
    const auto of = number_of(body, "added") + number_of(body, "changed") + number_of(body, "left");
    if (list != nullptr && static_cast<std::int64_t>(list->size()) < of)
      text += fmt::format("... and {} people more\n", of - static_cast<std::int64_t>(list->size()));
    text += "Nothing was changed. The import would do this:\n";
  }
  text +=
      fmt::format("{} {} in the file: {} added, {} changed, {} unchanged", number("people"),
                  people == 1 ? "person" : "people", number("added"), number("changed"), number("unchanged"));
  if (number_of(body, "left") > 0) text += fmt::format("; {} not in the file left", number("left"));
  text += ".\n";
  if (is_true(body, "stops")) text += fmt::format("It would stop. {}\n", text_of(body, "why"));
  text += look_alikes_text(body);
  if (const auto* warnings = find_array(body, "warnings")) {
    for (const auto& item : *warnings) {
      if (const auto* warning = item.if_string())
        text += fmt::format("Warning: {}\n", std::string_view(*warning));
    }
  }
  constexpr std::int64_t worth_a_rate = 1000;
  if (people >= worth_a_rate) {
    text += fmt::format("{} people in {:.1f} s, {} a second.\n", number("people"), took,
                        with_commas(static_cast<std::uint64_t>(static_cast<double>(people) / took)));
  }
  text.pop_back();  // say() ends the line
  return text;
}

int import(const Cli& cli, const Ask& ask) {
  if (!ask.encoding.empty() && !is_csv(ask))
    return say_usage(cli, "--encoding is for tables (--format csv): a YAML file is UTF-8");
  if (ask.allow_leavers >= 0 && !ask.leavers_by_absence)
    return say_usage(cli, "--allow-leavers goes with --leavers-by-absence");
  const auto text = read_file(ask.file, max_staff_file_bytes);
  if (!text) return say_error(cli, text.error());
  if (!is_csv(ask) && !is_yaml(ask) && looks_like_table(*text))
    return say_usage(cli, "This looks like a table: name it .csv or give --format csv. Nothing was changed");
  const Http admin(cli.admin_socket);
  const BootTime began = system_clock().boot();
  const auto reply = [&] {
    const Progress shown([&cli] { return progress_line(Http(cli.admin_socket)); });
    return call(admin,
                {.method = "POST",
                 .target = target_of(ask),
                 .body = *text,
                 .content_type = is_csv(ask) ? "text/csv" : "application/yaml"},
                std::chrono::minutes(30));
  }();
  const double took = std::max(0.001, std::chrono::duration<double>(system_clock().boot() - began).count());
  return say_admin_reply(cli, reply, "take over a staff file",
                         [took](const json::object& report) { say(report_text(report, took)); });
}

}  // namespace

int import_staff(const Cli& cli, const std::string& file, bool dry_run) {
  Ask ask;
  ask.file = file;
  ask.dry_run = dry_run;
  return import(cli, ask);
}

void add_staff(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "staff", "Staff: see and change records, import a staff file (root)",
                            "cardgate staff show 10017", "");
  group->require_subcommand(1);
  add_staff_acts(*group, cli);
  add_loans(*group, cli);
  auto* command = add_command(
      *group, "import", "Import a staff file: all of it, or nothing. Each bad line is named",
      "sudo cardgate staff import --dry-run esr.csv\n  sudo cardgate staff import esr.csv",
      "0 taken over, or a dry run done; 1 refused, nothing was changed; 2 wrong usage; 3 the service is not "
      "reachable; 4 error");
  auto ask = std::make_shared<Ask>();
  command->add_option("FILE", ask->file, "The staff file (YAML or CSV)")->required();
  command->add_flag("--dry-run", ask->dry_run, "Show what would change, and change nothing");
  command
      ->add_option("--format", ask->format, "csv or yaml; if you leave it out, the file's ending says which")
      ->check(CLI::IsMember({"csv", "yaml"}));
  command->add_option("--encoding", ask->encoding, "The encoding of a table that is not Unicode")
      ->check(CLI::IsMember({"windows-1252"}));
  command->add_flag("--leavers-by-absence", ask->leavers_by_absence,
                    "Everybody who is employed but not in the file left yesterday");
  command
      ->add_option("--allow-leavers", ask->allow_leavers,
                   "The exact number of people who may lose access, when it is more than 5 %")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--allow-newcomers", ask->allow_newcomers,
                   "The exact number of newcomers who look like somebody on file, but are other people")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--break-glass", ask->break_glass,
                      "In an emergency: change forms, declarations, delegations and teams as well, even if "
                      "nobody is left in the team. The reason is recorded");
  command->callback([&cli, ask] { cli.action = [&cli, ask] { return import(cli, *ask); }; });
}

}  // namespace cardgate::client
