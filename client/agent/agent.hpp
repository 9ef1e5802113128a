// SPDX-License-Identifier: Apache-2.0
// The agent of one desktop: follows the service's events and does what Attention says, by pinentry, logind, the desktop's
// notifications and the service. One thread; run() blocks until SIGTERM, SIGINT or SIGHUP.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"
#include "client/agent/pinentry.hpp"

namespace cardgate::agent {

struct Settings {
  std::filesystem::path socket;  // the service's
  std::filesystem::path folder;  // the user's own, for locks (XDG_RUNTIME_DIR)
  Pinentry::Setting pinentry;
  bool can_ask = true;                          // there is a display or a terminal
  bool has_display = false;                     // then it ends with the user's last graphical login
  bool end_login = false;                       // when no screen locker locks
  std::string switch_user;                      // a shell command that shows the greeter; empty: none
  std::function<void(const std::string&)> say;  // for the journal, a sentence each
};

/// Held while the agent runs, so that there is one for each user and display. `display` may be empty. Errors: already_exists (one
/// runs), and those of opening a file in `folder`, which is the user's own.
Result<FileDescriptor> claim_display(const std::filesystem::path& folder, const std::string& display);

/// Throws std::system_error where the machine has no timer or socket for us.
void run(Settings settings);

}  // namespace cardgate::agent
