// SPDX-License-Identifier: Apache-2.0
// The `cardgate` command.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "client/command/cli.hpp"

int main(int argc, char** argv) {
  try {
    return cardgate::client::run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "cardgate: {}\n", failure.what());
    return cardgate::client::exit_error;
  }
}
