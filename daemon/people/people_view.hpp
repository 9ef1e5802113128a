// SPDX-License-Identifier: Apache-2.0
// What is shown of people, out of the register and the policy. A view is a copy of what the service knew at one moment, so that
// it serves on the service's thread and beside it alike. Pure but for the register that it is given; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "daemon/people/names.hpp"
#include "daemon/people/open_acts.hpp"
#include "daemon/work/facts.hpp"
#include "policy/decide.hpp"
#include "policy/records.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

struct PeopleView {
  std::shared_ptr<const policy::Policy> policy;
  WallTime now;
  Takings takings;  // in force, and not in the register yet

  Date today() const { return policy->calendar().date_of(now); }
  /// The person on file, with all that takes access away as soon as that is decided. Errors: as Register::person().
  Result<reg::Person> record(reg::Register& staff, const std::string& id) const;
  RecordOf records(reg::Register& staff) const;

  // openapi.yaml's StaffRecord, in three parts; never the reason of a removal.
  /// employed, on leave, left, not employed or removed.
  std::string_view state(const reg::Person& person) const;
  /// What the register holds of the person itself.
  json::object person(const reg::Person& person, Names& names) const;
  /// Which roles they would get, by their active card, and what of that ends soon.
  json::array roles(const reg::Person& person, const RecordOf& record_of) const;
  /// The three together, as lists show them: the person, `roles`, `open_forms` and `open_removals` (what waits to be decided).
  json::object row(const reg::Person& person, const RecordOf& record_of, Names& names) const;
  json::object form(const reg::Person& person, const reg::Form& form, Names& names) const;
};

json::array to_json(const std::vector<policy::Unmet>& list);
/// What is missing and what to do, as a person reads it.
std::string sentences(const std::vector<policy::Unmet>& list);
json::object decision_json(const policy::Policy& policy, const policy::Role& role,
                           const policy::Decision& decision);

/// How much there is to look through: to decide about a person takes time in proportion.
std::size_t entries_of(const reg::Person& person);
std::size_t entries_of(const policy::Facts& facts);

/// Whose records somebody's roles open for one act, as it was at one moment.
struct Reach {
  std::shared_ptr<const policy::Policy> policy;  // keeps `roles`
  policy::Facts facts;                           // of who asks
  std::vector<const policy::Role*> roles;        // that they hold, and that let them
  policy::Day today;

  bool opens(const reg::Person& person) const;
};

}  // namespace cardgate::daemon
