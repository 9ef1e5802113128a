// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/checkpoint_courier.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/file.hpp"
#include "daemon/journal.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t most_waiting = 256;
constexpr std::chrono::seconds at_the_end{2};
constexpr unsigned checkpoint_file_mode = 0640;

}  // namespace

/// Outlives the object when the place hangs.
struct CheckpointCourier::Work {
  std::string what;
  Deliver deliver;
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
        // They could not be delivered: perhaps what was not there is by then.
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
      const auto delivered = deliver(lines);
      if (!delivered && !failing) {
        log(audit::Event::audit_checkpoint_kept_back,
            fmt::format("A checkpoint of the audit log cannot be {}: {}", what, delivered.error().message()),
            {{"CARDGATE_REASON", delivered.error().message()}});
      }
      failing = !delivered;
      lock.lock();
      // Of those that were delivered, dropped ones went from the front meanwhile.
      if (delivered && count > dropped)
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count - dropped));
    }
    ended = true;
    changed.notify_all();
  }
};

CheckpointCourier::CheckpointCourier(std::string_view what, Deliver deliver, milliseconds try_again_after)
    : work_(std::make_shared<Work>()) {
  work_->what = what;
  work_->deliver = std::move(deliver);
  work_->try_again_after = try_again_after;
  std::thread([work = work_] { work->run(); }).detach();
}

CheckpointCourier::~CheckpointCourier() {
  std::unique_lock lock(work_->mutex);
  work_->stopping = true;
  work_->changed.notify_all();
  work_->changed.wait_for(lock, at_the_end, [this] { return work_->ended; });
  if (!work_->waiting.empty())
    log(audit::Event::audit_checkpoint_kept_back,
        fmt::format("{} checkpoints of the audit log could not be {} before the service ended.",
                    work_->waiting.size(), work_->what));
}

void CheckpointCourier::add(const std::string& checkpoint) {
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

Result<void> hand_lines(const std::filesystem::path& path, const std::string& lines) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() > max_socket_path) return Error{Errc::invalid_argument, path.string()};
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval deadline{hook_deadline.count(), 0};  // of each call, connect() too (unix(7))
  const auto failed = [&]() -> Error {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {Errc::timeout, path.string()};
    if (errno == ECONNREFUSED || errno == EPIPE || errno == ECONNRESET)
      return {Errc::unavailable, fmt::format("{}: nobody listens", path.string())};
    return errno_error(path.string(), errno);
  };
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline) != 0 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed();
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t count = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed();
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  // What nobody reads, because systemd has no room for one more or the program cannot start, comes back as a reset. A program that is
  // still at work when the time is over has what it needs.
  ::shutdown(fd.get(), SHUT_WR);
  char answer[64];
  ssize_t count = 0;
  do {
    count = ::recv(fd.get(), answer, sizeof answer, 0);
  } while (count > 0 || (count < 0 && errno == EINTR));
  if (count < 0 && errno == ECONNRESET)
    return Error{Errc::unavailable, fmt::format("{}: it was not read", path.string())};
  return {};
}

}  // namespace cardgate::daemon
