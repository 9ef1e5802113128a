// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/teams.hpp"

#include <algorithm>

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

}  // namespace cardgate::daemon
