// SPDX-License-Identifier: Apache-2.0
// How long records are kept, and whether a whole segment may go. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

struct Keeping {
  milliseconds all{0};                         // 0: for ever
  std::map<std::string, milliseconds> events;  // of one kind, instead; 0: for ever
  bool limited() const { return all > milliseconds::zero(); }
  bool operator==(const Keeping&) const = default;
};

/// Whether every record in a segment has been kept for as long as its kind is to be. The log's own lines (segment, checkpoint,
/// ...) are no reason to keep it. Errors: not_found, permission_denied, io, corrupt (a line that cannot be read).
Result<bool> all_expired(const std::filesystem::path& segment, const Keeping& keeping, WallTime now);

/// What stands in the file of a legal hold; empty when there is none. Errors: permission_denied, io.
Result<std::string> read_hold(const std::filesystem::path& directory);

}  // namespace cardgate::audit
