// SPDX-License-Identifier: Apache-2.0
// Tells when files or folders change (inotify(7)), once the changes have come to rest, or have gone on for long enough: one
// file that is written again and again must not keep the news of the others back. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::daemon {

class FileWatch {
 public:
  /// `changed` is called when nothing more has happened for `settle`, and `longest` after the first change at the latest.
  FileWatch(boost::asio::io_context& io, milliseconds settle, milliseconds longest,
            std::function<void()> changed);
  /// Watches these in place of what was watched: what is in a folder, and a file by the folder it is in. A
  /// folder that is not there is passed over.
  void set(const std::vector<std::filesystem::path>& paths);

 private:
  void wait();
  void tell_at_rest();
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer rest_;
  milliseconds settle_, longest_;
  std::optional<std::chrono::steady_clock::time_point> first_change_;  // of those nobody was told of
  std::function<void()> changed_;
  std::vector<std::filesystem::path> paths_;
  std::vector<int> watches_;
  alignas(8) std::array<char, 4096> buffer_{};
};

}  // namespace cardgate::daemon
