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

#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

struct Options {
  std::filesystem::path directory;         // made (mode 0750) if only its last part is missing
  std::size_t segment_bytes = 64UL << 20;  // 32 KiB to 1 GiB; preallocated on disk
  std::size_t keep_segments = 0;           // the newest N segments, the open one included; 0 = all
  std::size_t reserve_bytes = 0;        // preallocated beside the open segment; at least one segment's worth
  std::size_t checkpoint_every = 1024;  // records between two signed checkpoints
  milliseconds checkpoint_after{5000};  // an unsigned record waits at most this long for its checkpoint
  std::size_t queue_limit = 65536;      // records waiting for the writer
  milliseconds retry_after{1000};       // after a failed write, the disk is tried again at most this often
};

class Log {
 public:
  using Done = std::function<void(const Result<void>&)>;

  struct Health {
    bool ok = false;                  // false: the last write failed, nothing becomes durable now
    std::string problem;              // why; with ok, a warning (the next segment cannot be reserved)
    std::uint64_t next_sequence = 0;  // of the next line
    std::uint64_t records = 0;        // made durable since open, the log's own lines included
    std::uint64_t syncs = 0;          // group commits since open
  };

  /// Locks the directory, checks the newest segment against the signed head, heals a torn tail (and records
  /// that), and goes on with the chain. `clock` must outlive the log. Errors: unavailable (another process
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
  /// io.
  void append(Record record, Done done);

  /// append() and wait. Errors: as given to Done.
  Result<void> append_and_wait(Record record);

  /// After a failure the disk is tried again by the next append() and, in the background, by asking for the
  /// health: a caller that gives no records to a failed log still learns when it works again. Nothing is
  /// tried more often than retry_after, and nothing while nobody asks.
  Health health() const;

 private:
  class Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cardgate::audit
