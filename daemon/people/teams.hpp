// SPDX-License-Identifier: Apache-2.0
// Pure.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace cardgate::daemon {

/// The teams whose members approve forms: without them nobody gets access.
std::vector<std::string> teams_that_give_access(const policy::Policy& policy);

}  // namespace cardgate::daemon
