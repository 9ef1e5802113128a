// SPDX-License-Identifier: Apache-2.0
// What the register holds about a person, as the policy asks for it. Pure; thread-safe.
#pragma once

#include "policy/facts.hpp"
#include "register/person.hpp"

namespace cardgate::daemon {

/// Everything but what depends on the card in use.
policy::Facts to_facts(const reg::Person& person);

/// As they would be with an active card in the reader, if the person has one.
policy::Facts as_if_signed_in(const reg::Person& person);

}  // namespace cardgate::daemon
