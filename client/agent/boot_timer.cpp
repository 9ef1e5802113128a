// SPDX-License-Identifier: Apache-2.0
#include "client/agent/boot_timer.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cardgate::agent {
namespace {

int make_boot_timer() {
  const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

}  // namespace

BootTimer::BootTimer(boost::asio::io_context& io, std::function<void()> expired)
    : descriptor_(io, make_boot_timer()), expired_(std::move(expired)) {
  wait();
}

void BootTimer::set(std::optional<BootTime> when) {
  itimerspec spec{};
  if (when) {
    // Zero would disarm; a deadline that has passed fires at once.
    const auto since = std::max(when->time_since_epoch(), BootClock::duration(1));
    spec.it_value.tv_sec = std::chrono::duration_cast<seconds>(since).count();
    spec.it_value.tv_nsec = (since % seconds(1)).count();
  }
  ::timerfd_settime(descriptor_.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void BootTimer::wait() {
  descriptor_.async_wait(
      boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& failure) {
        if (failure) return;
        std::uint64_t count = 0;
        const bool due =
            ::read(descriptor_.native_handle(), &count, sizeof count) == static_cast<ssize_t>(sizeof count);
        wait();
        if (due) expired_();
      });
}

}  // namespace cardgate::agent
