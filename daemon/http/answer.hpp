// SPDX-License-Identifier: Apache-2.0
// What a call gives back: its answer, when it is made.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "daemon/http/message.hpp"

namespace cardgate::daemon {

using Answer = boost::asio::awaitable<Response>;

}  // namespace cardgate::daemon
