// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/report_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "audit/report/render.hpp"
#include "daemon/journal.hpp"
#include "daemon/limits.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/report_standing.hpp"
#include "policy/records.hpp"
#include "register/credentials.hpp"
#include "register/sqlite_register.hpp"

namespace cardgate::daemon {
namespace {

namespace reports = audit::report;

/// A report that takes longer is asked of root.
constexpr seconds longest_report{300};

/// A day begins with its first moment, and ends with its last.
std::optional<WallTime> period_bound(const std::string& text, const Calendar& calendar, bool end) {
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto day = parse_date(text))
    return calendar.start_of(std::chrono::sys_days(*day) + std::chrono::days(end ? 1 : 0));
  return std::nullopt;
}

}  // namespace

struct ReportApi::Making {
  reports::Ask ask;
  reports::Format format = reports::Format::text;
  std::string content_type;
  Actor who;
};

Answer ReportApi::standing(Request& request) {
  const auto* given = request.parameter("after");
  const std::string after = given == nullptr ? std::string() : *given;
  auto begun = people_.begin_dear(*request.peer, "root");
  if (!begun.turn) co_return std::move(begun.refusal);
  Actor root;
  root.person = "root";
  PeopleDesk::Seen seen;
  seen.what = "standing of everybody, for a report";
  auto noting = people_.note_durably(request, root, std::move(seen));
  auto unnoted = co_await std::move(noting);
  if (unnoted) co_return std::move(*unnoted);
  auto parts = standing_without_people(*rules_.policy(), rules_.config(), clock_.now());
  RegisterThreads::LongWork<json::object> work = [after, view = people_.view(), parts = std::move(parts)](
                                                     const std::filesystem::path& file,
                                                     const std::atomic<bool>& stop) -> Result<json::object> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    const auto passwords = TRY(reg::open_credentials(file, password_throttle));
    auto whole = parts;
    whole.pool_cards = TRY(staff->pool_cards())
    .size();
    auto page = reports::to_json(whole);
    const auto ids = TRY(staff->ids_after(after, register_page));
    json::array people;
    for (const auto& person : TRY(standing_of(*staff, view, ids, *passwords, stop)))
      people.push_back(reports::to_json(person));
    page["people"] = std::move(people);
    page["next"] = ids.size() < register_page ? json::value(nullptr) : json::value(ids.back());
    return page;
  };
  auto looking = register_.look<json::object>(std::move(work));
  const auto page = co_await std::move(looking);
  if (!page) co_return register_unavailable(page.error());
  begun.turn->read(register_page, clock_.boot());
  co_return json_response(200, *page);
}

std::optional<Response> ReportApi::read(const Request& request, const std::string& kind, Making& making) {
  auto& ask = making.ask;
  ask.kind = kind;
  ask.calendar = rules_.config().calendar;
  ask.now = clock_.now();
  const auto bound = [&](std::string_view key, bool end) -> std::optional<WallTime> {
    const auto* text = request.parameter(key);
    return text == nullptr ? std::nullopt : period_bound(*text, ask.calendar, end);
  };
  const auto from = bound("from", false);
  const auto to = bound("to", true);
  if (!from || !to)
    return problem(400, "bad_request",
                   "Give `from` and `to`, each as a day (2026-01-31) or a time (2026-01-31T09:30:00Z).");
  ask.from = *from;
  ask.to = *to;
  const auto* format = request.parameter("format");
  if (format == nullptr || *format == "json") {
    making.format = reports::Format::json;
    making.content_type = "application/json";
  } else if (*format == "html") {
    making.format = reports::Format::html;
    making.content_type = "text/html; charset=utf-8";
  } else if (*format == "text") {
    making.content_type = "text/plain; charset=utf-8";
  } else {
    return problem(400, "bad_request", "`format` must be text, json or html.");
  }
  if (const auto good = reports::Maker::of(ask); !good)
    return problem(400, "bad_request", "This cannot be reported: " + good.error().context + ".");
  return std::nullopt;
}

