// SPDX-License-Identifier: Apache-2.0
// openapi.yaml's Session. Pure.
#pragma once

#include "base/json.hpp"
#include "daemon/sessions/session_desk.hpp"

namespace cardgate::daemon {

json::object session_json(const Session& session, WallTime now);

}  // namespace cardgate::daemon
