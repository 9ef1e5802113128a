// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/file_watch.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>

namespace cardgate::daemon {

namespace {

int new_inotify() {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "inotify");
  return fd;
}

}  // namespace

FileWatch::FileWatch(boost::asio::io_context& io, milliseconds settle, milliseconds longest,
                     std::function<void()> changed)
    : descriptor_(io, new_inotify()),
      rest_(io),
      settle_(settle),
      longest_(longest),
      changed_(std::move(changed)) {
  wait();
}

void FileWatch::set(const std::vector<std::filesystem::path>& paths) {
  for (const int watch : watches_) ::inotify_rm_watch(descriptor_.native_handle(), watch);
  watches_.clear();
  paths_ = paths;
  std::set<std::filesystem::path> folders;
  for (const auto& path : paths) {
    std::error_code code;
    folders.insert(std::filesystem::is_directory(path, code) ? path : path.parent_path());
  }
  for (const auto& folder : folders) {
    // IN_CLOSE_WRITE and not IN_MODIFY: a file that is still being written is not read.
    const int watch = ::inotify_add_watch(descriptor_.native_handle(), folder.c_str(),
                                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (watch >= 0) watches_.push_back(watch);
  }
}

void FileWatch::wait() {
  descriptor_.async_read_some(
      boost::asio::buffer(buffer_), [this](const boost::system::error_code& failure, std::size_t size) {
        if (failure) return;
        // IN_IGNORED follows our own inotify_rm_watch, too: alone it is no change.
        bool change = false;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
          const auto* event = reinterpret_cast<const inotify_event*>(buffer_.data() + at);
          change = change || (event->mask & IN_IGNORED) == 0;
          at += sizeof(inotify_event) + event->len;
        }
        if (change) tell_at_rest();
        wait();
      });
}

void FileWatch::tell_at_rest() {
  const auto now = std::chrono::steady_clock::now();
  if (!first_change_) first_change_ = now;
  const auto latest = *first_change_ + longest_;
  // The timer stands already, and what has waited this long must not be put off by one more change.
  if (now >= latest) return;
  rest_.expires_at(std::min(now + settle_, latest));
  rest_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped) return;
    first_change_.reset();
    set(std::vector(paths_));  // a folder may have been replaced by another of its name
    changed_();
  });
}

}  // namespace cardgate::daemon
