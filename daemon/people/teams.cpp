// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/teams.hpp"

#include <algorithm>

#include "daemon/people/names.hpp"

namespace cardgate::daemon {

std::vector<std::string> teams_that_give_access(const policy::Policy& policy) {
  std::vector<std::string> teams;
  for (const auto& role : policy.roles()) {
    if (!role.lets(policy::Act::approve_forms)) continue;
    for (const auto& wanted : role.requires_all) {
      if (wanted.kind == policy::Prerequisite::Kind::team) teams.push_back(wanted.subject);
    }
  }
  return teams;
}

const ContinuityPlan* continuity_plan(const DowntimeSettings& settings,
                                      const std::vector<std::string>& teams) {
  const auto& plans = settings.continuity;
  for (const auto& team : teams) {
    const auto found = std::ranges::find(plans, team, &ContinuityPlan::team);
    if (!team.empty() && found != plans.end()) return &*found;
  }
  const auto everybodys = std::ranges::find(plans, std::string(), &ContinuityPlan::team);
  return everybodys == plans.end() ? nullptr : &*everybodys;
}

void add_continuity(json::object& members, const DowntimeSettings& settings,
                    const std::vector<std::string>& teams, reg::Register& staff) {
  const auto* plan = continuity_plan(settings, teams);
  if (plan == nullptr) return;
  members["continuity"] = json::object{{"text", plan->text},
                                       {"place", plan->place},
                                       {"telephone", plan->telephone},
                                       {"owner", Names(staff).person(plan->owner)},
                                       {"reviewed_on", to_text(plan->reviewed)}};
}

void add_continuity(Response& refusal, const DowntimeSettings& settings, reg::Register& staff) {
  auto body = parse_json(refusal.body);
  json::object* members = body ? body->if_object() : nullptr;
  if (members == nullptr || members->contains("continuity")) return;
  add_continuity(*members, settings, {}, staff);
  refusal.body = json::serialize(*members);
}

}  // namespace cardgate::daemon
