// SPDX-License-Identifier: Apache-2.0
// How a request about somebody's card names it. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "daemon/http/answer.hpp"

namespace cardgate::daemon {

inline constexpr std::size_t max_issuer_serial_bytes = 2048;

/// The register's name of the card that a request means. Errors: invalid_argument.
Result<std::string> named_card(const std::optional<std::string>& uuid,
                               const std::optional<std::string>& issuer_serial);

/// Why no card can be registered by this UUID; nothing: one can.
std::optional<Response> refuse_placeholder(const std::string& uuid);

}  // namespace cardgate::daemon
