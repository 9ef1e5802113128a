// SPDX-License-Identifier: Apache-2.0
// cardgate audit export: what of the log is handed to others. Offline, on the log's directory.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "audit/disclosure.hpp"
#include "audit/event.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct ExportOptions {
  std::string directory = default_audit_directory;
  audit::Selection selection;
  std::string out, about, key_file;
};

/// "2026-01-31" or a time, as the log writes it. False: said.
bool bring_to_utc(const Cli& cli, const char* option, std::string& text) {
  if (text.empty()) return true;
  if (const auto time = parse_rfc3339(text)) {
    text = to_rfc3339(*time);
  } else if (const auto date = parse_date(text)) {
    text = to_rfc3339(start_of(*date));
  } else {
    say_usage(cli, fmt::format("{}: \"{}\" is neither 2026-01-31 nor 2026-01-31T09:30:00Z", option, text));
    return false;
  }
  return true;
}

bool bring_times(const Cli& cli, audit::Selection& selection) {
  if (!bring_to_utc(cli, "--since", selection.since) || !bring_to_utc(cli, "--until", selection.until))
    return false;
  if (selection.since.empty() || selection.until.empty() || selection.since < selection.until) return true;
  say_usage(cli, fmt::format("--since {} is not before --until {}: exchange them", selection.since,
                             selection.until));
  return false;
}

/// What happened, in words, then what the record has.
std::string told(const json::object& record) {
  const auto event = text_of(record, "event");
  const auto* info = audit::find_event(event);
  std::string out = fmt::format("{}  {}\n", text_of(record, "time"), event);
  if (info != nullptr) out += fmt::format("    {}\n", info->recorded);
  for (const auto& member : record) {
    const std::string_view name = member.key();
    if (name == "time" || name == "event" || name == "prev" || name == "policy") continue;
    const auto& value = member.value();
    out += fmt::format("    {}: {}\n", name == "seq" ? std::string_view("record") : name,
                       value.is_string() ? std::string(value.get_string()) : json::serialize(value));
  }
  return out;
}

/// Whoever hands a part of the log out must know that there was more.
int say_missing(const audit::Missing& missing) {
  for (const auto& what : missing) complain("The log is not whole: " + what + ".");
  if (missing.empty()) return exit_ok;
  complain("What you have is not all. `cardgate audit verify` says more.");
  return exit_refused;
}

int export_person(const Cli& cli, ExportOptions& options) {
  if (!bring_times(cli, options.selection)) return exit_usage;
  std::size_t count = 0;
  const auto walked = audit::for_each_selected(options.directory, options.selection,
                                               [&](const json::object& record, std::string_view line) {
                                                 ++count;
                                                 say_whole(cli.json ? std::string(line) : told(record));
                                                 return true;
                                               });
  if (!walked) return say_error(cli, walked.error());
  if (!cli.json)
    say(fmt::format("{} about {}. Times are UTC. Other people stand in some of them by their numbers.",
                    counted(static_cast<std::int64_t>(count), "record", "records"),
                    options.selection.person));
  return say_missing(*walked);
}

int export_evidence(const Cli& cli, ExportOptions& options) {
  const auto& of = options.selection;
  if (of.person.empty() && of.session.empty() && of.since.empty() && of.until.empty()) {
    say_usage(cli, "say which records: --person, --of-session, --since or --until");
    return exit_usage;
  }
  if (!bring_times(cli, options.selection)) return exit_usage;
  const auto made = audit::write_evidence(options.directory, options.selection, options.out, options.about);
  if (!made) return say_error(cli, made.error());
  if (cli.json) {
    print_json(json::object{{"folder", options.out},
                            {"records", made->selected},
                            {"lines", made->lines},
                            {"files", made->pieces},
                            {"unsigned", made->unsigned_tail},
                            {"missing", json::array(made->missing.begin(), made->missing.end())}});
    return say_missing(made->missing);
  }
  say(fmt::format("{}: {} that you asked for, in {} with {} that the proof needs", options.out,
                  counted(static_cast<std::int64_t>(made->selected), "record", "records"),
                  counted(static_cast<std::int64_t>(made->pieces), "file", "files"),
                  counted(static_cast<std::int64_t>(made->lines), "line", "lines")));
  if (made->unsigned_tail > 0)
    say(fmt::format("{} left out, because no checkpoint signs them yet.",
                    counted(static_cast<std::int64_t>(made->unsigned_tail), "record is", "records are")));
  say("The README there says how anybody verifies it, without cardgate.");
  return say_missing(made->missing);
}

