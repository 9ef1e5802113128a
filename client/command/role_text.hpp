// SPDX-License-Identifier: Apache-2.0
// Roles as a person reads them: what one has, what is missing, what ends soon. Pure.
#pragma once

#include <string>

#include "base/json.hpp"

namespace cardgate::client {

/// Of one role, openapi.yaml's RoleAccess: whether it is held, and what is missing.
std::string role_text(const json::object& role);
/// Of several: those that are held, those that are not, and each missing thing once, with the roles that it blocks.
std::string roles_text(const json::array& roles);
/// "Core ESR (core), all records, until 31 March 2028 (last day)".
std::string held_text(const json::object& role);
/// The same of somebody else, in few words: "Core ESR: no. Missing: active card, approved form".
std::string role_line(const json::object& role);

/// What ends of all of these RoleAccess, the nearest first and each thing once, whatever roles it ends. Empty: nothing.
std::string lapses_text(const json::array& roles);
/// The same about somebody else, a line each; `name` is theirs.
std::string lapse_lines(const json::array& roles, const std::string& name);

}  // namespace cardgate::client
