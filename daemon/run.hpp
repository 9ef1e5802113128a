// SPDX-License-Identifier: Apache-2.0
// The life of the process: starts, tells systemd, serves, reloads on SIGHUP, drains on SIGTERM.
#pragma once

#include <filesystem>

namespace cardgate::daemon {

/// Starts the program again, once, so that every library call is bound now. A call that is bound at its first use saves the
/// vector registers on the stack, and with them the piece of a passcode that was copied last. Throws when it cannot.
void bind_library_calls(char** argv);

/// rotate_audit_key(), and says how it went. The program's exit code.
int rotate_key(const std::filesystem::path& file);

/// Serves until it is told to stop. `file` is the configuration. The program's exit code.
int run(const std::filesystem::path& file);

}  // namespace cardgate::daemon
