// SPDX-License-Identifier: Apache-2.0
// The `cardgate` command.
#include "client/command/run.hpp"

int main(int argc, char** argv) {
  return cardgate::client::run(argc, argv);
}
