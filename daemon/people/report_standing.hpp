// SPDX-License-Identifier: Apache-2.0
// How people stand, as a report on the audit log asks for it (audit/report/standing.hpp): out of the register, the policy and the
// configuration. Pure but for the register that it is given; thread-safe.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "audit/report/standing.hpp"
#include "daemon/people/people_view.hpp"
#include "daemon/rules/config.hpp"
#include "register/credentials.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

/// The parts that are not about one person.
audit::report::Standing standing_without_people(const policy::Policy& policy, const Config& config,
                                                WallTime now);

/// Those of these ids who are on file. `password` says whether somebody has one. Errors: as Register::person(); cancelled.
Result<std::vector<audit::report::StandingPerson>> standing_of(reg::Register& staff, const PeopleView& view,
                                                               const std::vector<std::string>& ids,
                                                               reg::Credentials& passwords,
                                                               const std::atomic<bool>& stop);

/// Everybody, or the staff of these managers. Errors: as above; too_large (more people than a report can hold).
Result<void> add_people(audit::report::Standing& to, reg::Register& staff, const PeopleView& view,
                        const std::vector<std::string>& managers, reg::Credentials& passwords,
                        const std::atomic<bool>& stop);

}  // namespace cardgate::daemon
