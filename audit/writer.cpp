// SPDX-License-Identifier: Apache-2.0
#include "audit/writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "audit/disk.hpp"
#include "audit/line.hpp"
#include "audit/record.hpp"

namespace cardgate::audit {
namespace {

// {"seq":,"time":"","prev":"",}\n with the longest number, a time and a hash.
constexpr std::size_t line_overhead = 160;
constexpr std::size_t most_expired_at_once = 4;
constexpr std::chrono::hours clock_believed_after{24};  // by deletions

/// True when the file's last line is an end checkpoint by the key that its header names, so that the segment may be deleted.
bool is_sealed(const std::filesystem::path& path) {
  const auto first = read_first_line(path, max_checkpoint_bytes);
  const auto header = first ? parse_line(*first) : Result<Line>(first.error());
  const auto* key_text = header ? find_string(header->details(), "key") : nullptr;
  const auto key_bytes = key_text == nullptr ? Result<Bytes>(Errc::malformed) : from_base64url(*key_text);
  PublicKey key{};
  if (!key_bytes || key_bytes->size() != key.size()) return false;
  std::ranges::copy(*key_bytes, key.begin());
  const auto tail = read_tail(path, max_checkpoint_bytes + 1);
  if (!tail || !tail->ends_with('\n')) return false;
  std::string_view line(*tail);
  line.remove_suffix(1);
  line.remove_prefix(line.rfind('\n') + 1);
  const auto parsed = parse_line(line);
  if (!parsed || !verify_checkpoint(line, key)) return false;
  const json::value* end = parsed->details().if_contains("end");
  return end != nullptr && end->is_bool() && end->get_bool();
}

}  // namespace

Writer::Writer(const Options& options, SigningKey key, const Clock& clock)
    : options_(options), key_(std::move(key)), clock_(clock) {
  durable_.hash = no_hash();
  pending_ = durable_;
}

std::string_view Writer::text_of(WallTime time) {
  if (text_.empty() || time != text_time_) {
    text_ = to_rfc3339(time);
    text_time_ = time;
  }
  return text_;
}

bool Writer::fits(std::string_view body) const {
  // A checkpoint of its own and the segment's end must find room behind it.
  return pending_.offset + line_overhead + body.size() + 2 * max_checkpoint_bytes <= options_.segment_bytes;
}

/// One that was begun while the clock stood ahead ends, too: its age would say nothing for as long.
bool Writer::is_old(WallTime now) const {
  return options_.segment_after > milliseconds::zero() && segment_begun_ &&
         (now - *segment_begun_ >= options_.segment_after || *segment_begun_ - now > clock_believed_after);
}

void Writer::add(WallTime time, std::string_view body) {
  const std::size_t start = batch_.size();
  append_line(batch_, pending_.sequence, text_of(time), pending_.hash, body);
  const std::string_view line = std::string_view(batch_).substr(start);
  pending_.hash = chain_hash(line);
  pending_.offset += line.size();
  ++pending_.sequence;
  if (++pending_.unsigned_lines >= options_.checkpoint_every) add_checkpoint(false);
}

void Writer::add_checkpoint(bool end) {
  std::string line = checkpoint_line(pending_.sequence, text_of(clock_.wall()), pending_.hash, segment_name_,
                                     end, log_id_, key_);
  batch_ += line;
  pending_.hash = chain_hash(line);
  pending_.offset += line.size();
  ++pending_.sequence;
  pending_.unsigned_lines = 0;
  line.pop_back();
  pending_checkpoint_ = std::move(line);
}

void Writer::abandon() noexcept {
  batch_.clear();
  pending_checkpoint_.clear();
  pending_.sequence = durable_.sequence;
  pending_.offset = durable_.offset;
  pending_.unsigned_lines = durable_.unsigned_lines;
  // Both are hashes of the same length, so that this cannot need memory.
  pending_.hash.assign(durable_.hash);
}

Result<void> Writer::commit() {
  if (batch_.empty()) return {};
  dirty_ = true;
  auto written = write_and_sync(segment_.get(), batch_, durable_.offset);
  if (!written) {
    abandon();
    return std::move(written).error().with(path(segment_name_).string());
  }
  dirty_ = false;
  ++syncs_;
  records_ += pending_.sequence - durable_.sequence;
  durable_ = pending_;
  batch_.clear();
  if (!pending_checkpoint_.empty()) checkpoint_ = std::exchange(pending_checkpoint_, {});
  return {};
}

Result<void> Writer::seal() {
  add_checkpoint(true);
  TRY(commit());
  sealed_ = true;
  return {};
}

Result<void> Writer::restore_space() {
  // What a failed write left behind the last good line would otherwise stand behind the next, shorter one.
  const auto failed = [&](int error_number) {
    return errno_error(path(segment_name_).string(), error_number);
  };
  if (resize_file(segment_.get(), durable_.offset) != 0) return failed(errno);
  TRY(preallocate(segment_.get(), options_.segment_bytes));
  if (sync_all(segment_.get()) != 0) return failed(errno);
  dirty_ = false;
  return {};
}

Result<void> Writer::prepare() {
  if (sealed_) return next_segment();
  if (dirty_) TRY(restore_space());
  if (!checkpoint_.empty()) TRY(write_head());
  return {};
}

Result<void> Writer::write_head() {
  auto written = write_and_sync(head_.get(), head_text(checkpoint_), 0);
  if (!written) return std::move(written).error().with(path(head_name).string());
  newest_ = std::exchange(checkpoint_, {});
  tell(sealed_);
  return {};
}

/// The newest checkpoint, to whoever takes it off this machine.
void Writer::tell(bool now) {
  const auto due = tell_due();
  if (!due || (!now && std::chrono::steady_clock::now() < *due)) return;
  told_ = newest_;
  told_at_ = std::chrono::steady_clock::now();
  options_.tell_checkpoint(told_);
}

std::optional<std::chrono::steady_clock::time_point> Writer::tell_due() const {
  if (!options_.tell_checkpoint || newest_.empty() || newest_ == told_) return std::nullopt;
  return told_.empty() ? std::chrono::steady_clock::time_point{} : told_at_ + options_.tell_every;
}

Result<void> Writer::make_spare() {
  const auto name = path(spare_name);
  ::unlink(name.c_str());
  const FileDescriptor fd(
      ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file_mode));
  if (!fd) return errno_error(name.string(), errno);
  auto done = preallocate(fd.get(), std::max(options_.segment_bytes, options_.reserve_bytes));
  if (done && sync_all(fd.get()) != 0) done = errno_error("fsync", errno);
  if (done) return {};
  ::unlink(name.c_str());
  return std::move(done).error().with(name.string());
}

