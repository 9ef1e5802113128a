// SPDX-License-Identifier: Apache-2.0
// The teams that people are in, as far as the rules know them.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "daemon/http/message.hpp"
#include "daemon/rules/downtime_settings.hpp"
#include "policy/policy.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

/// The teams whose members approve forms: without them nobody gets access.
std::vector<std::string> teams_that_give_access(const policy::Policy& policy);

/// What somebody in these teams does while a role cannot be had: the plan of the first team that has one, else the one for
/// everybody. nullptr: there is none.
const ContinuityPlan* continuity_plan(const DowntimeSettings& settings,
                                      const std::vector<std::string>& teams);
/// The member `continuity` of a refusal, where there is a plan. `staff` knows its owner's name.
void add_continuity(json::object& members, const DowntimeSettings& settings,
                    const std::vector<std::string>& teams, reg::Register& staff);
/// The same for a refusal that was made where nobody knew whose it is: the plan for everybody.
void add_continuity(Response& refusal, const DowntimeSettings& settings, reg::Register& staff);

}  // namespace cardgate::daemon
