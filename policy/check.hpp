// SPDX-License-Identifier: Apache-2.0
// What is wrong with a policy that loads: roles that nobody can ever hold, rules that contradict each other, texts that
// nobody reads. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.hpp"

namespace cardgate::policy {

struct Finding {
  enum class Severity : std::uint8_t {
    error,    // somebody can never get what the policy promises
    warning,  // probably not what was meant
    note,     // right, but good to know
  };
  Severity severity = Severity::warning;
  int line = 0;           // in the file; 0: of the policy as a whole
  std::string role;       // empty: of no one role
  std::string text;       // what is wrong
  std::string next_step;  // what to do about it
};
/// "error", "warning", "note".
std::string_view name(Finding::Severity severity);

/// Errors first, then by line. A staff file can bring what no role may give (forms, training, delegations); the findings
/// are about what people can do by themselves.
std::vector<Finding> check(const Policy& policy);

/// Is one of them an error?
bool any_error(const std::vector<Finding>& findings);

}  // namespace cardgate::policy
