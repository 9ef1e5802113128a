// SPDX-License-Identifier: Apache-2.0
// The file that keeps the audit log's checkpoints, best on another machine. It is written on a thread of its own: a file system that
// hangs must not stop the log. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::daemon {

class CheckpointFile {
 public:
  explicit CheckpointFile(std::filesystem::path file, milliseconds try_again_after = std::chrono::minutes(1));
  /// Tries what was not written yet once more, and waits a moment for it.
  ~CheckpointFile();
  CheckpointFile(const CheckpointFile&) = delete;
  CheckpointFile& operator=(const CheckpointFile&) = delete;

  /// Never waits. What cannot be written is tried again with the next one, and each minute; the journal says so. Of more than a few hundred that
  /// wait, the oldest are dropped: each one vouches for all before it.
  void add(const std::string& checkpoint);

 private:
  struct Work;
  std::shared_ptr<Work> work_;
};

/// Appends whole lines and waits for the disk. Errors: not_found, permission_denied, no_space, io.
Result<void> append_lines(const std::filesystem::path& file, const std::string& lines);

}  // namespace cardgate::daemon
