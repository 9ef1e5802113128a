// SPDX-License-Identifier: Apache-2.0
// Walks through the records of a log, oldest first, for people's reports. Proves nothing: verify() does.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// Called for every complete line, the log's own (segment, checkpoint, ...) included; false ends the walk.
using Visitor = std::function<bool(const json::object& record, std::string_view raw_line)>;

/// A torn tail ends the walk without an error.
/// Errors: not_found (no such directory, or no segment in it), permission_denied, io, too_large, corrupt (a
/// line that is no JSON object; names segment and line).
Result<void> for_each(const std::filesystem::path& directory, const Visitor& visitor);

}  // namespace cardgate::audit
