// SPDX-License-Identifier: Apache-2.0
// Seals the service's keys to this machine: systemd-creds encrypts each file (with the machine's own key, and its TPM where it has
// one) into the folder in which systemd looks for credentials. Root's; blocking; one thread. No key passes through this process.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "client/command/set_up/machine.hpp"

namespace cardgate::client {

struct SealedKeys {
  std::vector<std::filesystem::path> files;   // those that were sealed, and are still there
  std::vector<std::filesystem::path> sealed;  // what became of them
};

/// Seals every key file in `state`. A key that has a sealed one already is passed over: that one is in use, and which of the two is
/// the right one is for people to say. Nothing holds for the service before it starts anew. Errors: io (what systemd-creds said;
/// nothing was changed), as run_program().
Result<SealedKeys> seal_keys(const Places& places, const std::filesystem::path& state);

}  // namespace cardgate::client
