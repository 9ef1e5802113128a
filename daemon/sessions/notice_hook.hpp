// SPDX-License-Identifier: Apache-2.0
// A notice handed to whatever listens on the hook's socket (cardgate-notice.socket), which runs a program of this place outside
// of the service: one connection a notice, a JSON text, no answer. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace cardgate::daemon {

/// Success: it was read, or is still being worked on. Errors: unavailable (nobody listens, or it was not read), timeout, invalid_argument (too long for a socket's path).
boost::asio::awaitable<Result<void>> hand_to_hook(std::filesystem::path socket, std::string text);

}  // namespace cardgate::daemon
