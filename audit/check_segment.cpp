// SPDX-License-Identifier: Apache-2.0
#include "audit/check_segment.hpp"

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "audit/segment_reader.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t batch_bytes = 256UL << 10;
constexpr std::size_t batch_lines = 4096;

struct Batch {
  struct Entry {
    std::size_t bytes = 0;  // with the newline; 0 for one that is too long
    Digest hash{};
  };
  std::string text;  // the lines, one behind the other
  std::vector<Entry> lines;
};

/// The next lines with their hashes; none at the end.
Result<Batch> next_batch(SegmentReader& reader) {
  Batch out;
  out.text.reserve(batch_bytes + max_line_bytes);
  while (out.text.size() < batch_bytes && out.lines.size() < batch_lines) {
    const auto found = TRY(reader.next());
    if (found.too_long) {
      out.lines.emplace_back();
    } else if (found.line.empty()) {
      break;
    } else {
      out.text += found.line;
      out.lines.push_back({found.line.size(), blake2b(as_bytes(found.line))});
    }
  }
  return out;
}

}  // namespace

Result<void> check_segment(Checker& checker, const SegmentFile& segment, bool newest) {
  auto reader = TRY(SegmentReader::open(segment.path));
  checker.begin_segment(segment.path.filename().string());
  // Hashing costs as much as judging, so it is done ahead on a second processor where a thread is worth its making.
  std::error_code unknown;
  const bool large = std::filesystem::file_size(segment.path, unknown) > 4 * batch_bytes;
  const auto how = large ? std::launch::async | std::launch::deferred : std::launch::deferred;
  const auto ahead = [&reader, how] { return std::async(how, next_batch, std::ref(reader)); };
  for (auto coming = ahead();;) {
    const auto batch = TRY(coming.get());
    if (batch.lines.empty()) break;
    coming = ahead();
    std::string_view rest = batch.text;
    for (const auto& line : batch.lines) {
      if (line.bytes == 0) {
        checker.long_line();
      } else {
        checker.line(rest.substr(0, line.bytes), line.hash);
        rest.remove_prefix(line.bytes);
      }
    }
  }
  const auto tail = TRY(reader.tail());
  checker.end_segment(tail.bytes, tail.torn, newest);
  return {};
}

}  // namespace cardgate::audit
