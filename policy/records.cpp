// SPDX-License-Identifier: Apache-2.0
#include "policy/records.hpp"

#include <algorithm>

#include "policy/standing.hpp"

namespace cardgate::policy {
namespace {

bool runs(const auto& given, Day today) {
  return between(given.valid_from, given.valid_until, today).met();
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

std::vector<Manager> managers_of(const Facts& facts, Day today) {
  std::vector<Manager> out{{facts.person, std::nullopt}};
  for (const auto& acting : facts.acting) {
    if (runs(acting, today)) add(out, acting.manager, acting.valid_until);
  }
  return out;
}

std::vector<Manager> managers_in_scope(const Role& role, const Facts& facts, Day today) {
  if (role.records == "team" || role.records == "team-view") return managers_of(facts, today);
  std::vector<Manager> out;
  if (role.records != "delegated") return out;
  for (const auto& given : facts.delegations) {
    const bool counts =
        given.role == role.name && !given.revoked && !given.from.empty() && given.from != facts.person;
    if (counts && runs(given, today)) add(out, given.from, given.valid_until);
  }
  return out;
}

bool in_scope(const Role& role, const Facts& facts, std::string_view subject, std::string_view line_manager,
              Day today) {
  if (role.records == "own") return subject == facts.person;
  if (role.records == "all" || role.records == "by-function") return true;
  if (subject == facts.person || line_manager.empty()) return false;
  return std::ranges::any_of(managers_in_scope(role, facts, today),
                             [&](const Manager& manager) { return manager.id == line_manager; });
}

bool manages(const Facts& facts, std::string_view line_manager, Day today) {
  if (line_manager.empty()) return false;
  if (line_manager == facts.person) return true;
  return std::ranges::any_of(facts.acting, [&](const Acting& acting) {
    return acting.manager == line_manager && runs(acting, today);
  });
}

}  // namespace cardgate::policy
