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

}  // namespace cardgate::daemon
