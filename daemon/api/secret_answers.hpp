// SPDX-License-Identifier: Apache-2.0
// What handing out a code and a temporary password have in common. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "daemon/http/message.hpp"
#include "register/person.hpp"

namespace cardgate::daemon {

/// By which the person signs in with a password.
const std::string& username_of(const reg::Person& person);
/// Why a code or password was not kept. `over`: the session of whoever gives it is.
Response not_saved(const Error& error, std::optional<Response> over);
/// 201 with the secret as `member`. Put together in one piece of memory, which the server wipes: no copy of the secret stays
/// behind.
Response shown_once(std::string_view member, const Secret& secret, const std::string& username,
                    WallTime expires);

}  // namespace cardgate::daemon
