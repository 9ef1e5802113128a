// SPDX-License-Identifier: Apache-2.0
// Root's calls on the admin socket: taking over a staff file, and asking what the policy would say.
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
  std::function<Result<Imported>(reg::Register&)> work =
      [text = std::move(request.body)](reg::Register& staff) { return run_import(staff, text); };
  auto writing = write<Imported>(std::move(work));
  const auto outcome = co_await std::move(writing);
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
  review_all();
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

Gate::Answer Gate::explain_policy(Request& request) {
  const std::string* who = request.parameter("person");
  const std::string* role_name = request.parameter("role");
  if (who == nullptr || role_name == nullptr)
    co_return problem(400, "bad_request", "Give `person` and `role` in the query.");
  const policy::Role* role = policy_->role(*role_name);
  if (role == nullptr) {
    co_return problem(404, "role_unknown", fmt::format("The policy has no role '{}'.", *role_name));
  }
  const auto found = person(*who);
  if (!found) {
    const bool unknown = found.error().code == Errc::not_found;
    co_return problem(unknown ? 404 : 503, unknown ? "person_unknown" : "register_unavailable",
                      unknown ? fmt::format("The register has nobody with the number '{}'.", *who)
                              : "The staff register cannot be read now.");
  }
  // What if this person signed in now with a card that is registered and active?
  policy::Facts facts = (*found)->facts;
  facts.card_active = false;
  for (const auto& card : (*found)->record.cards) {
    if (card.status != "active") continue;
    facts.card_active = true;
    facts.card_valid_until = card.valid_until;
  }
  auto body =
      decision_json(*role, policy::decide(*policy_, facts, {*role_name, policy::SignIn::card}, now()));
  body["person"] = json::object{{"id", (*found)->record.id}, {"name", (*found)->record.name}};
  body["policy"] = policy_->hash();
  co_return json_response(200, body);
}

}  // namespace cardgate::daemon
