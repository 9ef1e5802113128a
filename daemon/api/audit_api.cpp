// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/audit_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "audit/people_in.hpp"
#include "audit/when.hpp"
#include "base/number.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::string_view look_name = "audit log";
constexpr std::size_t most_of_filter = 48;  // bytes of each, in the record of a look

bool is_nobody(std::string_view id) {
  return id.empty() || id == reg::root_name || id == "cardgate";
}

/// A look at the log, or a count of such looks.
bool is_look_at_log(const json::object& record) {
  const auto* event = find_string(record, "event");
  const auto* reason = find_string(record, "reason");
  return event != nullptr && reason != nullptr && *reason == look_name &&
         (*event == name_of(audit::Event::looked_at) || *event == name_of(audit::Event::repeated));
}

/// One page of the log, by the index where there is one. What the index cannot do now is done without it.
Result<audit::FoundPage> found_page(const std::filesystem::path& log, const audit::Search& ask,
                                    audit::Index* index, const std::function<bool()>& go_on) {
  if (index != nullptr) {
    // For a person it is worth the time of a page or several; else it grows by a step at a time.
    const bool worth = !ask.filter.person.empty();
    const auto enough = std::chrono::steady_clock::now() + LogReading::longest_catch_up;
    const auto caught_up = index->catch_up(log, [&](audit::Index::Progress) {
      return worth && std::chrono::steady_clock::now() < enough && go_on();
    });
    if (!caught_up) index = nullptr;
  }
  return audit::search(log, ask, index, go_on);
}

}  // namespace

struct AuditApi::Asked {
  audit::Search search;
};

Response AuditApi::log_unreadable(const Error& error) {
  if (error.code == Errc::cancelled) return draining();
  return problem(
      500, "audit_unreadable",
      fmt::format("The audit log cannot be read: {}. Tell the people who run this machine.", error.context));
}

std::optional<Response> AuditApi::read(const Request& request, Asked& asked) {
  auto& search = asked.search;
  auto& filter = search.filter;
  const auto text = [&](std::string_view name) {
    const auto* value = request.parameter(name);
    return value == nullptr ? std::string() : *value;
  };
  search.limit = max_audit_page;
  search.max_bytes = max_audit_read;
  filter.own_lines = false;
  filter.person = text("person");
  filter.role = text("role");
  filter.client = text("client");
  filter.event = text("event");
  filter.session = text("of_session");
  filter.reason = text("reason");
  const auto bad = [](std::string words) { return problem(400, "bad_request", std::move(words)); };
  if (const auto outcome = text("outcome"); outcome == "done" || outcome == "refused") {
    filter.outcome = outcome == "done" ? audit::Outcome::done : audit::Outcome::refused;
  } else if (!outcome.empty()) {
    return bad("`outcome` must be done or refused.");
  }
  const auto order = text("order");
  if (!order.empty() && order != "newest" && order != "oldest")
    return bad("`order` must be newest or oldest.");
  search.newest_first = order != "oldest";
  struct Bound {
    std::string_view name;
    std::string& value;
    audit::Edge edge;
  };
  for (const auto& [name, value, edge] :
       {Bound{"from", filter.from, audit::Edge::begin}, Bound{"to", filter.before, audit::Edge::end}}) {
    const auto given = text(name);
    if (given.empty()) continue;
    const auto moment = audit::when(given, clock_.now(), clock_.calendar(), edge);
    if (!moment) return bad(fmt::format("`{}`: {}.", name, moment.error().context));
    value = to_rfc3339(*moment);
  }
  for (const auto& [name, value] : {std::pair<std::string_view, std::uint64_t*>{"after", &search.after},
                                    std::pair<std::string_view, std::uint64_t*>{"before", &search.before}}) {
    const auto given = text(name);
    if (given.empty()) continue;
    const auto number = whole_number<std::uint64_t>(given);
    if (!number) return bad(fmt::format("`{}` must be the number of a record.", name));
    *value = *number;
  }
  if (const auto given = text("limit"); !given.empty()) {
    const auto number = whole_number<std::size_t>(given);
    if (!number || *number < 1 || *number > max_audit_page)
      return bad(fmt::format("`limit` must be a whole number from 1 to {}.", max_audit_page));
    search.limit = *number;
  }
  if (const auto good = audit::check(filter); !good) return bad(good.error().context + ".");
  return std::nullopt;
}

Actor AuditApi::reader(const Request& request, const std::string& person) {
  Actor who;
  who.person = reg::root_name;
  if (request.peer->admin_socket) return who;
  return person.empty() ? actors_.sees_everybody(request, policy::Act::read_audit)
                        : actors_.actor(request, policy::Act::read_audit, person);
}

std::optional<Response> AuditApi::still_may(const Request& request, const Actor& who) {
  return request.peer->admin_socket ? std::nullopt : actors_.refuse_if_over(who);
}

bool AuditApi::about_them_only(const Request& request, const std::string& person) {
  return !request.peer->admin_socket && !person.empty() &&
         actors_.sees_everybody(request, policy::Act::read_audit, false).refusal.has_value();
}

