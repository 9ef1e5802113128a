// SPDX-License-Identifier: Apache-2.0
#include "audit/check_segment.hpp"

#include <deque>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "audit/segment_reader.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t batch_bytes = 1UL << 20;
constexpr std::size_t batch_lines = 16'384;
constexpr std::size_t batches_ahead = 3;

struct Batch {
  std::string text;  // lines, one behind the other
  // Their bytes, with the newline; 0: one that is too long, and not in `text`.
  std::vector<std::size_t> lines;
};

/// The next lines; none at the end.
Result<Batch> next_batch(SegmentReader& reader, bool large) {
  Batch out;
  if (large) out.text.reserve(batch_bytes + max_line_bytes);
  while (out.text.size() < batch_bytes && out.lines.size() < batch_lines) {
    const auto found = TRY(reader.next());
    if (found.line.empty() && !found.too_long) break;
    if (!found.too_long) out.text += found.line;
    out.lines.push_back(found.too_long ? 0 : found.line.size());
  }
  return out;
}

std::vector<Digest> hashes_of(const Batch& batch) {
  std::vector<Digest> out;
  out.reserve(batch.lines.size());
  std::string_view rest = batch.text;
  for (const auto bytes : batch.lines) {
    out.push_back(bytes == 0 ? Digest() : blake2b(as_bytes(rest.substr(0, bytes))));
    rest.remove_prefix(bytes);
  }
  return out;
}

void judge(Checker& checker, const Batch& batch, const std::vector<Digest>& hashes) {
  std::string_view rest = batch.text;
  for (std::size_t i = 0; i < batch.lines.size(); ++i) {
    if (batch.lines[i] == 0) {
      checker.long_line();
    } else {
      checker.line(rest.substr(0, batch.lines[i]), hashes[i]);
    }
    rest.remove_prefix(batch.lines[i]);
  }
}

}  // namespace

Result<void> check_segment(Checker& checker, const SegmentFile& segment, bool newest) {
  auto reader = TRY(SegmentReader::open(segment.path));
  checker.begin_segment(segment.path.filename().string());
  // Hashing is more than half of the work, so it is done ahead on other processors where a thread is worth its making.
  std::error_code unknown;
  const bool large = std::filesystem::file_size(segment.path, unknown) > batch_bytes;
  const auto how = large ? std::launch::async | std::launch::deferred : std::launch::deferred;
  struct Ahead {
    std::unique_ptr<Batch> batch;
    std::future<std::vector<Digest>> hashes;
  };
  std::deque<Ahead> ahead;
  for (bool more = true; more || !ahead.empty();) {
    if (more && ahead.size() < batches_ahead) {
      auto batch = std::make_unique<Batch>(TRY(next_batch(reader, large)));
      more = !batch->lines.empty();
      if (!more) continue;
      auto hashes = std::async(how, hashes_of, std::cref(*batch));
      ahead.push_back({std::move(batch), std::move(hashes)});
      continue;
    }
    judge(checker, *ahead.front().batch, ahead.front().hashes.get());
    ahead.pop_front();
  }
  const auto tail = TRY(reader.tail());
  checker.end_segment(tail.bytes, tail.torn, newest);
  return {};
}

}  // namespace cardgate::audit
