// SPDX-License-Identifier: Apache-2.0
// The exchanges of one request, at the same time, under one deadline (RFC 9112). Plain HTTP alone: what comes
// is signed. One thread.
#pragma once

#include <functional>

#include "daemon/fetch/message.hpp"

namespace cardgate::daemon::fetch {

/// Calls `done` once for each exchange as it ends: `good` with the content, else with the words why not.
/// Returns when the last has ended, or the deadline has.
void run(const Request& request,
         const std::function<void(std::size_t index, bool good, BytesView content)>& done);

}  // namespace cardgate::daemon::fetch