std::optional<Response> AuditApi::still_shows(const Request& request, const Actor& who, const Asked& asked) {
  if (auto over = still_may(request, who)) return over;
  const auto& filter = asked.search.filter;
  if (auto again = reader(request, filter.person); again.refusal) return std::move(again.refusal);
  if (!filter.about_them && about_them_only(request, filter.person))
    return problem(
        403, "record_not_yours",
        "What you may see has changed while this was read. Ask again to see what you may see now.");
  return std::nullopt;
}

PeopleDesk::Seen AuditApi::seen_in(const Actor& who, const Asked& asked, const audit::FoundPage& page) {
  const auto& filter = asked.search.filter;
  PeopleDesk::Seen seen;
  seen.person = filter.person;
  seen.what = look_name;
  std::set<std::string, std::less<>> people;
  bool looks_only = true;
  for (const auto& found : page.records) {
    looks_only = looks_only && is_look_at_log(found.record);
    audit::each_person(found.record, [&](std::string_view id) {
      if (!is_nobody(id) && id != who.person && id != filter.person) people.emplace(id);
    });
  }
  if (filter.person.empty() || !people.empty()) seen.people.emplace(people.begin(), people.end());
  const std::string outcome(filter.outcome ? audit::name(*filter.outcome) : std::string_view());
  for (const auto& [name, value] : {std::pair<std::string_view, const std::string&>{"event", filter.event},
                                    {"of_role", filter.role},
                                    {"of_client", filter.client},
                                    {"of_session", filter.session},
                                    {"of_reason", filter.reason},
                                    {"outcome", outcome},
                                    {"from_at", filter.from},
                                    {"to_at", filter.before}}) {
    if (value.empty()) continue;
    seen.asked[name] = audit::clean(value, most_of_filter);
    seen.question += fmt::format("{}={}:{}\n", name, value.size(), value);
  }
  // Whoever follows the log is shown that they looked. Such a page is the same look again, wherever it begins; else each look
  // would make the next one.
  if (!looks_only)
    seen.question += fmt::format("{} {} {} {}", asked.search.newest_first, asked.search.after,
                                 asked.search.before, asked.search.limit);
  return seen;
}

json::object AuditApi::page_json(const Asked& asked, audit::FoundPage page) {
  Names names(roll_.staff());
  std::set<std::string, std::less<>> ids;
  json::array records;
  for (auto& found : page.records) {
    audit::each_person(found.record, [&](std::string_view id) {
      if (!id.empty() && ids.size() < max_audit_names) ids.emplace(id);
    });
    records.push_back(std::move(found.record));
  }
  json::array people;
  for (const auto& id : ids) people.push_back(names.person(id));
  json::array roles;
  for (const auto& role : rules_.policy()->roles())
    roles.push_back(json::object{{"name", role.name}, {"title", role.title}});
  json::array damage;
  for (const auto& place : page.damage)
    damage.push_back(
        json::object{{"segment", place.segment}, {"offset", place.offset}, {"text", place.what}});
  const auto& filter = asked.search.filter;
  const auto bound = [](const std::string& time) { return time.empty() ? json::value() : json::value(time); };
  return {{"records", std::move(records)},
          {"next", page.next ? json::value(std::to_string(*page.next)) : json::value()},
          {"highest", std::to_string(page.highest)},
          {"from_at", bound(filter.from)},
          {"to_at", bound(filter.before)},
          {"time_zone", clock_.calendar().zone()},
          {"people", std::move(people)},
          {"roles", std::move(roles)},
          {"damaged", page.damaged},
          {"damage", std::move(damage)}};
}

Answer AuditApi::show(Request& request) {
  Asked asked;
  if (auto wrong = read(request, asked)) co_return std::move(*wrong);
  auto& person = asked.search.filter.person;
  if (!person.empty()) {
    auto meaning = people_.meant(request, person, policy::Act::read_audit);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    person = std::move(meant.id);
  }
  const Actor who = reader(request, person);
  if (who.refusal) co_return *who.refusal;
  asked.search.filter.about_them = about_them_only(request, person);
  auto begun = people_.begin_dear(*request.peer, who.person);
  if (!begun.turn) co_return std::move(begun.refusal);
  LogReading::PageWork<audit::FoundPage> work = [search = asked.search](const std::filesystem::path& log,
                                                                        audit::Index* index,
                                                                        const std::function<bool()>& go_on) {
    return found_page(log, search, index, go_on);
  };
  auto reading = log_.page<audit::FoundPage>(std::move(work));
  auto page = co_await std::move(reading);
  if (!page) co_return log_unreadable(page.error());
  begun.turn->read(page->records.size(), clock_.boot());
  // What lets them see it may have ended while it was read.
  if (auto no = still_shows(request, who, asked)) co_return std::move(*no);
  if (asked.search.filter.about_them) {
    const auto stays = [&](std::string_view id) { return is_nobody(id) || id == person || id == who.person; };
    for (auto& found : page->records) audit::blank_people(found.record, stays);
  }
  auto noting = people_.note_durably(request, who, seen_in(who, asked, *page));
  auto unnoted = co_await std::move(noting);
  if (unnoted) co_return std::move(*unnoted);
  // ... and while the look was recorded.
  if (auto no = still_shows(request, who, asked)) co_return std::move(*no);
  co_return json_response(200, page_json(asked, std::move(*page)));
}

}  // namespace cardgate::daemon
