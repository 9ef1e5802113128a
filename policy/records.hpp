// SPDX-License-Identifier: Apache-2.0
// Whose records a role opens. Computed from who manages whom, and stored nowhere. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/facts.hpp"
#include "policy/policy.hpp"

namespace cardgate::policy {

/// Somebody whose staff the role opens.
struct Manager {
  std::string id;
  std::optional<Date> until;  // the last day; nothing: as long as it is so
  friend bool operator==(const Manager&, const Manager&) = default;
};

/// For whose staff the person answers today: their own, without an end, and that of each for whom they stand in. Each once.
std::vector<Manager> managers_of(const Facts& facts, Day today);

/// The line managers whose staff `role` opens to the person now: for team and team-view the person and those for whom the
/// person stands in, for delegated those who delegated this role. Empty for the other scopes.
std::vector<Manager> managers_in_scope(const Role& role, const Facts& facts, Day today);

/// May the record of `subject`, whose line manager is `line_manager` (empty: nobody), be opened in this role? Looks at the
/// scope only: whether the role is allowed is decide()'s business. Nobody's own record is part of a team.
bool in_scope(const Role& role, const Facts& facts, std::string_view subject, std::string_view line_manager,
              Day today);

/// The line manager of the subject is the person, or somebody for whom the person stands in today.
bool manages(const Facts& facts, std::string_view line_manager, Day today);

}  // namespace cardgate::policy
