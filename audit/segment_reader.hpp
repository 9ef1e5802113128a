// SPDX-License-Identifier: Apache-2.0
// The lines of one segment, one after the other, with the same little memory for a segment of any size. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

class SegmentReader {
 public:
  /// From `offset` on, where a line begins. Errors: not_found, permission_denied, io (also: not a regular
  /// file), too_large (no writer makes a segment of that size).
  static Result<SegmentReader> open(const std::filesystem::path& path, std::uint64_t offset = 0);

  struct Found {
    std::string_view line;  // with its newline; good until the next call. Empty: there are no more
    bool too_long = false;  // longer than a line may be; `line` is its beginning, without a newline
  };
  /// The next complete line. What has no newline, or has a NUL in it, and all that follows, is the tail. Errors: io.
  Result<Found> next();

  /// Bytes up to the end of the last complete line that next() gave.
  std::uint64_t good_bytes() const { return good_; }

  struct Tail {
    std::uint64_t bytes = 0;  // behind the complete lines
    std::uint64_t torn = 0;   // ... up to the last of them that is not NUL; 0 for lines that came meanwhile
  };
  /// After the last line. Reads to the end of the file. Errors: io.
  Result<Tail> tail();

 private:
  SegmentReader(FileDescriptor file, std::filesystem::path path, std::uint64_t offset);
  Result<bool> fill();
  Result<Found> skip_long();
  std::string_view rest() const { return {buffer_.data() + begin_, end_ - begin_}; }

  FileDescriptor file_;
  std::filesystem::path path_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not given yet
  std::size_t end_ = 0;
  std::uint64_t read_;  // bytes of the file read up to here
  std::uint64_t good_;
  bool ended_ = false;  // the tail begins at good_
};

}  // namespace cardgate::audit
