// SPDX-License-Identifier: Apache-2.0
// Other programs of the machine that set-up runs: never by a shell, never searched for in PATH. Blocking; one thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace cardgate::client {

struct Ran {
  int status = 0;  // the exit code; 128 and the signal's number where one ended it
  std::string output;
  bool good() const { return status == 0; }
};

/// `command` begins with the program's path. Its stdin is empty; what it says on stdout is the output, and with `all` what it says on
/// stderr, too (else that is thrown away). Debconf asks nothing. Errors: not_found, permission_denied, too_large (more than 4 MiB), io.
Result<Ran> run_program(const std::vector<std::string>& command, bool all);

}  // namespace cardgate::client
