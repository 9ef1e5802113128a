// SPDX-License-Identifier: Apache-2.0
// Root's calls on the admin socket: taking over a staff file.
#include <fmt/format.h>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "register/import.hpp"

namespace cardgate::daemon {
namespace {

struct Imported {
  std::vector<reg::ImportProblem> problems;
  reg::ImportReport report;
};

/// On the register thread: a large file must not hold up sign-ins.
Result<Imported> run_import(reg::Register& staff, const std::string& text) {
  auto parsed = TRY(reg::parse_import(text, "staff file"));
  Imported out;
  // Even where lines are bad, the register is asked: whoever mends the file wants to hear of everything at
  // once.
  out.report = TRY(staff.import(parsed.file));
  out.problems = std::move(parsed.problems);
  out.problems.insert(out.problems.end(), out.report.problems.begin(), out.report.problems.end());
  return out;
}

json::array lines_json(const std::vector<reg::ImportProblem>& problems) {
  json::array lines;
  for (const auto& item : problems) {
    if (lines.size() >= 1000) break;
    lines.push_back(json::object{{"line", item.line}, {"text", item.text}});
  }
  return lines;
}

}  // namespace

Gate::Answer Gate::import_staff(Request& request) {
  const Peer& peer = *request.peer;
  if (!audit_ok()) co_return audit_unavailable();
  if (importing_) co_return problem(409, "busy", "Another import is running. Wait until it is done.");
  importing_ = true;
  const std::function<Result<Imported>(reg::Register&)> work =
      [text = std::move(request.body)](reg::Register& staff) { return run_import(staff, text); };
  const auto outcome = co_await write<Imported>(work);
  importing_ = false;

  audit::Record record;
  record.event = "import";
  record.client = describe_peer(peer);
  if (!outcome) {
    record.reason = outcome.error().message();
    note(std::move(record));
    const bool theirs =
        outcome.error().code == Errc::config_invalid || outcome.error().code == Errc::malformed;
    co_return theirs
        ? problem(422, "import_refused", outcome.error().context + ". Nothing was taken over.",
                  {{"lines", json::array{}}})
        : problem(500, "register_unavailable", outcome.error().context + ". Nothing was taken over.");
  }
  if (!outcome->problems.empty()) {
    record.reason = fmt::format("{} bad lines", outcome->problems.size());
    note(std::move(record));
    co_return problem(
        422, "import_refused",
        fmt::format(
            "{} lines are wrong, so nothing was taken over. Put them right and import the file again.",
            outcome->problems.size()),
        {{"lines", lines_json(outcome->problems)}});
  }
  const auto& report = outcome->report;
  // What people may do changes at once, whether or not the record gets written.
  people_.clear();
  end_removed();
  review_all();
  announced_.reset();
  announce_if_due();
  record.details = {{"people", report.people},
                    {"added", report.added},
                    {"changed", report.changed},
                    {"unchanged", report.unchanged}};
  const auto recorded = co_await durable_.wait(durable_.start(*log_, std::move(record)));
  if (!recorded) {
    co_return problem(503, "audit_unavailable",
                      "The file was taken over, but the audit log could not be written. Nothing more is "
                      "issued until it can; "
                      "import the file again then.");
  }
  log(Level::info, fmt::format("took over {} people", report.people), {{"CARDGATE_EVENT", "import"}});
  co_return json_response(200, json::object{{"people", report.people},
                                            {"added", report.added},
                                            {"changed", report.changed},
                                            {"unchanged", report.unchanged}});
}

}  // namespace cardgate::daemon
