// SPDX-License-Identifier: Apache-2.0
#include "audit/reader.hpp"

#include <fmt/format.h>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/segment_reader.hpp"

namespace cardgate::audit {
namespace {

Error corrupt_line(const std::filesystem::path& segment, std::size_t number, std::string_view what) {
  return {Errc::corrupt, fmt::format("{} line {}: {}", segment.string(), number, what)};
}

/// False: the visitor has seen enough.
Result<bool> walk_segment(const SegmentFile& segment, std::uint64_t offset,
                          const std::function<Result<bool>(const RawLine&, std::size_t number)>& visit) {
  auto reader = TRY(SegmentReader::open(segment.path, offset));
  for (std::size_t number = 1;; ++number) {
    const std::uint64_t at = reader.good_bytes();
    const auto found = TRY(reader.next());
    if (found.too_long) return corrupt_line(segment.path, number, "longer than a line may be");
    if (found.line.empty()) return true;
    const RawLine line{found.line.substr(0, found.line.size() - 1), {segment.first, at}};
    if (!TRY(visit(line, number))) return false;
  }
}

Result<void> walk(
    const std::filesystem::path& directory, Place from,
    const std::function<Result<bool>(const std::filesystem::path&, const RawLine&, std::size_t)>& visit) {
  const auto segments = TRY(list_segments(directory));
  if (segments.empty())
    return Error{Errc::not_found, fmt::format("{}: no audit log here", directory.string())};
  for (const SegmentFile& segment : segments) {
    if (segment.first < from.segment) continue;
    const std::uint64_t offset = segment.first == from.segment ? from.offset : 0;
    const auto went = walk_segment(segment, offset, [&](const RawLine& line, std::size_t number) {
      return visit(segment.path, line, number);
    });
    if (!went && went.error().code == Errc::not_found) continue;
    if (!TRY(went)) return {};
  }
  return {};
}

}  // namespace

Result<void> for_each(const std::filesystem::path& directory, const Visitor& visitor) {
  return walk(
      directory, {},
      [&](const std::filesystem::path& path, const RawLine& line, std::size_t number) -> Result<bool> {
        const auto record = parse_line(line.text);
        if (!record) return corrupt_line(path, number, record.error().context);
        return visitor(record->object, line.text);
      });
}

Result<void> for_each_line(const std::filesystem::path& directory, const LineVisitor& visitor, Place from) {
  return walk(directory, from,
              [&](const std::filesystem::path&, const RawLine& line, std::size_t) -> Result<bool> {
                return visitor(line);
              });
}

Result<std::string> line_at(const std::filesystem::path& directory, Place place) {
  std::string out;
  TRY(walk_segment({place.segment, directory / segment_name(place.segment)}, place.offset,
                   [&](const RawLine& line, std::size_t) -> Result<bool> {
                     out = line.text;
                     return false;
                   }));
  if (out.empty()) return Error{Errc::not_found, "there is no record at this place"};
  return out;
}

}  // namespace cardgate::audit
