// SPDX-License-Identifier: Apache-2.0
// Loaded into a service (LD_PRELOAD) whose disk a test holds: while the file `register` or `audit` is in the folder that
// CARDGATE_HELD_DISK names, no write to the staff register, or to the audit log, becomes durable. So a test decides what
// happens while somebody waits.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

bool is_held(const char* folder, const char* what) {
  char path[512];
  std::snprintf(path, sizeof path, "%s/%s", folder, what);
  return ::access(path, F_OK) == 0;
}

void wait_while_held(int fd) {
  const char* folder = std::getenv("CARDGATE_HELD_DISK");
  if (folder == nullptr) return;
  char link[64];
  char file[512] = {};
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (::readlink(link, file, sizeof file - 1) < 0) return;
  const char* what = std::strstr(file, "/register.db") != nullptr ? "register"
                     : std::strstr(file, "/audit/") != nullptr    ? "audit"
                                                                  : nullptr;
  constexpr timespec moment{0, 2'000'000};
  while (what != nullptr && is_held(folder, what)) ::nanosleep(&moment, nullptr);
}

}  // namespace

extern "C" int fdatasync(int fd) {
  wait_while_held(fd);
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" int fsync(int fd) {
  wait_while_held(fd);
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
