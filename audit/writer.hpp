// SPDX-License-Identifier: Apache-2.0
// The files of a log being written: chain, checkpoints, rotation, retention, and what to do when the disk
// refuses.
//
// One thread. A batch is add()ed and becomes durable as a whole in commit(); when that fails, nothing of it
// happened: the chain stands where it stood, and what reached the file is cut off before the next batch
// (prepare()).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checker.hpp"
#include "audit/layout.hpp"
#include "audit/log.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"

namespace cardgate::audit {

class Writer {
 public:
  /// See Log::open.
  static Result<std::unique_ptr<Writer>> open(const Options& options, SigningKey key, const Clock& clock);
  /// See rotate_key().
  static Result<void> rotate(const Options& options, SigningKey key, SigningKey next, const Clock& clock);

  /// Before each batch: brings files and chain together again after a failure. Errors: no_space, io.
  Result<void> prepare();
  /// Whether a line with this body still fits into the open segment, together with its checkpoints.
  bool fits(std::string_view body) const;
  /// Whether the open segment is to end although there is room in it: it is old.
  bool is_old(WallTime now) const;
  /// Adds a line to the batch; a checkpoint too when one is due. REQUIRES fits().
  void add(WallTime time, std::string_view body);
  /// Makes the batch durable. Errors: no_space, io; the batch is then gone.
  Result<void> commit();
  /// Ends the segment with a signed checkpoint and commits. Errors: as commit.
  Result<void> seal();
  /// Drops a batch that was not committed.
  void abandon() noexcept;
  /// After seal(): opens the next segment and deletes what retention no longer keeps. Errors: no_space, io.
  Result<void> next_segment();
  /// After commit(): head and reserve. `checkpoint` asks for one now. Errors: no_space, io.
  Result<void> settle(bool checkpoint);
  /// Last checkpoint; the unused space is given back. Errors: no_space, io.
  Result<void> close();

  /// When the newest checkpoint is to be told, if settle() is called then.
  std::optional<std::chrono::steady_clock::time_point> tell_due() const;

  std::uint64_t next_sequence() const { return durable_.sequence; }
  bool has_unsigned() const { return durable_.unsigned_lines > 0; }
  std::uint64_t records() const { return records_; }
  std::uint64_t syncs() const { return syncs_; }
  /// A warning for people, or empty.
  const std::string& warning() const { return warning_; }

 private:
  struct Position {
    std::uint64_t sequence = 1;  // of the next line
    std::string hash;            // of the last line
    std::size_t offset = 0;      // in the open segment
    std::size_t unsigned_lines = 0;
  };

  Writer(const Options& options, SigningKey key, const Clock& clock);
  Result<void> start();
  Result<void> begin_log();
  Result<void> resume(const SegmentFile& newest);
  Result<void> heal(const Checker& checker);
  Result<void> disown(const Checker& checker);
  Result<void> take_over(const Checker& checker, const Report& report);
  Result<void> note_move(const std::string& machine_before);
  Result<void> go_on_with(SigningKey next);
  Result<void> check_key_file();
  Result<void> open_head();
  Result<void> restore_space();
  Result<void> make_spare();
  void reserve();  // make_spare(), with a warning when there is no room
  Result<void> write_header(int fd, std::string& line);
  Result<void> write_head();
  void tell(bool now);
  Result<void> note_hold();
  Result<void> keep_hold(const std::string& now);
  Result<void> retire();
  Result<std::size_t> count_expired(const std::vector<SegmentFile>& segments) const;
  Result<std::optional<WallTime>> time_for_deletions(const std::vector<SegmentFile>& segments) const;
  void add_checkpoint(bool end);
  std::string_view text_of(WallTime time);
  std::filesystem::path path(std::string_view name) const { return options_.directory / name; }

  Options options_;
  SigningKey key_;
  const Clock& clock_;
  FileDescriptor lock_;
  FileDescriptor segment_;  // none between seal() and a next_segment() that succeeds
  FileDescriptor head_;
  std::string segment_name_;
  std::string log_id_;
  std::string made_name_;  // of a next segment that was renamed and then failed
  std::optional<WallTime> segment_begun_;
  std::optional<SigningKey> next_key_;  // of rotate(): the log may have it already
  Position durable_;
  Position pending_;
  std::string batch_;
  std::string pending_checkpoint_;  // newest in the batch
  std::string checkpoint_;          // newest durable one that the head does not hold yet
  bool dirty_ = false;              // the file may hold bytes behind durable_.offset
  std::string told_;                // the newest checkpoint that was told
  std::string newest_;              // the newest that the head holds
  std::chrono::steady_clock::time_point told_at_{};
  bool sealed_ = false;  // the open segment has its end checkpoint: next_segment() is due
  std::string warning_;
  std::optional<std::string> hold_noted_;  // what of the hold is on record
  std::string hold_warning_;               // why the file that keeps that could not be written
  std::uint64_t records_ = 0;
  std::uint64_t syncs_ = 0;
  WallTime text_time_{};
  std::string text_;
};

}  // namespace cardgate::audit
