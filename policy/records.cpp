// SPDX-License-Identifier: Apache-2.0
#include "policy/records.hpp"

#include <algorithm>

namespace cardgate::policy {
namespace {

using Days = std::chrono::sys_days;

bool runs(const std::optional<Date>& from, const std::optional<Date>& until, WallTime now) {
  const auto today = std::chrono::floor<std::chrono::days>(now);
  return (!from || (from->ok() && Days(*from) <= today)) &&
         (!until || (until->ok() && Days(*until) >= today));
}

void add(std::vector<Manager>& list, const std::string& id, const std::optional<Date>& until) {
  const auto known = std::ranges::find(list, id, &Manager::id);
  if (known == list.end()) {
    list.push_back({id, until});
  } else if (known->until && (!until || *until > *known->until)) {
    known->until = until;
  }
}

}  // namespace

std::vector<Manager> managers_in_scope(const Role& role, const Facts& facts, WallTime now) {
  std::vector<Manager> out;
  if (role.records == "team" || role.records == "team-view") {
    add(out, facts.person, std::nullopt);
    for (const auto& acting : facts.acting) {
      if (runs(acting.valid_from, acting.valid_until, now)) add(out, acting.manager, acting.valid_until);
    }
  } else if (role.records == "delegated") {
    for (const auto& given : facts.delegations) {
      const bool counts =
          given.role == role.name && !given.revoked && !given.from.empty() && given.from != facts.person;
      if (counts && runs(given.valid_from, given.valid_until, now)) add(out, given.from, given.valid_until);
    }
  }
  return out;
}

bool in_scope(const Role& role, const Facts& facts, std::string_view subject, std::string_view line_manager,
              WallTime now) {
  if (role.records == "own") return subject == facts.person;
  if (role.records == "all" || role.records == "by-function") return true;
  if (subject == facts.person || line_manager.empty()) return false;
  return std::ranges::any_of(managers_in_scope(role, facts, now),
                             [&](const Manager& manager) { return manager.id == line_manager; });
}

bool manages(const Facts& facts, std::string_view line_manager, WallTime now) {
  if (line_manager.empty()) return false;
  if (line_manager == facts.person) return true;
  return std::ranges::any_of(facts.acting, [&](const Acting& acting) {
    return acting.manager == line_manager && runs(acting.valid_from, acting.valid_until, now);
  });
}

}  // namespace cardgate::policy