std::optional<Response> ReportApi::admit(const Request& request, Making& making) {
  if (request.peer->admin_socket) {
    making.who.person = "root";
    return std::nullopt;
  }
  auto who = actors_.may(request, policy::Act::read_audit, {});
  const bool kpi = making.ask.kind == "kpi";
  // A line manager is shown the compliance of the own team; and is refused, and that recorded, by what they lack for it.
  if (who.refusal && kpi) who = actors_.may(request, policy::Act::see_people, {});
  if (who.refusal) who = actors_.actor(request, kpi ? policy::Act::see_people : policy::Act::read_audit, {});
  if (who.refusal) return std::move(*who.refusal);
  const auto everybody = std::ranges::find_if(who.reach.roles, [](const policy::Role* role) {
    return role->records == "all" || role->records == "by-function";
  });
  if (everybody != who.reach.roles.end()) {
    who.role = (*everybody)->name;
  } else {
    const policy::Day today(rules_.policy()->calendar().date_of(clock_.now()));
    std::set<std::string> managers;
    for (const auto* role : who.reach.roles) {
      for (const auto& manager : policy::managers_in_scope(*role, who.reach.facts, today))
        managers.insert(manager.id);
    }
    if (managers.empty())
      return problem(403, "not_yours_to_do",
                     "Your role opens only your own record, so there is no report for it.");
    making.ask.managers.assign(managers.begin(), managers.end());
    making.ask.team_of = who.person;
  }
  actors_.uses_role(who);
  making.who = std::move(who);
  return std::nullopt;
}

/// Making it took its time: whoever may not ask for the same any more is told nothing.
std::optional<Response> ReportApi::refuse_if_less(const Request& request, const Making& made) {
  if (request.peer->admin_socket) return std::nullopt;
  if (auto over = actors_.refuse_if_over(made.who)) return over;
  Making now;
  now.ask.kind = made.ask.kind;
  if (auto no = admit(request, now)) return no;
  if (now.ask.managers == made.ask.managers) return std::nullopt;
  return problem(403, "not_yours_to_do", "What you may see changed while the report was made. Ask again.");
}

Answer ReportApi::report(Request& request, const std::string& kind) {
  Making making;
  if (auto no = read(request, kind, making)) co_return std::move(*no);
  if (auto no = admit(request, making)) co_return std::move(*no);
  if (making_) {
    auto busy = problem(503, "busy", "Another report is still being made. Try again in a minute.");
    retry_after(busy, std::chrono::minutes(1));
    co_return busy;
  }
  auto begun = people_.begin_dear(*request.peer, making.who.person);
  if (!begun.turn) co_return std::move(begun.refusal);
  PeopleDesk::Seen seen;
  seen.what =
      fmt::format("report {} from {} to {}", kind, to_rfc3339(making.ask.from), to_rfc3339(making.ask.to));
  // It is dear, and the next one of this user waits; their lists do not wait for this one.
  begun.turn->read(max_looked_through, clock_.boot());
  begun.turn.reset();
  const Raised raised(making_);
  auto noting = people_.note_durably(request, making.who, std::move(seen));
  auto unnoted = co_await std::move(noting);
  if (unnoted) co_return std::move(*unnoted);
  LogReading::ReportWork<std::string> work =
      [view = people_.view(),
       parts = standing_without_people(*rules_.policy(), rules_.config(), clock_.now()),
       file = rules_.config().state_directory / "register.db", ask = making.ask, format = making.format](
          const std::filesystem::path& directory, const std::atomic<bool>& stop) -> Result<std::string> {
    auto standing = parts;
    const auto staff = TRY(reg::open_sqlite_again(file));
    const auto passwords = TRY(reg::open_credentials(file, password_throttle));
    standing.pool_cards = TRY(staff->pool_cards())
    .size();
    TRY(add_people(standing, *staff, view, ask.managers, *passwords, stop));
    auto with = ask;
    with.standing = &standing;
    reports::Progress progress;
    progress.stop_too = &stop;
    progress.until = BootClock::now() + longest_report;
    return reports::rendered(TRY(reports::make(directory, with, progress)), format);
  };
  auto making_it = log_reading_.report<std::string>(std::move(work));
  auto made = co_await std::move(making_it);
  if (!made && made.error().code == Errc::timeout)
    co_return problem(
        503, "report_too_long",
        "This report takes too long here. Ask for a shorter period, or ask root: sudo cardgate audit report");
  if (!made) {
    log(Level::error, "A report could not be made: " + made.error().message());
    co_return problem(
        500, "audit_unreadable",
        "The report could not be made: the audit log, or the staff register, cannot be read. The people who "
        "run this machine see why in the journal.");
  }
  if (auto no = refuse_if_less(request, making)) co_return std::move(*no);
  Response answer;
  answer.content_type = making.content_type;
  answer.body = std::move(*made);
  co_return answer;
}

}  // namespace cardgate::daemon
