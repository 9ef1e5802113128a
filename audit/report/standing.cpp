// SPDX-License-Identifier: Apache-2.0
#include "audit/report/standing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cardgate::audit::report {
namespace {

void put(json::object& out, std::string_view key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}
void put(json::object& out, std::string_view key, const std::optional<Date>& value) {
  if (value) out[key] = cardgate::to_text(*value);
}
void put(json::object& out, std::string_view key, bool value) {
  if (value) out[key] = true;
}
void put(json::object& out, std::string_view key, const std::vector<std::string>& value) {
  if (!value.empty()) out[key] = json::array(value.begin(), value.end());
}

std::string member_text(const json::object& from, std::string_view key) {
  const auto* found = find_string(from, key);
  return found == nullptr ? std::string() : std::string(*found);
}

Result<std::optional<Date>> member_day(const json::object& from, std::string_view key) {
  const auto* found = find_string(from, key);
  if (found == nullptr) return std::optional<Date>();
  return std::optional<Date>(TRY(parse_date(*found)));
}

bool member_flag(const json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<std::string> member_texts(const json::object& from, std::string_view key) {
  std::vector<std::string> out;
  if (const auto* list = find_array(from, key)) {
    for (const auto& each : *list) {
      if (const auto* one = each.if_string()) out.emplace_back(*one);
    }
  }
  return out;
}

/// Calls `take` with each object of a list.
template <class Take>
Result<void> each_of(const json::object& from, std::string_view key, Take take) {
  const auto* list = find_array(from, key);
  if (list == nullptr) return {};
  for (const auto& each : *list) {
    const auto* one = each.if_object();
    if (one == nullptr) return Error{Errc::malformed, fmt::format("{}: an entry is no object", key)};
    TRY(take(*one));
  }
  return {};
}

Result<StandingPerson> person_of(const json::object& from) {
  StandingPerson out;
  out.id = member_text(from, "id");
  if (out.id.empty()) return Error{Errc::malformed, "a person has no id"};
  out.name = member_text(from, "name");
  out.manager = member_text(from, "line_manager");
  out.stands_in_for = member_texts(from, "stands_in_for");
  out.teams = member_texts(from, "teams");
  out.employed_from = TRY(member_day(from, "employed_from"));
  out.employed_until = TRY(member_day(from, "employed_until"));
  out.leave_from = TRY(member_day(from, "leave_from"));
  out.leave_until = TRY(member_day(from, "leave_until"));
  out.removed_on = TRY(member_day(from, "removed_on"));
  out.removed = member_flag(from, "removed");
  out.password = member_text(from, "password");
  out.roles = member_texts(from, "roles");
  out.missing = member_texts(from, "missing");
  TRY(each_of(from, "cards", [&](const json::object& one) -> Result<void> {
    out.cards.push_back({
      member_text(one, "uuid"), member_text(one, "status"), member_text(one, "registered_by"),
          member_text(one, "confirmed_by"), TRY(member_day(one, "valid_until"))
    });
    return {};
  }));
  TRY(each_of(from, "evidence", [&](const json::object& one) -> Result<void> {
    out.evidence.push_back({
      member_text(one, "kind"), member_text(one, "name"), member_text(one, "role"),
          member_text(one, "number"), member_text(one, "state"), member_text(one, "requested_by"),
          member_text(one, "verified_by"), member_text(one, "approved_by"), TRY(member_day(one, "from"))
      , TRY(member_day(one, "until"))
    });
    return {};
  }));
  return out;
}

}  // namespace

const StandingRole* Standing::role(std::string_view wanted_name) const {
  const auto found = std::ranges::find(roles, wanted_name, &StandingRole::name);
  return found == roles.end() ? nullptr : &*found;
}

std::string_view Standing::department(std::string_view id) const {
  const auto* found = person(id);
  return found == nullptr || found->teams.empty() ? std::string_view() : found->teams.front();
}

json::object to_json(const StandingPerson& person) {
  json::object out{{"id", person.id}};
  put(out, "name", person.name);
  put(out, "line_manager", person.manager);
  put(out, "stands_in_for", person.stands_in_for);
  put(out, "teams", person.teams);
  put(out, "employed_from", person.employed_from);
  put(out, "employed_until", person.employed_until);
  put(out, "leave_from", person.leave_from);
  put(out, "leave_until", person.leave_until);
  put(out, "removed_on", person.removed_on);
  put(out, "removed", person.removed);
  put(out, "password", person.password);
  put(out, "roles", person.roles);
  put(out, "missing", person.missing);
  json::array cards;
  for (const auto& card : person.cards) {
    json::object one{{"uuid", card.uuid}, {"status", card.status}};
    put(one, "registered_by", card.registered_by);
    put(one, "confirmed_by", card.confirmed_by);
    put(one, "valid_until", card.valid_until);
    cards.push_back(std::move(one));
  }
  if (!cards.empty()) out["cards"] = std::move(cards);
  json::array evidence;
  for (const auto& each : person.evidence) {
    json::object one{{"kind", each.kind}, {"name", each.name}};
    put(one, "role", each.role);
    put(one, "number", each.number);
    put(one, "state", each.state);
    put(one, "requested_by", each.requested_by);
    put(one, "verified_by", each.verified_by);
    put(one, "approved_by", each.approved_by);
    put(one, "from", each.from);
    put(one, "until", each.until);
    evidence.push_back(std::move(one));
  }
  if (!evidence.empty()) out["evidence"] = std::move(evidence);
  return out;
}

json::object to_json(const Standing& standing) {
  json::array roles;
  for (const auto& role : standing.roles)
    roles.push_back(json::object{{"name", role.name}, {"title", role.title}, {"records", role.records}});
  json::array wanted;
  for (const auto& each : standing.wanted)
    wanted.push_back(json::object{{"kind", each.kind}, {"name", each.name}, {"title", each.title}});
  json::array plans;
  for (const auto& plan : standing.plans) {
    json::object one{{"team", plan.team}, {"owner", plan.owner}};
    put(one, "reviewed_on", plan.reviewed);
    put(one, "review_due_on", plan.review_by);
    plans.push_back(std::move(one));
  }
  json::object out{{"made_at", to_rfc3339(standing.made_at)},
                   {"time_zone", standing.zone},
                   {"roles", std::move(roles)},
                   {"wanted", std::move(wanted)},
                   {"plans", std::move(plans)},
                   {"pool_cards", standing.pool_cards},
                   {"availability_percent", standing.availability},
                   {"sign_in_ms", standing.sign_in.count()}};
  put(out, "team_of", standing.team_of);
  return out;
}

Result<void> add_page(Standing& standing, const json::object& page) {
  if (const auto made = member_text(page, "made_at"); !made.empty())
    standing.made_at = TRY(parse_rfc3339(made));
  if (const auto zone = member_text(page, "time_zone"); !zone.empty()) standing.zone = zone;
  if (const auto team = member_text(page, "team_of"); !team.empty()) standing.team_of = team;
  const auto number = [&](std::string_view key, double before) {
    const auto* found = page.if_contains(key);
    boost::system::error_code failed;
    const double out = found == nullptr ? before : found->to_number<double>(failed);
    return failed ? before : out;
  };
  standing.pool_cards = static_cast<std::size_t>(std::max(0.0, number("pool_cards", 0)));
  standing.availability = number("availability_percent", standing.availability);
  standing.sign_in = milliseconds(
      static_cast<std::int64_t>(number("sign_in_ms", static_cast<double>(standing.sign_in.count()))));
  TRY(each_of(page, "roles", [&](const json::object& one) -> Result<void> {
    StandingRole role{member_text(one, "name"), member_text(one, "title"), member_text(one, "records")};
    if (standing.role(role.name) == nullptr) standing.roles.push_back(std::move(role));
    return {};
  }));
  TRY(each_of(page, "wanted", [&](const json::object& one) -> Result<void> {
    Wanted each{member_text(one, "kind"), member_text(one, "name"), member_text(one, "title")};
    const bool known = std::ranges::any_of(standing.wanted, [&](const Wanted& other) {
      return other.kind == each.kind && other.name == each.name;
    });
    if (!known) standing.wanted.push_back(std::move(each));
    return {};
  }));
  std::vector<StandingPlan> plans;
  TRY(each_of(page, "plans", [&](const json::object& one) -> Result<void> {
    plans.push_back({
      member_text(one, "team"), member_text(one, "owner"), TRY(member_day(one, "reviewed_on"))
      , TRY(member_day(one, "review_due_on"))
    });
    return {};
  }));
  if (!plans.empty()) standing.plans = std::move(plans);
  return each_of(page, "people", [&](const json::object& one) -> Result<void> {
    auto person = TRY(person_of(one));
    auto id = person.id;
    standing.people.insert_or_assign(std::move(id), std::move(person));
    return {};
  });
}

}  // namespace cardgate::audit::report
