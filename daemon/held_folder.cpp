// SPDX-License-Identifier: Apache-2.0
#include "daemon/held_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>

namespace cardgate::daemon {

Result<FileDescriptor> hold_folder(const std::filesystem::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(folder.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return errno_error(folder.string(), errno);
  return Error{Errc::already_exists,
               fmt::format("{}: another cardgated is running with this state directory. Stop that one first "
                           "(systemctl stop cardgated), or give this one a state_directory of its own",
                           folder.string())};
}

}  // namespace cardgate::daemon
