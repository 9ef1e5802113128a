// SPDX-License-Identifier: Apache-2.0
#include "daemon/time/timers.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace cardgate::daemon {
namespace {

int make_timer(int clock) {
  const int fd = ::timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  return fd;
}

}  // namespace

BootTimer::BootTimer(boost::asio::io_context& io, std::function<void()> expired)
    : descriptor_(io, make_timer(CLOCK_BOOTTIME)), expired_(std::move(expired)) {
  wait();
}

void BootTimer::set(std::optional<BootTime> when) {
  // Tokens come by the thousand, and most do not change which deadline is first.
  if (when == set_) return;
  set_ = when;
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
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& failure) {
                           if (failure) return;
                           std::uint64_t count = 0;
                           if (::read(descriptor_.native_handle(), &count, sizeof count) == sizeof count) {
                             set_.reset();
                             expired_();
                           }
                           wait();
                         });
}

ClockWatch::ClockWatch(boost::asio::io_context& io, std::function<void()> changed)
    : descriptor_(io, make_timer(CLOCK_REALTIME)), changed_(std::move(changed)) {
  arm();
  wait();
}

void ClockWatch::arm() {
  itimerspec spec{};
  spec.it_value.tv_sec = 1LL << 40;  // never; only the cancellation matters
  ::timerfd_settime(descriptor_.native_handle(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec, nullptr);
}

void ClockWatch::wait() {
  descriptor_.async_wait(
      boost::asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& failure) {
        if (failure) return;
        std::uint64_t count = 0;
        if (::read(descriptor_.native_handle(), &count, sizeof count) < 0 && errno == ECANCELED) {
          arm();
          changed_();
        }
        wait();
      });
}

}  // namespace cardgate::daemon
