// SPDX-License-Identifier: Apache-2.0
// The service's state belongs to one process at a time. Thread-safe.
#pragma once

#include <filesystem>

#include "base/file.hpp"

namespace cardgate::daemon {

/// Locks the folder itself (flock(2)) for as long as the answer lives; a kill ends it too. There is no lock file: one
/// could not be made on a full disk, and could be removed. Two paths to one folder are one lock.
/// Errors: already_exists (another process holds it), not_found, permission_denied, io.
Result<FileDescriptor> hold_folder(const std::filesystem::path& folder);

}  // namespace cardgate::daemon
