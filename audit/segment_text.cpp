// SPDX-License-Identifier: Apache-2.0
#include "audit/segment_text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "audit/line.hpp"

namespace cardgate::audit {
namespace {

constexpr std::uint64_t block_bytes = 1UL << 20;
constexpr std::uint64_t probe_bytes = 2 * max_line_bytes;  // holds a whole line wherever it is read

}  // namespace

Result<SegmentText> SegmentText::open(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return errno_error(path.string(), errno);
  SegmentText out(std::move(file), path);
  TRY(out.find_end());
  return out;
}

Result<std::string> SegmentText::read(std::uint64_t begin, std::uint64_t end) const {
  std::string out(end - begin, '\0');
  std::size_t got = 0;
  while (got < out.size()) {
    const auto count =
        ::pread(file_.get(), out.data() + got, out.size() - got, static_cast<off_t>(begin + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(path_.string(), errno);
    if (count == 0) break;  // its unused space was given back meanwhile
    got += static_cast<std::size_t>(count);
  }
  out.resize(got);
  return out;
}

/// Behind the last line the space that was taken in advance is NUL bytes: halves until it has the first of them.
Result<std::uint64_t> SegmentText::written(std::uint64_t size) const {
  const auto is_nul = [&](std::uint64_t at) -> Result<bool> {
    const auto byte = TRY(read(at, at + 1));
    return byte.empty() || byte[0] == '\0';
  };
  if (size == 0 || !TRY(is_nul(size - 1))) return size;
  std::uint64_t low = 0;  // all before it is written
  std::uint64_t high = size - 1;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (TRY(is_nul(middle))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

Result<void> SegmentText::find_end() {
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) return errno_error(path_.string(), errno);
  const auto bytes = TRY(written(static_cast<std::uint64_t>(status.st_size)));
  for (std::uint64_t high = bytes; high > 0;) {
    const auto low = high - std::min(high, block_bytes);
    const auto text = TRY(read(low, high));
    if (const auto newline = text.rfind('\n'); newline != std::string::npos) {
      end_ = low + newline + 1;
      break;
    }
    high = low;
  }
  torn_ = end_ != bytes;
  return {};
}

Result<TextBlock> SegmentText::from(std::uint64_t begin) const {
  TextBlock out{begin, begin, {}};
  if (begin >= end_) return out;
  out.text = TRY(read(begin, std::min(end_, begin + block_bytes)));
  const auto newline = out.text.rfind('\n');
  if (newline != std::string::npos) {
    out.text.resize(newline + 1);
    out.end = begin + out.text.size();
    return out;
  }
  // One line without an end in sight is no line of the log: all of it is left out but its beginning.
  auto at = begin + out.text.size();
  for (; at < end_; at += block_bytes) {
    const auto more = TRY(read(at, std::min(end_, at + block_bytes)));
    const auto next = more.find('\n');
    if (next == std::string::npos) continue;
    out.end = at + next + 1;
    break;
  }
  if (out.end == begin) out.end = end_;
  out.text.resize(std::min<std::size_t>(out.text.size(), max_line_bytes + 1));
  out.text += '\n';
  return out;
}

Result<TextBlock> SegmentText::before(std::uint64_t end) const {
  TextBlock out{end, end, {}};
  if (end == 0) return out;
  auto low = end - std::min(end, block_bytes);
  out.text = TRY(read(low, end));
  if (low > 0) {
    // The last byte is the newline of the last line.
    auto newline = out.text.find('\n');
    if (newline + 1 == out.text.size()) {
      out.text.resize(std::min<std::size_t>(out.text.size(), max_line_bytes + 1));
      out.text.back() = '\n';
      while (low > 0) {  // as in from()
        const auto high = low;
        low -= std::min(low, block_bytes);
        const auto more = TRY(read(low, high));
        newline = more.rfind('\n');
        if (newline == std::string::npos) continue;
        low += newline + 1;
        break;
      }
    } else {
      out.text.erase(0, newline + 1);
      low += newline + 1;
    }
  }
  out.begin = low;
  return out;
}

Result<std::string> SegmentText::line_at(std::uint64_t offset) const {
  if (offset >= end_) return std::string();
  // A line begins where another has ended.
  const auto begin = offset == 0 ? offset : offset - 1;
  auto text = TRY(read(begin, std::min(end_, offset + max_line_bytes + 1)));
  if (offset > 0) {
    if (text.empty() || text.front() != '\n') return std::string();
    text.erase(0, 1);
  }
  const auto newline = text.find('\n');
  if (newline == std::string::npos) return std::string();
  text.resize(newline);
  return text;
}

Result<std::uint64_t> SegmentText::offset_of(std::uint64_t sequence) const {
  std::uint64_t low = 0;  // a line begins here whose number is smaller, or the first one
  std::uint64_t high = end_;
  while (high - low > probe_bytes) {
    const auto middle = low + (high - low) / 2;
    const auto text = TRY(read(middle, std::min(high, middle + probe_bytes)));
    std::optional<std::uint64_t> number;
    std::size_t line = text.find('\n');
    while (line != std::string::npos && !number) {
      ++line;
      number = sequence_in(std::string_view(text).substr(line));
      if (!number) line = text.find('\n', line);
    }
    if (number && *number < sequence) {
      low = middle + line;
    } else {
      high = middle;  // as if it were later, where nothing can be read: more is looked through then
    }
  }
  const auto text = TRY(read(low, end_ - low > 2 * probe_bytes ? low + 2 * probe_bytes : end_));
  std::size_t line = 0;
  while (line < text.size()) {
    const auto number = sequence_in(std::string_view(text).substr(line));
    if (number && *number >= sequence) break;
    const auto newline = text.find('\n', line);
    if (newline == std::string::npos) return low + line;
    line = newline + 1;
  }
  return low + line;
}

std::optional<std::uint64_t> sequence_in(std::string_view line) {
  constexpr std::string_view begin = "{\"seq\":";
  if (!line.starts_with(begin)) return std::nullopt;
  line.remove_prefix(begin.size());
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr == line.data() + line.size() || *parsed.ptr != ',')
    return std::nullopt;
  return number;
}

}  // namespace cardgate::audit
