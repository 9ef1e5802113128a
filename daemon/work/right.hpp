// SPDX-License-Identifier: Apache-2.0
// By what somebody may do an act, kept so that it can be asked again where the act is carried out: on the register's
// thread, right before the change, by what the register says then. Pure but for the look-ups; thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/work/facts.hpp"
#include "policy/policy.hpp"

namespace cardgate::daemon::work {

struct Right {
  std::shared_ptr<const policy::Policy> policy;
  std::string person, card;  // who acts, and with which card
  /// The act and the role that lets them; no act: it needs no role.
  std::optional<policy::Act> act;
  std::string role;
  bool as_line_manager = false;  // of `subject`, or standing in
  std::string subject;           // empty: nobody in particular
};

/// Errors: permission_denied, with a sentence; those of `record_of`.
Result<void> still_holds(const Right& right, const RecordOf& record_of, WallTime now);

}  // namespace cardgate::daemon::work
