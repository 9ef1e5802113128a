// SPDX-License-Identifier: Apache-2.0
// How people and roles stand at one moment, as the service gives it to a report: the log says what happened, this says whom it
// concerns. Plain data and its JSON. Pure; thread-safe. Dates are days of the hospital's calendar; an "until" day is the last that
// counts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit::report {

struct StandingCard {
  std::string uuid, status, registered_by, confirmed_by;
  std::optional<Date> valid_until;
};

/// A form, declaration, course or delegation that somebody has, or should have.
struct Evidence {
  std::string kind;    // form, declaration, training, delegation
  std::string name;    // "ESR06", "core-confidentiality", a course
  std::string role;    // of forms and delegations
  std::string number;  // people quote it; empty: it has none
  std::string state;   // of a form: submitted, verified, approved
  std::string requested_by, verified_by, approved_by;
  std::optional<Date> from, until;
};

struct StandingPerson {
  std::string id, name, manager;
  std::vector<std::string> stands_in_for;  // line managers
  std::vector<std::string> teams;
  std::optional<Date> employed_from, employed_until, leave_from, leave_until, removed_on;
  bool on_leave_without_end = false;
  bool removed = false;
  // Empty: none; "set", "temporary" (to be changed at the next sign-in), "expired", "void" (too many wrong tries).
  std::string password;
  std::vector<StandingCard> cards;
  std::vector<Evidence> evidence;
  std::vector<std::string> roles;    // that they would get now, by name
  std::vector<std::string> missing;  // recommended courses that they have not: names
};

struct StandingRole {
  std::string name, title, records;
};

struct StandingPlan {  // a continuity plan
  std::string team, owner;
  std::optional<Date> reviewed, review_by;
};

/// What must be had, as the policy says: of whom it is asked is the people's own affair.
struct Wanted {
  std::string kind, name, title;
};

struct Standing {
  WallTime made_at{};
  std::string zone;
  std::string team_of;  // only this line manager's team; empty: everybody
  std::vector<StandingRole> roles;
  std::vector<Wanted> wanted;
  std::vector<StandingPlan> plans;
  std::size_t pool_cards = 0;
  double availability = 0;  // the service standard, in percent; 0: none is set
  milliseconds sign_in{0};  // ... how long a sign-in may take
  std::map<std::string, StandingPerson, std::less<>> people;

  const StandingPerson* person(std::string_view id) const {
    const auto found = people.find(id);
    return found == people.end() ? nullptr : &found->second;
  }
  const StandingRole* role(std::string_view name) const;
  /// "ward-4": the first team; empty: none is known.
  std::string_view department(std::string_view person) const;
};

json::object to_json(const StandingPerson& person);
/// Without the people.
json::object to_json(const Standing& standing);
/// Adds what `page` says: the parts, where it has them, and the people of it. Members that it does not know are passed over.
/// Errors: malformed.
Result<void> add_page(Standing& standing, const json::object& page);

}  // namespace cardgate::audit::report
