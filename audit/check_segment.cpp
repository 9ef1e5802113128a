// SPDX-License-Identifier: Apache-2.0
#include "audit/check_segment.hpp"

#include "audit/segment_reader.hpp"

namespace cardgate::audit {

Result<void> check_segment(Checker& checker, const SegmentFile& segment, bool newest) {
  auto reader = TRY(SegmentReader::open(segment.path));
  checker.begin_segment(segment.path.filename().string());
  for (;;) {
    const auto found = TRY(reader.next());
    if (found.too_long) {
      checker.long_line();
    } else if (found.line.empty()) {
      break;
    } else {
      checker.line(found.line);
    }
  }
  const auto tail = TRY(reader.tail());
  checker.end_segment(tail.bytes, tail.torn, newest);
  return {};
}

}  // namespace cardgate::audit
