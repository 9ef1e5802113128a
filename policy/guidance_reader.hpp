// SPDX-License-Identifier: Apache-2.0
// A `guidance` list in the policy file. Internal to policy/reader. Pure; thread-safe.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "base/strict_yaml.hpp"
#include "policy/policy.hpp"

namespace cardgate::policy {

/// Errors: config_invalid, with the line and what was expected.
Result<std::vector<Guidance>> read_guidance(const Yaml& list);

}  // namespace cardgate::policy
