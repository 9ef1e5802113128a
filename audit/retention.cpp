// SPDX-License-Identifier: Apache-2.0
#include "audit/retention.hpp"

#include <fmt/format.h>

#include "audit/event.hpp"
#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/scan.hpp"
#include "audit/segment_reader.hpp"
#include "base/file.hpp"

namespace cardgate::audit {
namespace {

bool is_expired(std::string_view event, std::string_view time, const Keeping& keeping, WallTime now) {
  const auto* info = find_event(event);
  if (info != nullptr && info->internal) return true;
  const auto own = keeping.events.find(std::string(event));
  const auto keep = own == keeping.events.end() ? keeping.all : own->second;
  const auto at = parse_rfc3339(time);
  return keep > milliseconds::zero() && at && *at + keep <= now;
}

}  // namespace

Result<bool> all_expired(const std::filesystem::path& segment, const Keeping& keeping, WallTime now) {
  auto reader = TRY(SegmentReader::open(segment));
  for (;;) {
    const auto found = TRY(reader.next());
    if (found.too_long) return Error{Errc::corrupt, fmt::format("{}: a line is too long", segment.string())};
    if (found.line.empty()) return true;
    const auto raw = found.line.substr(0, found.line.size() - 1);
    if (const auto quick = scan_line(raw)) {
      if (!is_expired(quick->event, quick->time, keeping, now)) return false;
      continue;
    }
    const auto line = parse_line(raw);
    if (!line) return Error{Errc::corrupt, fmt::format("{}: {}", segment.string(), line.error().context)};
    if (!is_expired(line->event, line->time, keeping, now)) return false;
  }
}

Result<std::string> read_hold(const std::filesystem::path& directory) {
  auto content = read_file(directory / hold_name, 1UL << 16);
  if (!content && content.error().code == Errc::not_found) return std::string();
  if (content && content->empty()) return std::string("no reason is given");
  return content;
}

}  // namespace cardgate::audit
