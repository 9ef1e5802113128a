// SPDX-License-Identifier: Apache-2.0
// A role's standing as a person reads it. Pure.
#pragma once

#include <string>

#include "base/json.hpp"

namespace cardgate::client {

/// `role` is openapi.yaml's RoleAccess.
std::string role_text(const json::object& role);

}  // namespace cardgate::client
