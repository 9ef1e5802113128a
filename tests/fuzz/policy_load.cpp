// SPDX-License-Identifier: Apache-2.0
// Any bytes as a policy file: refused, or a policy that can be asked about every role and lets in nobody of
// whom nothing is known.
#include <cstdlib>

#include "policy/check.hpp"
#include "policy/decide.hpp"
#include "policy/reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cardgate::policy;
  const auto policy = parse_policy({reinterpret_cast<const char*>(data), size}, "policy.yaml");
  if (!policy) return 0;
  Facts facts;
  facts.person = "a";
  facts.employed_from = facts.employed_until =
      cardgate::Date(std::chrono::sys_days(std::chrono::days(20000)));
  facts.card_active = facts.is_line_manager = true;
  const auto now = cardgate::start_of(*facts.employed_from);
  for (const auto& role : policy->roles()) {
    for (const auto way : {SignIn::password, SignIn::card}) {
      const auto decision = decide(*policy, facts, {role.name, way}, now);
      if (decision.allowed != decision.unmet.empty()) std::abort();
      if (decision.allowed && way == SignIn::password && decision.records != "own") std::abort();
      if (decide(*policy, Facts{}, {role.name, SignIn::card}, now).allowed) std::abort();
      Facts removed = facts;
      removed.removed = true;
      if (decide(*policy, removed, {role.name, way}, now).allowed) std::abort();
    }
    if (describe(role).empty()) std::abort();
    (void)describe_acts(*policy, role);
    using Mode = CardRemoval::Mode;
    const bool timed = role.card_removal.mode == Mode::grace || role.card_removal.mode == Mode::keep;
    if (timed != (role.card_removal.time.count() > 0)) std::abort();
    if ((role.screen_lock.mode == ScreenLock::Mode::keep) != (role.screen_lock.time.count() > 0))
      std::abort();
    if (role.step_up_age && (role.step_up_age->count() <= 0 || role.accepts(SignIn::password))) std::abort();
  }
  (void)check(*policy);
  return 0;
}
