// SPDX-License-Identifier: Apache-2.0
// Takes the audit log's checkpoints to where they are kept: the journal, a file, a hook, best on another machine. Each has a thread of
// its own: a place that hangs must stop neither the log nor the other places. Thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::daemon {

class CheckpointCourier {
 public:
  /// Takes whole lines, the oldest first, all or none of them. Called on the courier's thread, and may take its time.
  using Deliver = std::function<Result<void>(const std::string& lines)>;

  /// `what` ends the journal's sentence "A checkpoint of the audit log cannot be ...".
  CheckpointCourier(std::string_view what, Deliver deliver,
                    milliseconds try_again_after = std::chrono::minutes(1));
  /// Tries what was not delivered yet once more, and waits a moment for it.
  ~CheckpointCourier();
  CheckpointCourier(const CheckpointCourier&) = delete;
  CheckpointCourier& operator=(const CheckpointCourier&) = delete;

  /// Never waits. What cannot be delivered is tried again with the next one, and each minute; the journal says so. Of more than a few
  /// hundred that wait, the oldest are dropped: each one vouches for all before it.
  void add(const std::string& checkpoint);

 private:
  struct Work;
  std::shared_ptr<Work> work_;
};

/// Appends whole lines and waits for the disk. Errors: not_found, permission_denied, no_space, io.
Result<void> append_lines(const std::filesystem::path& file, const std::string& lines);

/// One connection to the socket in which they stand, and its end is waited for: what was not read is not delivered. Errors:
/// invalid_argument (too long for a socket's path), not_found, timeout, unavailable (nobody listens, or reads), permission_denied, io.
Result<void> hand_lines(const std::filesystem::path& socket, const std::string& lines);

}  // namespace cardgate::daemon
