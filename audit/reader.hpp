// SPDX-License-Identifier: Apache-2.0
// Walks through the records of a log, oldest first, for people's reports. Proves nothing: verify() does.
//
// Takes the same little memory for a log of any size, and needs no lock: a log that is being written can be read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// Where a line stands. Stays true for as long as the log keeps the line.
struct Place {
  std::uint64_t segment = 0;  // the number in the segment's name
  std::uint64_t offset = 0;   // of the line's first byte in it
  auto operator<=>(const Place&) const = default;
};

struct RawLine {
  std::string_view text;  // without its newline; good until the visitor returns
  Place place;
};

/// Called for every complete line, the log's own (segment, checkpoint, ...) included; false ends the walk.
using Visitor = std::function<bool(const json::object& record, std::string_view raw_line)>;
using LineVisitor = std::function<bool(const RawLine& line)>;

/// A torn tail ends the walk without an error. A segment that retention deletes meanwhile is passed over.
/// Errors: not_found (no such directory, or no segment in it), permission_denied, io, corrupt (a
/// line that is no JSON object; names segment and line).
Result<void> for_each(const std::filesystem::path& directory, const Visitor& visitor);

/// The same for those who look at the text first: scan_line() is quick, parse_line() knows all. The walk begins at `from`, which
/// must be where a line begins, as of a walk before. Errors: as above; corrupt only for a line that is too long.
Result<void> for_each_line(const std::filesystem::path& directory, const LineVisitor& visitor,
                           Place from = {});

/// The line at a place, without its newline. Errors: not_found (no such segment, or no line there), permission_denied, io,
/// corrupt.
Result<std::string> line_at(const std::filesystem::path& directory, Place place);

}  // namespace cardgate::audit
