// SPDX-License-Identifier: Apache-2.0
// Whom a record is about, and who else it names: who did it, who confirmed it, who was seen. Pure; thread-safe.
#pragma once

#include <functional>
#include <string_view>

#include "base/json.hpp"

namespace cardgate::audit {

/// Calls `each` with every personnel number that the record names; one may come twice. Some names stand for nobody on file:
/// "root", "cardgate".
void each_person(const json::object& record, const std::function<void(std::string_view)>& each);

/// Takes out every personnel number that `stays` says no to: it is empty then, or no longer in its list.
void blank_people(json::object& record, const std::function<bool(std::string_view)>& stays);

/// Whether the record is about this person, or names them.
bool names(const json::object& record, std::string_view person);

}  // namespace cardgate::audit
