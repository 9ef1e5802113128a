// SPDX-License-Identifier: Apache-2.0
// What a start needs, looked over before anything is served. Blocks; on the one thread that there is then.
#pragma once

#include <filesystem>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "daemon/service.hpp"

namespace cardgate::daemon {

/// `held` keeps others away from the state directory, from before anything in it is opened. Errors: of what was looked at
/// first and is not good, in a sentence.
Result<Service::Parts> prepare(const std::filesystem::path& file, const Clock& clock, FileDescriptor& held);

/// Gives the audit log a new signing key, for which the one before vouches. The service must not run. What a crash broke off is
/// finished by doing it again. Errors: already_exists (the service runs), permission_denied (also: the key is sealed), not_found,
/// corrupt, no_space, io; of the configuration, as above.
Result<void> rotate_audit_key(const std::filesystem::path& file, const Clock& clock);

}  // namespace cardgate::daemon
