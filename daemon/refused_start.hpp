// SPDX-License-Identifier: Apache-2.0
// A start that is refused. Under systemd the sockets stay, so whoever calls would wait, and systemd would start the service
// for them again and again until it gives up on the sockets too. So they are told, and their calls are taken off the sockets.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace cardgate::daemon {

enum StartExit : int {
  exit_stopped = 0,       // in order
  exit_start_failed = 1,  // something failed that may work again: systemd tries again
  exit_start_refused =
      78,  // EX_CONFIG of sysexits.h: somebody must put something right first (RestartPreventExitStatus=)
};

/// Whether starting again may help without anybody doing anything.
StartExit exit_of(const Error& refusal);

/// Answers every caller of these listening sockets 503 with `detail`, for `patience`. Errors are passed over: there is nobody
/// to tell. Blocks.
void turn_away(const std::vector<int>& listening, const std::string& detail,
               std::chrono::milliseconds patience);

}  // namespace cardgate::daemon
