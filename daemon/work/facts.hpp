// SPDX-License-Identifier: Apache-2.0
// What the register holds about a person, as the policy asks for it. Pure; thread-safe.
#pragma once

#include <functional>

#include "base/result.hpp"
#include "policy/facts.hpp"
#include "register/person.hpp"

namespace cardgate::daemon {

/// How the record of somebody else is had.
using RecordOf = std::function<Result<reg::Person>(const std::string& id)>;

/// Everything but what depends on the card in use. A delegation, or standing in, lasts no longer than its giver, or the
/// manager, is there and manages staff: for whoever cannot be looked up by `record_of` there is none.
policy::Facts to_facts(const reg::Person& person, const RecordOf& record_of);

/// As signed in with this card; nothing is said of what is known about its certificate.
policy::Facts to_facts_with_card(const reg::Person& person, const std::string& card,
                                 const RecordOf& record_of);
void set_card(policy::Facts& facts, const reg::Person& person, const std::string& card);

/// As if signing in with that one of the person's own active cards which lasts longest.
policy::Facts to_facts_with_best_card(const reg::Person& person, const RecordOf& record_of);

}  // namespace cardgate::daemon
