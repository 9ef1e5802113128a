// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/crypto.hpp"

namespace cardgate {

void FileDescriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error errno_error(std::string_view what, int error_number) {
  Errc code = Errc::io;
  if (error_number == ENOENT) code = Errc::not_found;
  if (error_number == EACCES || error_number == EPERM || error_number == ELOOP)
    code = Errc::permission_denied;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Errc::no_space;
  return {code, fmt::format("{}: {}", what, std::generic_category().message(error_number))};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  // O_NONBLOCK so that a FIFO put in the file's place cannot hang the caller.
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return errno_error(path.string(), errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return errno_error(path.string(), errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::io, fmt::format("{}: not a regular file", path.string())};
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(path.string(), errno);
    if (count == 0) return content;
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > max_bytes) {
      return Error{Errc::too_large, fmt::format("{}: larger than {} bytes", path.string(), max_bytes)};
    }
  }
}

Result<void> write_file_atomic(const std::filesystem::path& path, BytesView content, unsigned mode) {
  const auto temporary = path.parent_path() / fmt::format(".{}.{}", path.filename().string(), random_id());
  FileDescriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return errno_error(path.string(), errno);
  const auto fail = [&](int error_number) -> Error {
    ::unlink(temporary.c_str());
    return errno_error(path.string(), error_number);
  };
  while (!content.empty()) {
    const ssize_t count = ::write(fd.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno);
    content = content.subspan(static_cast<std::size_t>(count));
  }
  if (::fchmod(fd.get(), mode) != 0 || sync_all(fd.get()) != 0) return fail(errno);
  fd.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(errno);
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

int sync_data(int fd) noexcept {
  int outcome = 0;
  do {
    outcome = ::fdatasync(fd);
  } while (outcome != 0 && errno == EINTR);
  return outcome;
}

int sync_all(int fd) noexcept {
  int outcome = 0;
  do {
    outcome = ::fsync(fd);
  } while (outcome != 0 && errno == EINTR);
  return outcome;
}

int resize_file(int fd, std::size_t bytes) noexcept {
  int outcome = 0;
  do {
    outcome = ::ftruncate(fd, static_cast<off_t>(bytes));
  } while (outcome != 0 && errno == EINTR);
  return outcome;
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || sync_all(fd.get()) != 0) return errno_error(path.string(), errno);
  return {};
}

}  // namespace cardgate
