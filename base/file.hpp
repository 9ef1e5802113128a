// SPDX-License-Identifier: Apache-2.0
// Files read with a cap and written so that a crash leaves the old or the new content, never half.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.hpp"

namespace cardgate {

/// Owns a file descriptor. Move-only.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// An Error for the current errno: "PATH: what: No such file or directory"; not_found, permission_denied,
/// no_space or io.
Error errno_error(std::string_view what, int error_number);

/// The whole file, regular files only. Errors: not_found, permission_denied, too_large, io.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Replaces the file: temporary beside it (mode as given), fsync, rename, fsync of the folder. Errors:
/// no_space, io, ...
Result<void> write_file_atomic(const std::filesystem::path& path, BytesView content, unsigned mode);

/// fdatasync and fsync, again when a signal came in between: that says nothing about the disk. 0, or -1 with errno.
int sync_data(int fd) noexcept;
int sync_all(int fd) noexcept;
/// ftruncate, the same way.
int resize_file(int fd, std::size_t bytes) noexcept;

/// fsync of a folder, so that names made or removed in it last. Errors: io.
Result<void> sync_directory(const std::filesystem::path& path);

}  // namespace cardgate
