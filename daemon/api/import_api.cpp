// SPDX-License-Identifier: Apache-2.0
// Root's import of a staff file on the admin socket: really, or to see what it would do.
#include "daemon/api/import_api.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>

#include "base/number.hpp"
#include "daemon/api/import_words.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/teams.hpp"
#include "proto/messages.hpp"
#include "register/import/file.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_report_bytes = 1 << 20;  // of what differs; clients take no more than 4 MB

struct Imported {
  std::vector<reg::ImportProblem> problems;
  reg::ImportReport report;
};

/// On the register thread: a large file must not hold up sign-ins.
Result<Imported> run_import(reg::Register& staff, std::string& text, bool csv, reg::TextEncoding encoding,
                            const reg::ImportOptions& options) {
  Imported out;
  auto parsed = csv ? Result<reg::ParsedImport>(reg::parse_import_csv(text, "staff file", encoding))
                    : reg::parse_import(text, "staff file");
  wipe(text);  // dates of birth are in it
  if (!parsed) return parsed.error();
  // Even where lines are bad, the register is asked: whoever mends the file wants to hear of everything at
  // once.
  auto report = staff.import(parsed->file, options);
  for (auto& person : parsed->file.people) {
    wipe(person.enrolment.ni_start);
    person.enrolment.born.reset();
  }
  out.report = TRY(std::move(report));
  out.problems = std::move(parsed->problems);
  out.problems.insert(out.problems.end(), out.report.problems.begin(), out.report.problems.end());
  std::ranges::stable_sort(out.problems, {}, &reg::ImportProblem::line);
  return out;
}

std::string_view word(reg::ImportDifference::What what) {
  switch (what) {
    case reg::ImportDifference::What::added:
      return "added";
    case reg::ImportDifference::What::left:
      return "left";
    case reg::ImportDifference::What::changed:
      break;
  }
  return "changed";
}

json::array differences_json(const std::vector<reg::ImportDifference>& differences) {
  json::array out;
  std::size_t bytes = 0;
  for (const auto& item : differences) {
    if (bytes > max_report_bytes) break;
    json::array fields;
    for (const auto& field : item.fields) bytes += field.before.size() + field.after.size();
    for (const auto& field : item.fields)
      fields.push_back(json::object{{"name", field.name}, {"before", field.before}, {"after", field.after}});
    out.push_back(json::object{{"person", person_json(item.id, item.name)},
                               {"what", word(item.what)},
                               {"fields", std::move(fields)}});
  }
  return out;
}

json::object counts(const reg::ImportReport& report) {
  return {{"people", report.people},
          {"added", report.added},
          {"changed", report.changed},
          {"unchanged", report.unchanged},
          {"left", report.left}};
}

audit::Record record_for(const Peer& peer) {
  audit::Record record;
  record.event = name_of(audit::Event::import);
  record.client = describe(peer);
  return record;
}

