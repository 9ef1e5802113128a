// SPDX-License-Identifier: Apache-2.0
// Two timers that Asio does not have: one on CLOCK_BOOTTIME (counts through suspend, so that a lid that was
// shut for a night does not lengthen a session), and one that tells when the wall clock is set
// (timerfd_create(2)). One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>

#include "base/clock.hpp"

namespace cardgate::daemon {

class BootTimer {
 public:
  BootTimer(boost::asio::io_context& io, std::function<void()> expired);
  /// Nothing: sleeps until set again.
  void set(std::optional<BootTime> when);

 private:
  void wait();
  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> expired_;
  std::optional<BootTime> set_;
};

class ClockWatch {
 public:
  ClockWatch(boost::asio::io_context& io, std::function<void()> changed);

 private:
  void arm();
  void wait();
  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> changed_;
};

}  // namespace cardgate::daemon
