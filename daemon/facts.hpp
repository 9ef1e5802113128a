// SPDX-License-Identifier: Apache-2.0
// What the register holds about a person, as the policy asks for it. Pure; thread-safe.
#pragma once

#include "policy/facts.hpp"
#include "register/person.hpp"

namespace cardgate::daemon {

/// Everything but what depends on the card in use.
policy::Facts to_facts(const reg::Person& person);

/// As if signing in with that one of the person's active cards which lasts longest.
policy::Facts to_facts_with_best_card(const reg::Person& person);

}  // namespace cardgate::daemon
