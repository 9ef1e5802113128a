// SPDX-License-Identifier: Apache-2.0
// Tells when files or folders change (inotify(7)), once the changes have come to rest. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::daemon {

class FileWatch {
 public:
  /// `changed` is called when nothing more has happened for `settle`.
  FileWatch(boost::asio::io_context& io, milliseconds settle, std::function<void()> changed);
  /// Watches these in place of what was watched: what is in a folder, and a file by the folder it is in. A
  /// folder that is not there is passed over.
  void set(const std::vector<std::filesystem::path>& paths);

 private:
  void wait();
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer rest_;
  milliseconds settle_;
  std::function<void()> changed_;
  std::vector<std::filesystem::path> paths_;
  std::vector<int> watches_;
  alignas(8) std::array<char, 4096> buffer_{};
};

}  // namespace cardgate::daemon
