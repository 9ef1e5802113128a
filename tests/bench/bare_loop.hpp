// SPDX-License-Identifier: Apache-2.0
// What the disk allows: a group commit with nothing in it but pwrite and fdatasync. Waiters append to one
// queue; one thread takes it whole, writes and syncs it, and wakes each of them. append_and_wait() may be
// called from any thread.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "audit/disk.hpp"
#include "base/file.hpp"

namespace cardgate::bench {

class BareLoop {
 public:
  static constexpr std::size_t file_bytes = 64UL << 20;

  /// `line_bytes` are written for each waiter. `zeros`: the file is filled with written zeros beforehand.
  /// Throws when there is no space.
  BareLoop(const std::filesystem::path& file, std::size_t line_bytes, bool zeros)
      : line_(line_bytes, 'x'), fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    auto reserved = audit::preallocate(fd_.get(), file_bytes);
    if (reserved && zeros) reserved = audit::write_and_sync(fd_.get(), std::string(file_bytes, '\0'), 0);
    if (!reserved || ::fsync(fd_.get()) != 0) throw std::runtime_error("no space for the benchmark");
    thread_ = std::thread([this] { run(); });
  }
  ~BareLoop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;

  void append_and_wait() {
    Waiter self;
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(&self);
    }
    wake_.notify_one();
    std::unique_lock lock(self.mutex);
    self.wake.wait(lock, [&] { return self.done; });
  }

 private:
  struct Waiter {
    std::mutex mutex;
    std::condition_variable wake;
    bool done = false;
  };
  void run() {
    std::string buffer;
    std::vector<Waiter*> batch;
    std::size_t offset = 0;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
        if (queue_.empty()) return;
        std::swap(batch, queue_);
      }
      buffer.clear();
      for (std::size_t i = 0; i < batch.size(); ++i) buffer += line_;
      if (offset + buffer.size() > file_bytes) offset = 0;
      if (!audit::write_and_sync(fd_.get(), buffer, offset)) std::abort();
      offset += buffer.size();
      for (Waiter* waiter : batch) {
        const std::lock_guard lock(waiter->mutex);
        waiter->done = true;
        waiter->wake.notify_one();
      }
      batch.clear();
    }
  }

  const std::string line_;
  FileDescriptor fd_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiter*> queue_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cardgate::bench
