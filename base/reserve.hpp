// SPDX-License-Identifier: Apache-2.0
// A small file with space of its own, taken in advance: what must not be lost can still be written down when the disk is
// full. Lines of text go in one by one, each with a checksum and durable on return; all of them are forgotten at once.
//
//   CHECKSUM SP TEXT LF     CHECKSUM: the first 16 bytes of BLAKE2b-256 of TEXT, in hex; NUL bytes up to the file's size
//
// A line that a crash cut off, or that is damaged, is passed over when the file is read. One thread at a time.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace cardgate {

class Reserve {
 public:
  /// Makes the file (mode 0600) where there is none, takes `bytes` of space, and reads what is in it. On a disk that is
  /// full already it goes on without the space, and says so in warning(). Errors: permission_denied, no_space (not even
  /// the file can be made), too_large (the file is much larger), io.
  static Result<Reserve> open(const std::filesystem::path& path, std::size_t bytes);

  /// What was there when it was opened; empty from then on.
  std::vector<std::string> take_lines() { return std::exchange(lines_, {}); }
  /// Lines that were there and could not be read.
  std::size_t damaged() const { return damaged_; }
  /// Empty, or why the space is not certain.
  const std::string& warning() const { return warning_; }

  /// A line each, durable on return with one sync. The texts have no line feed and no NUL byte. Errors: no_space (they do
  /// not all fit, or the disk is full), io, invalid_argument. After an error they may still be there at the next start.
  Result<void> append(std::span<const std::string> texts);
  /// Forgets every line; the space stays taken. Errors: io; the lines are then still there.
  Result<void> clear();
  /// How many bytes its lines take.
  std::size_t used() const { return used_; }

 private:
  Reserve(std::filesystem::path path, std::size_t bytes, FileDescriptor fd)
      : path_(std::move(path)), bytes_(bytes), fd_(std::move(fd)) {}
  void read(std::string_view content);
  void take_space();
  Result<void> write(std::string_view data, std::size_t offset);

  std::filesystem::path path_;
  std::size_t bytes_;
  FileDescriptor fd_;
  std::size_t used_ = 0;    // complete lines
  std::size_t soiled_ = 0;  // up to here the file may hold something else than NUL
  std::size_t damaged_ = 0;
  bool space_taken_ = false;
  std::string warning_;
  std::vector<std::string> lines_;
};

}  // namespace cardgate