/// Nothing when the text is no such value.
std::optional<bool> flag(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace

/// Strictly: a mistyped dry_run must not become an import.
std::optional<Response> ImportApi::read(const Request& request, Ask& ask) {
  ask.csv = request.content_type == "text/csv";
  ask.options.today = clock_.today();
  ask.options.ids = rules_.config().staff_ids;
  ask.options.teams = teams_that_give_access(*rules_.policy());
  for (const auto& [name, value] : request.query) {
    bool good = request.parameter(name) != nullptr;
    if (name == "dry_run") {
      const auto given = flag(value);
      good = good && given;
      ask.options.dry_run = given.value_or(false);
    } else if (name == "leavers") {
      good = good && value == "by-absence";
      ask.options.leavers_by_absence = true;
    } else if (name == "allow_leavers") {
      const auto number = whole_number<std::size_t>(value);
      good = good && number;
      ask.options.allow_leavers = number.value_or(0);
    } else if (name == "allow_newcomers") {
      const auto number = whole_number<std::size_t>(value);
      good = good && number;
      ask.options.allow_newcomers = number.value_or(0);
    } else if (name == "break_glass") {
      good = good && !value.empty() && value.size() <= proto::max_reason_bytes;
      ask.options.break_glass = true;
      ask.break_glass = value;
    } else if (name == "encoding") {
      good = good && ask.csv && (value == "windows-1252" || value == "utf-8");
      if (value == "windows-1252") ask.encoding = reg::TextEncoding::windows_1252;
    } else {
      good = false;
    }
    if (!good) {
      return problem(400, "bad_request",
                     fmt::format("The query parameter {} is not one of dry_run=true, leavers=by-absence, "
                                 "allow_leavers=NUMBER, allow_newcomers=NUMBER, break_glass=REASON (at most "
                                 "{} bytes) and, of a table, "
                                 "encoding=windows-1252, each at most once. Nothing was taken over.",
                                 name, proto::max_reason_bytes));
    }
  }
  if (ask.options.allow_leavers && !ask.options.leavers_by_absence)
    return problem(400, "bad_request", "allow_leavers goes with leavers=by-absence. Nothing was taken over.");
  return std::nullopt;
}

Answer ImportApi::import(Request& request) {
  const Peer& peer = *request.peer;
  if (!recorder_.works()) co_return recorder_.unavailable();
  Ask ask;
  if (auto wrong = read(request, ask)) co_return std::move(*wrong);
  if (importing_) co_return problem(409, "busy", "Another import is running. Wait until it is done.");
  const Raised importing(importing_);
  progress_->done = progress_->of = 0;
  ask.options.progress = [progress = progress_](std::size_t done, std::size_t of) {
    progress->of = of;
    progress->done = done;
  };
  audit::Record broken;
  if (!ask.options.dry_run && !ask.break_glass.empty()) {
    auto recording = record_emergency(peer, ask, broken);
    auto refusal = co_await std::move(recording);
    if (refusal) co_return std::move(*refusal);
  }
  const auto text = std::make_shared<std::string>(std::move(request.body));
  // A temporary with captures inside a co_await is destroyed twice by g++ 12.
  std::function<Result<Imported>(reg::Register&)> work = [text, ask](reg::Register& staff) {
    auto done = run_import(staff, *text, ask.csv, ask.encoding, ask.options);
    // A large file leaves much behind.
    std::string().swap(*text);
    ::malloc_trim(0);
    return done;
  };
  const auto outcome = co_await register_.write<Imported>(work);
  deeds_.ended(broken);
  if (!outcome) co_return not_imported(peer, outcome.error());
  if (!outcome->problems.empty()) co_return refuse_lines(peer, outcome->problems);
  co_return co_await imported(peer, ask, outcome->report);
}

/// Before it is done: access that was given so must never be without a record.
boost::asio::awaitable<std::optional<Response>> ImportApi::record_emergency(const Peer& peer, const Ask& ask,
                                                                            audit::Record& broken) {
  broken.event = name_of(audit::Event::break_glass);
  broken.client = describe(peer);
  broken.reason = ask.break_glass;
  broken.details = {{"what", "import"}};
  auto recording = deeds_.recorded(broken);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  log(audit::Event::break_glass,
      "In an emergency (\"" + ask.break_glass + "\") root gives access by a staff file, past the team.");
  co_return std::nullopt;
}

Response ImportApi::not_imported(const Peer& peer, const Error& why) {
  deeds_.note_not_done(record_for(peer), why);
  if (auto trouble = disk_trouble(why, "Nothing was taken over.")) return std::move(*trouble);
  const bool theirs = why.code == Errc::config_invalid || why.code == Errc::malformed;
  return theirs ? problem(422, "import_refused", why.context + ". Nothing was taken over.",
                          {{"lines", json::array{}}})
                : problem(500, "register_unavailable", why.context + ". Nothing was taken over.");
}

Response ImportApi::refuse_lines(const Peer& peer, const std::vector<reg::ImportProblem>& problems) {
  auto record = record_for(peer);
  record.reason = fmt::format("{} bad lines", problems.size());
  recorder_.note(std::move(record));
  return problem(
      422, "import_refused",
      problems.size() == 1
          ? std::string("1 line is wrong, so nothing was taken over. Put it right and import the file again.")
          : fmt::format(
                "{} lines are wrong, so nothing was taken over. Put them right and import the file again.",
                problems.size()),
      {{"lines", lines_json(problems)}});
}

boost::asio::awaitable<Response> ImportApi::imported(const Peer& peer, const Ask& ask,
                                                     const reg::ImportReport& report) {
  auto record = record_for(peer);
  record.details = counts(report);
  const bool dry = ask.options.dry_run;
  if (dry) record.details["dry_run"] = true;
  auto stop = stop_of(report);
  if (stop && !dry) {
    record.reason = stop->reason;
    record.details["losing"] = report.losing;
    if (!report.look_alikes.empty()) record.details["look_alikes"] = report.look_alikes.size();
    recorder_.note(std::move(record));
    co_return problem(422, stop->error, std::move(stop->detail), std::move(stop->extra));
  }
  if (!dry) {
    // What people may do changes at once, whether or not the record gets written.
    register_desk_.replaced();
  }
  if (!ask.break_glass.empty()) record.details["access_changed"] = report.access_changed;
  const auto keep = dry ? audit::Keep::no : audit::Keep::always;  // it is done already
  const auto recorded = co_await recorder_.write(std::move(record), keep);
  if (!dry && !ask.break_glass.empty()) {
    const std::string text =
        "In an emergency (\"" + ask.break_glass +
        "\") the machine's administrator gave access by a staff file, past the team. If you do not know "
        "of it, tell your team leader.";
    co_await notices_.tell_team(text);
  }
  if (!recorded && !dry) {
    co_return problem(503, "audit_unavailable",
                      "The file was taken over, but the audit log could not be written. Nothing more is "
                      "issued until it can; "
                      "import the file again then.");
  }
  json::object body = counts(report);
  if (auto warnings = warnings_of(report); !warnings.empty()) body["warnings"] = std::move(warnings);
  if (dry) {
    body["dry_run"] = true;
    body["stops"] = stop.has_value();
    if (stop) body["why"] = stop->detail;
    body["look_alikes"] = lines_json(report.look_alikes);
    body["losing"] = report.losing;
    body["employed"] = report.employed;
    body["differences"] = differences_json(report.differences);
  } else {
    log(audit::Event::import, fmt::format("A staff file of {} people was taken over.", report.people));
  }
  co_return json_response(200, body);
}

Answer ImportApi::progress(Request&) {
  co_return json_response(200, json::object{{"running", bool(importing_)},
                                            {"done", importing_ ? progress_->done.load() : 0},
                                            {"of", importing_ ? progress_->of.load() : 0}});
}

}  // namespace cardgate::daemon
