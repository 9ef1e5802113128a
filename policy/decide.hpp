// SPDX-License-Identifier: Apache-2.0
// May this person act in this role now? Pure: the same policy, facts, request and time give the same answer.
// Thread-safe.
//
// A denial lists every prerequisite that is not met, who can put it right and the next step, in sentences
// without a full stop at their end. Two rules hold whatever the file says: a person whose access is removed
// is denied everything, in words that do not tell why; and whoever signs in by card needs that card to be
// registered to them and active.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/facts.hpp"
#include "policy/policy.hpp"

namespace cardgate::policy {

struct Request {
  std::string_view role;
  SignIn sign_in = SignIn::card;
};

struct Unmet {
  /// A stable code: a prerequisite's name (policy.hpp), "sign-in" or "role".
  std::string prerequisite;
  std::string text;       // what is missing
  std::string who;        // who can put it right
  std::string next_step;  // what the person does now
};

struct Decision {
  bool allowed = false;
  std::vector<Unmet> unmet;
  std::vector<Unmet> warnings;  // what does not deny, but should be put right
  /// The first instant at which a prerequisite lapses; of an allowed decision only. Empty: nothing lapses.
  std::optional<WallTime> valid_until;
  /// For people: the last day on which every prerequisite is met; of an allowed decision only. Nothing: none of them ends.
  /// The answers about the certificate are left out, because they are renewed by themselves.
  std::optional<Date> last_day;
  std::string records;  // the role's, when allowed
};

/// A role that the policy does not have is denied with the prerequisite "role".
Decision decide(const Policy& policy, const Facts& facts, const Request& request, WallTime now);

/// May this person have a session at all, before any role is asked for?
Decision decide_sign_in(const Policy& policy, const Facts& facts, SignIn sign_in, WallTime now);

/// What the role asks for, a line each, in plain words: for `cardgate policy explain --role`.
std::vector<std::string> describe(const Role& role);
/// What the policy asks for the acts that the role has, beside that; often nothing.
std::vector<std::string> describe_acts(const Policy& policy, const Role& role);

}  // namespace cardgate::policy
