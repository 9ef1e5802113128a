// SPDX-License-Identifier: Apache-2.0
// A role's standing as a person reads it. Pure.
#pragma once

#include <string>

#include "base/json.hpp"

namespace cardgate::client {

/// `role` is openapi.yaml's RoleAccess.
std::string role_text(const json::object& role);

/// What lapses of all of these RoleAccess, the nearest first and each thing once, whatever roles it ends. Empty: nothing.
std::string lapses_text(const json::array& roles);
/// The same of somebody else, a line each.
std::string lapse_lines(const json::array& roles);

}  // namespace cardgate::client
