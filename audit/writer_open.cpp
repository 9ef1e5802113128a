// SPDX-License-Identifier: Apache-2.0
// How a writer finds its place: a new directory, an orderly end, or what a crash left behind.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "audit/check_segment.hpp"
#include "audit/disk.hpp"
#include "audit/line.hpp"
#include "audit/record.hpp"
#include "audit/segment_reader.hpp"
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
    auto reader = TRY(SegmentReader::open(segments.front().path));
    int lines = 0;
    while (lines < 3 && !TRY(reader.next()).line.empty()) ++lines;
    if (lines <= 2) {
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
    TRY(note_hold());
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
  Checker::Start start;
  start.whole_log = false;
  if (next_key_) start.former_key = key_.public_key();
  if (is_there(path(head_name))) start.head = TRY(read_file(path(head_name), head_bytes));
  Checker checker(std::move(start));
  TRY(check_segment(checker, newest, true));
  const Report report = checker.finish();
  if (!report.ok) return corrupt(options_.directory, report.problems.front());
  TRY(take_over(checker, report));
  segment_ = FileDescriptor(::open(newest.path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!segment_) return errno_error(newest.path.string(), errno);
  if (sealed_) {
    TRY(next_segment());
  } else if (checker.torn_bytes() > 0) {
    TRY(heal(checker));
  } else {
    TRY(restore_space());
    reserve();
    TRY(disown(checker));
  }
  return note_move(checker.machine());
}

/// The place, the key and the names of the log as it was left.
Result<void> Writer::take_over(const Checker& checker, const Report& report) {
  if (next_key_ && report.key == next_key_->public_key()) {
    key_ = std::move(*next_key_);
    next_key_.reset();
    TRY(write_file_atomic(path(key_file_name), as_bytes(key_file_text(key_.public_key())), 0644));
  }
  if (report.key != key_.public_key()) {
    return Error{
        Errc::invalid_argument,
        fmt::format("{}: this log goes on with another key ({}) than this one ({}); if the key was being "
                    "changed, do that again: cardgated --rotate-audit-key",
                    options_.directory.string(), key_id(report.key), key_id(key_.public_key()))};
  }
  TRY(check_key_file());
  TRY(open_head());
  segment_name_ = segment_name(checker.segment_first());
  log_id_ = checker.log_id();
  if (const auto begun = parse_rfc3339(checker.segment_begun())) segment_begun_ = *begun;
  durable_ = {checker.next_sequence(), checker.last_hash(), checker.good_bytes(), report.unsigned_tail};
  pending_ = durable_;
  // The crash may have come between a checkpoint and its copy in the head.
  if (!checker.last_checkpoint().empty()) checkpoint_ = checker.last_checkpoint();
  sealed_ = checker.ended();
  return {};
}

/// The next segment says where it was written, and a record says that somebody should look.
Result<void> Writer::note_move(const std::string& machine_before) {
  if (options_.machine.empty() || machine_before.empty() || machine_before == options_.machine) return {};
  TRY(seal());
  TRY(next_segment());
  Record record;
  record.event = name_of(Event::incident);
  record.reason =
      "the audit log was written on another machine until now: if the service was not moved or restored "
      "here, the log was copied";
  record.details = {{"machine", options_.machine}, {"machine_before", machine_before}};
  add(clock_.wall(), encode_unchecked(record));
  return commit();
}

Result<void> Writer::heal(const Checker& checker) {
  // Nothing that was acknowledged can be here, but a hand that altered the unsigned tail could be: so it is
  // kept.
  const std::string torn = TRY(read_range(path(segment_name_), checker.good_bytes(), checker.torn_bytes()));
  const std::string name = fmt::format("torn-{:020}-{}", durable_.sequence, random_id());
  TRY(write_file_atomic(path(name), as_bytes(torn), file_mode));
  TRY(restore_space());
  reserve();
  TRY(disown(checker));
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

/// A record that would say what may be missing, or which key comes next, is signed together with its checkpoint or not at all. One that
/// waits here for a signature was cut off by a crash, or written by somebody without the key: with a line behind it, it says nothing.
Result<void> Writer::disown(const Checker& checker) {
  if (!checker.ends_in_claim()) return {};
  Record record;
  record.event = name_of(Event::incident);
  record.reason =
      "the audit log ended in an unsigned record that would say what was deleted or which key is next: it "
      "does not "
      "count. After a crash this is no fault; else somebody wrote into the log's folder";
  record.details = {{"sequence", durable_.sequence - 1}};
  // Without asking whether it fits: it takes the room that was kept for a checkpoint, and the next one takes what is behind that.
  add(clock_.wall(), encode_unchecked(record));
  return commit();
}

Result<void> Writer::rotate(const Options& options, SigningKey key, SigningKey next, const Clock& clock) {
  TRY(check_options(options));
  std::unique_ptr<Writer> writer(new Writer(options, std::move(key), clock));
  writer->next_key_ = std::move(next);
  writer->lock_ = TRY(lock_file(options.directory / lock_name));
  if (TRY(list_segments(options.directory)).empty())
    return Error{Errc::not_found, fmt::format("{}: no audit log here", options.directory.string())};
  TRY(writer->start());
  if (writer->next_key_) TRY(writer->go_on_with(std::move(*writer->next_key_)));
  return writer->close();
}

Result<void> Writer::go_on_with(SigningKey next) {
  Record record;
  record.event = name_of(Event::audit_key);
  record.details = {{"key", to_base64url(next.public_key())}, {"key_before", key_id(key_.public_key())}};
  const std::string body = encode_unchecked(record);
  if (!fits(body)) {
    TRY(seal());
    TRY(next_segment());
  }
  add(clock_.wall(), body);
  TRY(seal());
  key_ = std::move(next);
  TRY(next_segment());
  TRY(write_file_atomic(path(key_file_name), as_bytes(key_file_text(key_.public_key())), 0644));
  return settle(true);
}

}  // namespace cardgate::audit
