// SPDX-License-Identifier: Apache-2.0
#include "audit/segment_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "audit/layout.hpp"
#include "audit/line.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t block_bytes = 256UL << 10;

}  // namespace

SegmentReader::SegmentReader(FileDescriptor file, std::filesystem::path path, std::uint64_t offset)
    : file_(std::move(file)),
      path_(std::move(path)),
      buffer_(block_bytes + max_line_bytes + 1, '\0'),
      read_(offset),
      good_(offset) {}

Result<SegmentReader> SegmentReader::open(const std::filesystem::path& path, std::uint64_t offset) {
  // O_NONBLOCK so that a FIFO put in the file's place cannot hang the caller.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return errno_error(path.string(), errno);
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return errno_error(path.string(), errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::io, fmt::format("{}: not a regular file", path.string())};
  // What the last batch and the segment's end may take beyond its size is far below a second time that.
  if (static_cast<std::uint64_t>(status.st_size) > 2 * max_segment_bytes)
    return Error{Errc::too_large, fmt::format("{}: larger than a segment may be", path.string())};
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return SegmentReader(std::move(file), path, offset);
}

/// False at the end of the file.
Result<bool> SegmentReader::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  ssize_t got = 0;
  do {
    got = ::pread(file_.get(), buffer_.data() + end_, buffer_.size() - end_, static_cast<off_t>(read_));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno_error(path_.string(), errno);
  end_ += static_cast<std::size_t>(got);
  read_ += static_cast<std::uint64_t>(got);
  return got > 0;
}

Result<SegmentReader::Found> SegmentReader::next() {
  while (!ended_) {
    const std::string_view have = rest();
    const std::size_t newline = have.find('\n');
    if (newline != std::string_view::npos) {
      const std::string_view line = have.substr(0, newline + 1);
      if (line.find('\0') != std::string_view::npos) break;
      begin_ += line.size();
      good_ += line.size();
      if (line.size() > max_line_bytes + 1) return Found{line.substr(0, max_line_bytes), true};
      return Found{line, false};
    }
    if (have.find('\0') != std::string_view::npos) break;
    if (have.size() > max_line_bytes) return skip_long();
    if (!TRY(fill())) break;
  }
  ended_ = true;
  return Found{};
}

/// Of a line that is longer than the buffer: to its end, or to where it turns out to be the tail.
Result<SegmentReader::Found> SegmentReader::skip_long() {
  std::uint64_t length = 0;
  for (;;) {
    const std::string_view have = rest();
    const std::size_t end = have.find_first_of(std::string_view("\n\0", 2));
    if (end != std::string_view::npos && have[end] == '\n') {
      begin_ += end + 1;
      good_ += length + end + 1;
      return Found{"", true};
    }
    length += have.size();
    begin_ = end_;
    if (end != std::string_view::npos || !TRY(fill())) break;
  }
  ended_ = true;
  return Found{};
}

Result<SegmentReader::Tail> SegmentReader::tail() {
  Tail out;
  bool newline = false;
  bool nul = false;
  bool gap = false;
  read_ = good_;
  do {
    begin_ = end_;
    if (!TRY(fill())) break;
    const std::size_t last = rest().find_last_not_of('\0');
    if (last != std::string_view::npos) {
      out.torn = out.bytes + last + 1;
      const auto text = rest().substr(0, last + 1);
      nul = nul || gap || text.find('\0') != std::string_view::npos;
      newline = newline || text.find('\n') != std::string_view::npos;
    }
    gap = gap || rest().ends_with('\0');
    out.bytes += rest().size();
  } while (true);
  // Whole lines that came since next() looked: the log is being written.
  if (newline && !nul) out.torn = 0;
  return out;
}

}  // namespace cardgate::audit
