// SPDX-License-Identifier: Apache-2.0
// The service's own keys: made at first start, kept as 32-byte seeds that only the service user can read.
#pragma once

#include <filesystem>

#include "base/crypto.hpp"

namespace cardgate::daemon {

/// Loads the Ed25519 seed at `file`, or makes one (mode 0600). Refuses a key file that others can read or
/// that is not ours. Errors: permission_denied, corrupt, no_space, io.
Result<SigningKey> load_or_create_key(const std::filesystem::path& file);

/// The key with which the service seals what it must keep (base/seal.hpp). Errors: as above; not_found.
Result<Secret> load_seal_key(const std::filesystem::path& file);
/// ... made where there is none, to seal something anew. Errors: as above.
Result<Secret> load_or_create_seal_key(const std::filesystem::path& file);

}  // namespace cardgate::daemon