void Writer::reserve() {
  const auto reserved = make_spare();
  warning_ = reserved ? std::string() : "the next segment cannot be reserved: " + reserved.error().context;
}

Result<void> Writer::write_header(int fd, std::string& line) {
  const auto now = text_of(clock_.wall());
  // Of the key and the time of its beginning: no two logs have both.
  if (log_id_.empty()) log_id_ = to_base64url(BytesView(blake2b(key_.public_key(), as_bytes(now))).first(16));
  Record record;
  record.event = name_of(Event::segment);
  record.details = {{"format", format_version}, {"key", to_base64url(key_.public_key())}, {"log", log_id_}};
  if (!options_.machine.empty()) record.details["machine"] = options_.machine;
  append_line(line, durable_.sequence, now, durable_.hash, encode_unchecked(record));
  return write_and_sync(fd, line, 0);
}

Result<void> Writer::next_segment() {
  if (segment_) {
    if (resize_file(segment_.get(), durable_.offset) != 0 || sync_all(segment_.get()) != 0) {
      return errno_error(path(segment_name_).string(), errno);
    }
    if (!checkpoint_.empty()) TRY(write_head());
    segment_.reset();
  }
  const auto spare = path(spare_name);
  FileDescriptor next(::open(spare.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!next) {
    TRY(make_spare());
    next = FileDescriptor(::open(spare.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!next) return errno_error(spare.string(), errno);
  }
  std::string header;
  std::string name = segment_name(durable_.sequence);
  auto written = write_header(next.get(), header);
  if (!written) return std::move(written).error().with(spare.string());
  if (made_name_ == name) {
    if (std::rename(spare.c_str(), path(name).c_str()) != 0) return errno_error(path(name).string(), errno);
  } else {
    auto renamed = rename_to_new(spare, path(name));
    if (!renamed && renamed.error().code == Errc::already_exists)
      return Error{Errc::unavailable, renamed.error().context +
                                          ", and not by this service: does another one write this log, too?"};
    TRY(std::move(renamed));
  }
  made_name_ = name;
  TRY(sync_directory(options_.directory));
  std::string hash = chain_hash(header);
  // From here nothing can throw until the new place is whole.
  sealed_ = false;
  made_name_.clear();
  segment_begun_ = clock_.wall();
  segment_ = std::move(next);
  segment_name_ = std::move(name);
  durable_.hash = std::move(hash);
  durable_.offset = header.size();
  ++durable_.sequence;
  durable_.unsigned_lines = 1;
  ++records_;
  pending_ = durable_;
  // Everything that follows is for later; the log goes on without it, and says so.
  reserve();
  auto retired = retire();
  if (retired) return {};
  if (dirty_) return retired;
  // The log itself is whole: old files that stay are no reason to refuse records.
  warning_ = "old segments are not deleted: " + retired.error().context;
  return {};
}

/// A legal hold that somebody set, changed or released since the last look is put on record.
Result<void> Writer::note_hold() {
  const auto read = read_hold(options_.directory);
  const std::string now = read ? *read : "it cannot be read: " + read.error().context;
  if (!hold_noted_) {
    auto recorded = read_file(path(hold_recorded_name), 1UL << 16);
    hold_noted_ = recorded ? std::move(*recorded) : std::string();
  }
  if (const std::string& before = *hold_noted_; now != before) {
    Record record;
    record.event = name_of(Event::audit_hold);
    record.reason = now.empty() ? before : now;
    while (record.reason.ends_with('\n')) record.reason.pop_back();
    record.details = {{"act", now.empty() ? "released" : before.empty() ? "set" : "changed"}};
    const std::string body = encode_unchecked(record);
    if (!fits(body)) return {};  // the next look is soon
    add(clock_.wall(), body);
    TRY(commit());
    hold_noted_ = now;
  } else if (hold_warning_.empty()) {
    return {};
  }
  // It is on record. That the next start could note it once more is no reason to refuse records.
  const auto kept = keep_hold(now);
  if (warning_ == hold_warning_) warning_.clear();
  hold_warning_ =
      kept ? std::string() : "what is on record of the legal hold cannot be kept: " + kept.error().context;
  if (!kept) warning_ = hold_warning_;
  return {};
}

Result<void> Writer::keep_hold(const std::string& now) {
  if (!now.empty()) return write_file_atomic(path(hold_recorded_name), as_bytes(now), file_mode);
  if (::unlink(path(hold_recorded_name).c_str()) != 0 && errno != ENOENT)
    return errno_error(path(hold_recorded_name).string(), errno);
  return {};
}

/// How many of the oldest may go. The open one is never among them.
Result<std::size_t> Writer::count_expired(const std::vector<SegmentFile>& segments) const {
  const std::size_t kept = std::max<std::size_t>(options_.keep_segments, 1);
  if (segments.size() <= kept) return std::size_t{0};
  const std::size_t most = segments.size() - kept;
  if (!options_.keeping.limited()) return most;
  const auto now = TRY(time_for_deletions(segments));
  if (!now) return std::size_t{0};
  // A few at a time: each is read whole on the writer's thread, and a clock that was set wrong must not cost the whole log at once.
  std::size_t count = 0;
  while (count < std::min(most, most_expired_at_once) &&
         TRY(all_expired(segments[count].path, options_.keeping, *now)))
    ++count;
  return count;
}

/// When a segment was begun, a day ago or longer: of a clock that was set forward by mistake somebody has a day to hear before
/// anything is deleted by it, across restarts, too.
Result<std::optional<WallTime>> Writer::time_for_deletions(const std::vector<SegmentFile>& segments) const {
  for (std::size_t i = segments.size(); i-- > 0;) {
    const Line header = TRY(parse_line(TRY(read_first_line(segments[i].path, max_checkpoint_bytes))));
    const auto begun = parse_rfc3339(header.time);
    if (begun && *begun + clock_believed_after <= clock_.wall()) return std::optional(WallTime(*begun));
  }
  return std::optional<WallTime>();
}

Result<void> Writer::retire() {
  if ((options_.keep_segments == 0 && !options_.keeping.limited()) || !head_) return {};
  const auto segments = TRY(list_segments(options_.directory));
  const std::size_t count = TRY(count_expired(segments));
  if (count == 0) return {};
  // Before anything goes it is on record that nothing holds it any more.
  TRY(note_hold());
  if (!TRY(read_hold(options_.directory)).empty()) return {};
  for (std::size_t i = 0; i < count; ++i) {
    if (is_sealed(segments[i].path)) continue;
    warning_ =
        fmt::format("{} is not deleted: it does not end in a signed checkpoint", segments[i].path.string());
    return {};
  }
  const std::string first_line = TRY(read_first_line(segments[count].path, max_checkpoint_bytes));
  const Line header = TRY(parse_line(first_line));
  Record record;
  record.event = name_of(Event::retention);
  record.details = {{"first_kept", segments[count].first}, {"kept_prev", header.prev}, {"segments", count}};
  add(clock_.wall(), encode_unchecked(record));
  if (pending_.unsigned_lines > 0) add_checkpoint(false);
  TRY(commit());
  TRY(write_head());
  // Oldest first, so that a crash between two leaves no gap.
  for (std::size_t i = 0; i < count; ++i) {
    // A hold that was set meanwhile keeps what is still there. That the record says more went is no harm.
    if (!TRY(read_hold(options_.directory)).empty()) return {};
    if (::unlink(segments[i].path.c_str()) != 0) return errno_error(segments[i].path.string(), errno);
    // The disk may keep the order of two deletions only if it is told to.
    TRY(sync_directory(options_.directory));
  }
  return {};
}

Result<void> Writer::settle(bool checkpoint) {
  if (checkpoint && durable_.unsigned_lines > 0) {
    TRY(note_hold());
    add_checkpoint(false);
    TRY(commit());
  }
  if (checkpoint_.empty()) {
    tell(false);
    return {};
  }
  TRY(write_head());
  if (!warning_.empty() && ::access(path(spare_name).c_str(), F_OK) != 0) reserve();
  return {};
}

Result<void> Writer::close() {
  TRY(prepare());
  TRY(settle(true));
  tell(true);
  if (resize_file(segment_.get(), durable_.offset) != 0 || sync_all(segment_.get()) != 0) {
    return errno_error(path(segment_name_).string(), errno);
  }
  segment_.reset();
  return {};
}

}  // namespace cardgate::audit
