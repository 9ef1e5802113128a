// SPDX-License-Identifier: Apache-2.0
#include "audit/disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace cardgate::audit {
namespace {

Result<std::string> read_at(const std::filesystem::path& path, bool from_end, std::size_t count,
                            off_t begin = 0) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!fd) return errno_error(path.string(), errno);
  off_t offset = begin;
  if (from_end) {
    const off_t size = ::lseek(fd.get(), 0, SEEK_END);
    if (size < 0) return errno_error(path.string(), errno);
    offset = size > static_cast<off_t>(count) ? size - static_cast<off_t>(count) : 0;
  }
  std::string out(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = ::pread(fd.get(), out.data() + have, count - have, offset + static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(path.string(), errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

}  // namespace

Result<void> write_and_sync(int fd, std::string_view data, std::size_t offset) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("writing", errno);
    if (count == 0) return errno_error("writing", ENOSPC);
    data.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::size_t>(count);
  }
  if (sync_data(fd) != 0) return errno_error("fdatasync", errno);
  return {};
}

Result<void> preallocate(int fd, std::size_t bytes) {
  int failure = 0;
  do {
    failure = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  } while (failure == EINTR);
  if (failure != 0) return errno_error(fmt::format("reserving {} bytes", bytes), failure);
  return {};
}

Result<std::string> read_range(const std::filesystem::path& path, std::uint64_t offset, std::size_t count) {
  return read_at(path, false, count, static_cast<off_t>(offset));
}

Result<std::string> read_tail(const std::filesystem::path& path, std::size_t count) {
  return read_at(path, true, count);
}

Result<std::string> read_first_line(const std::filesystem::path& path, std::size_t max_bytes) {
  std::string start = TRY(read_at(path, false, max_bytes));
  const std::size_t newline = start.find('\n');
  if (newline == std::string::npos)
    return Error{Errc::malformed, fmt::format("{}: no first line", path.string())};
  start.resize(newline);
  return start;
}

Result<void> rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to) {
  int failure = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
  if (failure == EINVAL || failure == ENOSYS) {  // a file system that cannot promise it
    failure = ::access(to.c_str(), F_OK) == 0 ? EEXIST : 0;
    if (failure == 0 && std::rename(from.c_str(), to.c_str()) != 0) failure = errno;
  }
  if (failure == EEXIST) return Error{Errc::already_exists, fmt::format("{}: already exists", to.string())};
  if (failure != 0) return errno_error(to.string(), failure);
  return {};
}

Result<FileDescriptor> lock_file(const std::filesystem::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, file_mode));
  if (!fd) return errno_error(path.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error(path.string(), errno);
    return Error{Errc::unavailable,
                 fmt::format("{}: another process has this audit log open", path.string())};
  }
  return fd;
}

}  // namespace cardgate::audit
