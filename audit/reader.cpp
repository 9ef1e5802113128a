// SPDX-License-Identifier: Apache-2.0
#include "audit/reader.hpp"

#include <fmt/format.h>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "base/file.hpp"

namespace cardgate::audit {

Result<void> for_each(const std::filesystem::path& directory, const Visitor& visitor) {
  const auto segments = TRY(list_segments(directory));
  if (segments.empty())
    return Error{Errc::not_found, fmt::format("{}: no audit log here", directory.string())};
  for (const SegmentFile& segment : segments) {
    const std::string content = TRY(read_file(segment.path, max_segment_bytes));
    std::string_view rest = content;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::size_t newline = rest.find('\n');
      const std::string_view raw = rest.substr(0, newline);
      if (newline == std::string_view::npos || raw.find('\0') != std::string_view::npos) break;
      auto record = parse_line(raw);
      if (!record) {
        const std::string where = fmt::format("{} line {}", segment.path.string(), number);
        return Error{Errc::corrupt, fmt::format("{}: {}", where, record.error().context)};
      }
      if (!visitor(record->object, raw)) return {};
      rest.remove_prefix(newline + 1);
    }
  }
  return {};
}

}  // namespace cardgate::audit
