// SPDX-License-Identifier: Apache-2.0
// The audit log: hash-chained, signed, durable records by group commit.
//
//   append() from any thread -> queue -> ONE writer thread: format, chain, one pwrite, one fdatasync -> every
//   Done
//
// Threads: every method may be called from any thread. A Done runs on the writer thread: it must be short,
// must not throw and must not call append_and_wait(). File format: docs/audit-format.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "audit/late_records.hpp"
#include "audit/record.hpp"
#include "audit/retention.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// A record that was done and that the log did not take.
struct Unwritten {
  std::string record;  // as JSON
  Keep keep = Keep::no;
  Kept kept = Kept::nowhere;
  Error error;
};

struct Options {
  std::filesystem::path directory;         // made (mode 0750) if only its last part is missing
  std::size_t segment_bytes = 64UL << 20;  // 32 KiB to 1 GiB; preallocated on disk
  std::size_t keep_segments = 0;           // the newest N segments, the open one included; 0 = all
  Keeping keeping = {};           // how long records are kept; with keep_segments, both must allow a deletion
  milliseconds segment_after{0};  // a segment ends when it is so old; 0 = when it is full
  std::string machine = {};       // which machine this is, for the headers; empty: not said
  std::size_t reserve_bytes = 0;  // preallocated beside the open segment; at least one segment's worth
  std::size_t checkpoint_every = 1024;  // records between two signed checkpoints
  milliseconds checkpoint_after{5000};  // an unsigned record waits at most this long for its checkpoint
  std::size_t queue_limit = 65536;      // records waiting for the writer
  milliseconds retry_after{1000};       // after a failed write, the disk is tried again at most this often
  std::filesystem::path late_file =
      {};  // the reserve of records that wait (late_records.hpp); empty: in memory alone
  std::size_t late_bytes = 1UL << 20;  // its size
  // Both are called on the writer thread, and `unwritten` also on a giver's. They must not throw.
  std::function<void(const Unwritten&)> unwritten =
      {};  // for each record that Keep does not leave to its giver
  std::function<void(std::size_t count)> late_written = {};  // so many late records are in the log now
  // Of checkpoints that are to leave the machine: at a segment's end, at most every `tell_every`, at the start and the stop.
  // On the writer thread; it must be short and must not throw. Without newline.
  std::function<void(const std::string& checkpoint)> tell_checkpoint = {};
  milliseconds tell_every{900'000};
};

/// When the writer begins with a record. `when_told`: with begin(), or with the next record that is not so: whoever gives many in a
/// row makes one group commit of them.
enum class Begin : std::uint8_t { at_once, when_told };

/// Ends the log's segment with a record by which the key before vouches for `next`, and goes on with `next`; key.pub holds that
/// then. Where a crash came between, doing it again finishes it. Nobody else may have the log open. Errors: as Log::open.
Result<void> rotate_key(const Options& options, SigningKey key, SigningKey next, const Clock& clock);

class Log {
 public:
  using Done = std::function<void(const Result<void>&)>;

  struct Health {
    bool ok = false;                  // false: the last write failed, nothing becomes durable now
    std::string problem;              // why; with ok, a warning (the next segment cannot be reserved)
    std::uint64_t next_sequence = 0;  // of the next line
    std::uint64_t records = 0;        // made durable since open, the log's own lines included
    std::uint64_t syncs = 0;          // group commits since open
    std::size_t waiting = 0;          // what was given to the log and its writer has not taken up yet
    std::size_t late = 0;             // records that wait until the log can be written
    std::size_t late_unsafe = 0;      // of these: in memory alone, so that a crash loses them
    std::string late_problem;         // what is wrong with their reserve, or empty
  };

  /// Locks the directory, checks the newest segment against the signed head, heals a torn tail (and records
  /// that), and goes on with the chain. Late records that an earlier run left come first. `clock` must outlive the log. Errors: unavailable (another process
  /// has it open), corrupt (altered or truncated: keep the directory as evidence and give a new one),
  /// invalid_argument (options, or the log was begun with another key), no_space, io, permission_denied.
  static Result<std::unique_ptr<Log>> open(const Options& options, SigningKey key, const Clock& clock);

  /// Writes what is queued, a last checkpoint, and gives back the unused space. A Done still waiting is
  /// called.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Never waits for the disk. `done` (may be empty) is called exactly once: on the writer thread when the
  /// record is durable or has failed; or, for a record refused at once (unknown event: invalid_argument;
  /// queue full: unavailable), on this thread before append returns. Errors given to `done` else: no_space,
  /// io. A record that is to be kept (`keep`) and fails is kept by then, and is written before anything else as soon as the
  /// disk takes it; while such records wait, the disk is tried again every retry_after.
  void append(Record record, Done done, Keep keep = Keep::no, Begin begin = Begin::at_once);
  /// Whoever gives a record `when_told` calls this soon.
  void begin();

  /// `done` is called when every record that was appended before is durable, or has failed and is kept. Its result is the
  /// disk's state, not that of those records.
  void when_settled(Done done);

  /// append() and wait. Errors: as given to Done.
  Result<void> append_and_wait(Record record);

  /// After a failure the disk is tried again by the next append() and, in the background, by asking for the
  /// health: a caller that gives no records to a failed log still learns when it works again. Nothing is
  /// tried more often than retry_after, and nothing while nobody asks and no late record waits.
  Health health() const;

 private:
  class Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cardgate::audit
