// SPDX-License-Identifier: Apache-2.0
// Making a listening Unix socket without following or removing what is not ours.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "daemon/http/server.hpp"

namespace cardgate::daemon {
namespace {

bool someone_answers(const sockaddr_un& address) {
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Result<int> listen_on(const std::filesystem::path& path, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) {
    return Error{Errc::invalid_argument, fmt::format("{}: too long for a socket's path", path.string())};
  }
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode) || someone_answers(address)) {
      return Error{
          Errc::already_exists,
          fmt::format("{}: something already exists there. Is another cardgated running?", path.string())};
    }
    if (::unlink(path.c_str()) != 0) return errno_error(path.string(), errno);
  }
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("socket", errno);
  const mode_t before = ::umask(0777U & ~mode);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int bind_errno = errno;
  ::umask(before);
  if (bound != 0) return errno_error(path.string(), bind_errno);
  if (::listen(fd.get(), 256) != 0) return errno_error(path.string(), errno);
  return fd.release();
}

}  // namespace cardgate::daemon
