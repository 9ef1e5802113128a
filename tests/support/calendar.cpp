// SPDX-License-Identifier: Apache-2.0
// Loaded into a service (LD_PRELOAD) whose wall clock a test turns: the seconds in the file that CARDGATE_CALENDAR names are
// added to what the wall clock shows. Other clocks, and timers, stay as they are: as on a machine whose clock is set.
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

/// Read each time: the test may turn the calendar at any moment. The file is put into place whole.
long ahead() {
  const char* file = std::getenv("CARDGATE_CALENDAR");
  if (file == nullptr) return 0;
  const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[32] = {};
  const auto count = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return count > 0 ? std::strtol(text, nullptr, 10) : 0;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += ahead();
  return result;
}

extern "C" int gettimeofday(timeval* time, void*) noexcept {
  timespec now{};
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

extern "C" time_t time(time_t* place) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (place != nullptr) *place = now.tv_sec;
  return now.tv_sec;
}
