// SPDX-License-Identifier: Apache-2.0
// How a writer finds its place: a new directory, an orderly end, or what a crash left behind.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "audit/disk.hpp"
#include "audit/line.hpp"
#include "audit/record.hpp"
#include "audit/writer.hpp"

namespace cardgate::audit {
namespace {

Result<void> check_options(const Options& options) {
  const auto bad = [](std::string_view what) {
    return Error{Errc::invalid_argument, fmt::format("audit: {}", what)};
  };
  if (options.directory.empty()) return bad("no directory");
  if (options.segment_bytes < min_segment_bytes || options.segment_bytes > max_segment_bytes) {
    return bad(fmt::format("segment_bytes must be from {} to {}", min_segment_bytes, max_segment_bytes));
  }
  if (options.checkpoint_every == 0 || options.queue_limit == 0) return bad("a limit is zero");
  if (options.checkpoint_after <= milliseconds::zero()) return bad("checkpoint_after is not positive");
  return {};
}

Error corrupt(const std::filesystem::path& directory, std::string_view what) {
  return {Errc::corrupt, fmt::format("{}: {}; keep this directory as evidence and give the log a new one",
                                     directory.string(), what)};
}

bool is_there(const std::filesystem::path& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(const Options& options, SigningKey key, const Clock& clock) {
  TRY(check_options(options));
  if (::mkdir(options.directory.c_str(), 0750) != 0 && errno != EEXIST) {
    return errno_error(options.directory.string(), errno);
  }
  std::unique_ptr<Writer> writer(new Writer(options, std::move(key), clock));
  writer->lock_ = TRY(lock_file(options.directory / lock_name));
  TRY(writer->start());
  return writer;
}

Result<void> Writer::start() {
  // The reserve of the run before is the first to be used; it may also hold a header that was never renamed.
  ::unlink(path(spare_name).c_str());
  auto segments = TRY(list_segments(options_.directory));
  const bool has_head = is_there(path(head_name));
  if (segments.size() == 1 && segments.front().first == 1 && !has_head) {
    // The head is made last. Without it, no start was ever completed, and nothing was ever acknowledged.
    const std::string content = TRY(read_file(segments.front().path, max_segment_bytes));
    if (std::count(content.begin(), content.end(), '\n') <= 2) {
      if (::unlink(segments.front().path.c_str()) != 0)
        return errno_error(segments.front().path.string(), errno);
      segments.clear();
    }
  }
  if (segments.empty()) {
    if (has_head) return corrupt(options_.directory, "the head is here, but no segment");
    TRY(begin_log());
  } else {
    TRY(resume(segments.back()));
  }
  return settle(true);
}

Result<void> Writer::begin_log() {
  TRY(check_key_file());
  TRY(next_segment());
  add_checkpoint(false);
  TRY(commit());
  TRY(write_file_atomic(path(head_name), as_bytes(head_text(checkpoint_)), file_mode));
  return open_head();
}

Result<void> Writer::open_head() {
  head_ = FileDescriptor(::open(path(head_name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!head_) return errno_error(path(head_name).string(), errno);
  return {};
}

Result<void> Writer::check_key_file() {
  const auto file = path(key_file_name);
  const std::string text = key_file_text(key_.public_key());
  const auto present = read_file(file, 256);
  if (!present && present.error().code == Errc::not_found)
    return write_file_atomic(file, as_bytes(text), 0644);
  if (!present && present.error().code != Errc::too_large) return present.error();
  if (!present || *present != text)
    return corrupt(options_.directory, "key.pub does not hold the key of this log");
  return {};
}

Result<void> Writer::resume(const SegmentFile& newest) {
  const std::string content = TRY(read_file(newest.path, max_segment_bytes));
  Checker::Start start;
  start.whole_log = false;
  if (is_there(path(head_name))) start.head = TRY(read_file(path(head_name), head_bytes));
  Checker checker(std::move(start));
  checker.segment(newest.path.filename().string(), content, true);
  const Report report = checker.finish();
  if (!report.ok) return corrupt(options_.directory, report.problems.front());
  if (report.key != key_.public_key()) {
    return Error{Errc::invalid_argument,
                 fmt::format("{}: this log was begun with another key", options_.directory.string())};
  }
  TRY(check_key_file());
  TRY(open_head());
  segment_name_ = newest.path.filename().string();
  segment_ = FileDescriptor(::open(newest.path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!segment_) return errno_error(newest.path.string(), errno);
  durable_ = {checker.next_sequence(), checker.last_hash(), checker.good_bytes(), report.unsigned_tail};
  pending_ = durable_;
  // The crash may have come between a checkpoint and its copy in the head.
  if (!checker.last_checkpoint().empty()) checkpoint_ = checker.last_checkpoint();
  sealed_ = checker.ended();
  if (sealed_) return next_segment();
  if (checker.torn_bytes() > 0) return heal(checker, content);
  TRY(restore_space());
  reserve();
  return {};
}

Result<void> Writer::heal(const Checker& checker, std::string_view content) {
  // Nothing that was acknowledged can be here, but a hand that altered the unsigned tail could be: so it is
  // kept.
  const std::string_view torn = content.substr(checker.good_bytes(), checker.torn_bytes());
  const std::string name = fmt::format("torn-{:020}-{}", durable_.sequence, random_id());
  TRY(write_file_atomic(path(name), as_bytes(torn), file_mode));
  TRY(restore_space());
  reserve();
  Record record;
  record.event = name_of(Event::healed);
  record.details = {{"bytes", torn.size()}, {"hash", to_hex(blake2b(as_bytes(torn)))}, {"file", name}};
  const std::string body = encode_unchecked(record);
  if (!fits(body)) {
    TRY(seal());
    TRY(next_segment());
  }
  add(clock_.wall(), body);
  return commit();
}

}  // namespace cardgate::audit
