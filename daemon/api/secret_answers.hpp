// SPDX-License-Identifier: Apache-2.0
// The answer that hands out a code or a temporary password. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "daemon/http/message.hpp"

namespace cardgate::daemon {

/// 201 with the secret as `member`. Put together in one piece of memory, which the server wipes: no copy of the secret stays
/// behind.
Response shown_once(std::string_view member, const Secret& secret, const std::string& username,
                    WallTime expires);

}  // namespace cardgate::daemon
