// SPDX-License-Identifier: Apache-2.0
// What every helper of cardgated's is: a program that answers one request on one connection, in a process
// that is of no use afterwards. systemd starts one for each connection (Accept=yes); with a socket of its own
// it starts them itself. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace cardgate::daemon {

struct Helper {
  std::string name;              // of the program, for its messages
  std::filesystem::path listen;  // make this socket; empty: systemd gave one connection
  std::string client;            // the user, by name or number, who may ask
  unsigned alarm_seconds = 15;   // the kernel ends the process after so many
  /// Answers on the connection; what it returns is the process's exit code.
  std::function<int(int connection)> converse;
};

/// Ends with the process of a conversation, or does not end. 1: could not begin, said on stderr.
int serve(const Helper& helper);

}  // namespace cardgate::daemon
