// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/forecast.hpp"

#include <algorithm>
#include <set>

#include "daemon/limits.hpp"
#include "daemon/people/names.hpp"

namespace cardgate::daemon {
namespace {

using policy::Day;

Day monday_of(Day day) {
  return day - (std::chrono::weekday(day) - std::chrono::Monday);
}

json::array roles_json(const std::map<std::string, std::int64_t>& roles) {
  json::array out;
  for (const auto& [role, people] : roles) out.push_back(json::object{{"role", role}, {"people", people}});
  return out;
}

}  // namespace

Forecast::Forecast(std::shared_ptr<const policy::Policy> policy, Question question)
    : policy_(std::move(policy)), question_(std::move(question)) {}

void Forecast::look_at(const reg::Person& person, const RecordOf& record_of) {
  ++looked_at_;
  const auto facts = to_facts_with_best_card(person, record_of);
  const auto held = [&](const policy::Role& role) {
    return (question_.role.empty() || role.name == question_.role) &&
           policy::holds(facts, role, question_.from);
  };
  if (std::ranges::none_of(policy_->roles(), held)) return;
  ++holders_;
  std::set<std::pair<Day, std::string>> on_day, in_week;  // a role may end for two reasons
  std::set<Day> weeks;
  for (auto& lapse :
       policy::lapses(*policy_, facts, {question_.role, std::nullopt, question_.from, question_.span})) {
    if (!lapse.ends_role) continue;
    const Day day(lapse.date);
    // What ends after the role was lost to something else is listed, and loses nobody a second time.
    if (policy::holds(facts, *policy_->role(lapse.role), day)) {
      on_day.emplace(day, lapse.role);
      in_week.emplace(monday_of(day), lapse.role);
      weeks.insert(monday_of(day));
    }
    entries_.push_back({person.id, person.name, person.line_manager, std::move(lapse)});
  }
  for (const auto& [day, role] : on_day) ++by_day_[day][role];
  for (const auto& [monday, role] : in_week) ++by_week_[monday].roles[role];
  for (const auto monday : weeks) ++by_week_[monday].people;
  if (!weeks.empty()) ++losing_;
  if (entries_.size() > 2 * question_.list) keep_nearest(question_.list);
}

void Forecast::keep_nearest(std::size_t count) {
  const auto nearer = [](const Entry& a, const Entry& b) {
    return std::tuple(Day(a.lapse.date), std::string_view(a.id), std::string_view(a.lapse.role)) <
           std::tuple(Day(b.lapse.date), std::string_view(b.id), std::string_view(b.lapse.role));
  };
  std::ranges::stable_sort(entries_, nearer);
  if (entries_.size() <= count) return;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(count), entries_.end());
  cut_ = true;
}

Result<void> Forecast::add(reg::Register& staff, const std::vector<std::string>& ids) {
  const RecordOf record_of = [&staff](const std::string& id) { return staff.person(id); };
  for (const auto& id : ids) {
    const auto person = staff.person(id);
    if (person) {
      look_at(*person, record_of);
    } else if (person.error().code != Errc::not_found) {
      return person.error();
    }
  }
  return {};
}

Result<void> Forecast::add_everybody(reg::Register& staff, const std::atomic<bool>& stop) {
  for (std::string last;;) {
    if (stop) return Errc::cancelled;
    const auto page = TRY(staff.ids_after(last, register_page));
    if (page.empty()) return {};
    TRY(add(staff, page));
    last = page.back();
  }
}

json::object Forecast::to_json(reg::Register& staff) {
  Names names(staff);
  keep_nearest(question_.list);
  json::array days, weeks, lapses;
  for (const auto& [day, roles] : by_day_) {
    for (const auto& [role, people] : roles) {
      days.push_back(json::object{{"last_day", to_text(Date(day))}, {"role", role}, {"people", people}});
    }
  }
  for (const auto& [monday, week] : by_week_) {
    weeks.push_back(json::object{
        {"from", to_text(Date(monday))}, {"people", week.people}, {"roles", roles_json(week.roles)}});
  }
  for (const auto& entry : entries_) {
    const auto& lapse = entry.lapse;
    lapses.push_back(json::object{{"last_day", to_text(lapse.date)},
                                  {"days_left", lapse.days_left},
                                  {"person", person_json(entry.id, entry.name)},
                                  {"line_manager", names.person(entry.line_manager)},
                                  {"role", lapse.role},
                                  {"prerequisite", lapse.prerequisite},
                                  {"title", lapse.title}});
  }
  const Day from = std::chrono::floor<std::chrono::days>(question_.from);
  return {{"from", to_text(Date(from))},
          {"until", to_text(Date(from + question_.span))},
          {"role", question_.role.empty() ? json::value(nullptr) : json::value(question_.role)},
          {"people", looked_at_},
          {"holders", holders_},
          {"losing", losing_},
          {"by_day", std::move(days)},
          {"by_week", std::move(weeks)},
          {"lapses", std::move(lapses)},
          {"cut", cut_},
          {"policy", policy_->hash()}};
}

}  // namespace cardgate::daemon
