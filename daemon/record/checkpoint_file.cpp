// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/checkpoint_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t most_waiting = 256;
constexpr std::chrono::seconds at_the_end{2};
constexpr unsigned checkpoint_file_mode = 0640;

}  // namespace

/// Outlives the object when the file system hangs.
struct CheckpointFile::Work {
  std::filesystem::path file;
  milliseconds try_again_after;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> waiting;  // guarded by mutex, as all that follows
  bool fresh = false;               // something came since the last try
  std::size_t dropped = 0;          // from the front, since then
  bool stopping = false;
  bool ended = false;

  void run() {
    std::unique_lock lock(mutex);
    bool failing = false;
    for (bool last = false; !last;) {
      const auto due = [this] { return fresh || stopping; };
      if (waiting.empty()) {
        changed.wait(lock, due);
      } else {
        // They could not be written: perhaps what was not mounted is by then.
        changed.wait_for(lock, try_again_after, due);
      }
      last = stopping;
      if (waiting.empty()) continue;
      fresh = false;
      dropped = 0;
      std::string lines;
      for (const auto& line : waiting) lines += line + "\n";
      const std::size_t count = waiting.size();
      lock.unlock();
      const auto written = append_lines(file, lines);
      if (!written && !failing) {
        log(audit::Event::audit_checkpoint_kept_back,
            "A checkpoint of the audit log cannot be written to its file: " + written.error().message(),
            {{"CARDGATE_REASON", written.error().message()}});
      }
      failing = !written;
      lock.lock();
      // Of those that were written, dropped ones went from the front meanwhile.
      if (written && count > dropped)
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count - dropped));
    }
    ended = true;
    changed.notify_all();
  }
};

CheckpointFile::CheckpointFile(std::filesystem::path file, milliseconds try_again_after)
    : work_(std::make_shared<Work>()) {
  work_->file = std::move(file);
  work_->try_again_after = try_again_after;
  std::thread([work = work_] { work->run(); }).detach();
}

CheckpointFile::~CheckpointFile() {
  std::unique_lock lock(work_->mutex);
  work_->stopping = true;
  work_->changed.notify_all();
  work_->changed.wait_for(lock, at_the_end, [this] { return work_->ended; });
}

void CheckpointFile::add(const std::string& checkpoint) {
  const std::lock_guard lock(work_->mutex);
  if (work_->waiting.size() >= most_waiting) {
    work_->waiting.pop_front();
    ++work_->dropped;
  }
  work_->waiting.push_back(checkpoint);
  work_->fresh = true;
  work_->changed.notify_all();
}

Result<void> append_lines(const std::filesystem::path& file, const std::string& lines) {
  const FileDescriptor fd(::open(file.c_str(),
                                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                                 checkpoint_file_mode));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return errno_error(file.string(), errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::io, fmt::format("{}: not a regular file", file.string())};
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(file.string(), errno);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  if (sync_all(fd.get()) != 0) return errno_error(file.string(), errno);
  return {};
}

}  // namespace cardgate::daemon
