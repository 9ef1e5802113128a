// SPDX-License-Identifier: Apache-2.0
// One deadline on the boot clock, which counts through suspend and never jumps. One thread, the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>

#include "base/clock.hpp"

namespace cardgate::agent {

class BootTimer {
 public:
  /// Throws std::system_error when the kernel has no timer for us.
  BootTimer(boost::asio::io_context& io, std::function<void()> expired);
  /// Nothing: not set.
  void set(std::optional<BootTime> when);

 private:
  void wait();
  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> expired_;
};

}  // namespace cardgate::agent
