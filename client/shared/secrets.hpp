// SPDX-License-Identifier: Apache-2.0
// Passwords and codes inside this process: a body that leaves no copy of them behind, and memory that nobody else reads.
// One thread.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace cardgate::client {

/// Takes this process's memory out of core dumps and away from other programs of the same user.
void forbid_dumps();

/// `members` and the secrets, escaped, as one JSON object in locked memory.
Secret json_with_secrets(const json::object& members,
                         const std::vector<std::pair<std::string_view, const Secret*>>& secrets);

/// `members` and the secrets as one JSON object, in locked memory. Errors: pin_format (a secret could not be
/// put into JSON as it is).
Result<Secret> body_with_secrets(const json::object& members,
                                 const std::vector<std::pair<std::string_view, const Secret*>>& secrets);

}  // namespace cardgate::client