Result<Bytes> statistics_key(const std::string& file) {
  Bytes key = random_bytes(32);
  if (file.empty()) return key;
  if (auto kept = read_file(file, 32)) {
    if (kept->size() != key.size()) return Error{Errc::corrupt, file + ": not a key of 32 bytes"};
    return Bytes(kept->begin(), kept->end());
  } else if (kept.error().code != Errc::not_found) {
    return kept.error();
  }
  TRY(write_file_atomic(file, key, 0600));
  return key;
}

int export_statistics(const Cli& cli, ExportOptions& options) {
  if (!bring_times(cli, options.selection)) return exit_usage;
  const auto key = statistics_key(options.key_file);
  if (!key) return say_error(cli, key.error());
  say_whole(audit::pseudonymous_columns);
  const auto walked = audit::for_each_line_noting_gaps(options.directory, [&](const audit::RawLine& line) {
    if (!audit::is_selected(options.selection, line.text)) return true;
    if (const auto row = audit::pseudonymous_csv(line.text, *key); !row.empty()) say_whole(row);
    return true;
  });
  return walked ? say_missing(*walked) : say_error(cli, walked.error());
}

CLI::App* add_export(CLI::App& group, Cli& cli, const char* name, const char* what, const char* example,
                     const std::shared_ptr<ExportOptions>& options, int (*act)(const Cli&, ExportOptions&)) {
  auto* command =
      add_command(group, name, what, example,
                  "0 done; 1 done, but a part of the log is missing; 2 wrong usage; 4 it cannot be done");
  command->add_option("--dir", options->directory, "The log's directory")->capture_default_str();
  command->add_option("--since", options->selection.since,
                      "From this time on: 2026-01-31 or 2026-01-31T09:30:00Z");
  command->add_option("--until", options->selection.until, "Before this time");
  command->callback(
      [&cli, options, act] { cli.action = [&cli, options, act] { return act(cli, *options); }; });
  return command;
}

}  // namespace

void add_audit_export(CLI::App& group, Cli& cli) {
  auto* all = add_command(group, "export", "Hand out a part of the log",
                          "cardgate audit export person --person 10017", "");
  all->require_subcommand(1);
  constexpr const char* number = "The person's number in the register";
  // As of a script's variable that nothing was put into: it would select everybody.
  const CLI::Validator not_empty(
      [](const std::string& text) { return text.empty() ? std::string("it is empty") : std::string(); }, "");
  auto options = std::make_shared<ExportOptions>();
  add_export(
      *all, cli, "person",
      "All that the log holds on one person, for a subject access request: every record that names them. "
      "--json gives the lines exactly as they are in the log",
      "cardgate audit export person --person 10017 > 10017.txt", options, export_person)
      ->add_option("--person", options->selection.person, number)
      ->required()
      ->check(not_empty);
  auto* evidence = add_export(
      *all, cli, "evidence",
      "A folder of records that carries its own proof: anybody can verify it with the public key, "
      "and without cardgate",
      "cardgate audit export evidence --person 10017 --since 2026-01-31 --out case-17 --about 'Case 17'",
      options, export_evidence);
  evidence->add_option("--person", options->selection.person, number)->check(not_empty);
  evidence->add_option("--of-session", options->selection.session, "Only records of this session id")
      ->check(not_empty);
  evidence->add_option("--about", options->about, "What it is for; stands in its README");
  evidence->add_option("--out", options->out, "The folder to make")->required();
  add_export(*all, cli, "statistics",
             "What happened in which hour, as CSV: codes in the place of names, and no free text",
             "cardgate audit export statistics --since 2026-01-01 --until 2026-02-01 > january.csv", options,
             export_statistics)
      ->add_option(
          "--key", options->key_file,
          "A key to keep, so that a later export has the same codes; made when it is not there. Left out: "
          "thrown away, and nobody can try names out");
}

}  // namespace cardgate::client
