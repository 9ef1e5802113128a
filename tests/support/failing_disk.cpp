// SPDX-License-Identifier: Apache-2.0
// Loaded into a service (LD_PRELOAD) whose disk fails where its staff register is. The file that CARDGATE_DISK_FAULT names
// says how, from the moment it is there:
//   fail        every fdatasync() of the register's log fails with EIO, after the data was written
//   fail once   the next one does; the file is removed then
//   kill N      SIGKILL in the place of the Nth call that writes, cuts or syncs a file of the register
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

bool is_of_register(int fd, const char* suffix) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const auto length = ::readlink(link, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  const char* name = std::strstr(path, "register.db");
  return name != nullptr && std::strstr(name, suffix) != nullptr;
}

/// Read each time; a test puts the file into place whole.
void read_fault(char (&text)[32]) {
  text[0] = '\0';
  const char* file = std::getenv("CARDGATE_DISK_FAULT");
  if (file == nullptr) return;
  const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const auto count = ::read(fd, text, sizeof text - 1);
  text[count > 0 ? count : 0] = '\0';
  ::close(fd);
}

void step(int fd) {
  static std::atomic<long> steps = 0;
  char fault[32];
  read_fault(fault);
  if (std::strncmp(fault, "kill ", 5) != 0 || !is_of_register(fd, "")) return;
  if (++steps == std::strtol(fault + 5, nullptr, 10)) ::kill(::getpid(), SIGKILL);
}

}  // namespace

extern "C" int fdatasync(int fd) {
  step(fd);
  char fault[32];
  read_fault(fault);
  if (std::strncmp(fault, "fail", 4) == 0 && is_of_register(fd, "-wal")) {
    if (std::strncmp(fault, "fail once", 9) == 0) ::unlink(std::getenv("CARDGATE_DISK_FAULT"));
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t offset) {
  step(fd);
  return static_cast<ssize_t>(::syscall(SYS_pwrite64, fd, data, size, offset));
}

extern "C" int ftruncate64(int fd, off64_t size) noexcept {
  step(fd);
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
