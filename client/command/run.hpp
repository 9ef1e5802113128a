// SPDX-License-Identifier: Apache-2.0
// The `cardgate` command as a function.
#pragma once

namespace cardgate::client {

/// The program's exit code (cli.hpp). Throws nothing.
int run(int argc, char** argv);

}  // namespace cardgate::client
