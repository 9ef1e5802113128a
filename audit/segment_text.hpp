// SPDX-License-Identifier: Apache-2.0
// What is written in one segment, in blocks of whole lines, from either end or from a sequence number on. For people who look
// something up: proves nothing. Memory: a block. One thread per object; the log may be written meanwhile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// Whole lines, each with its newline. A line that is too long for the log is cut, and is no JSON then.
struct TextBlock {
  std::uint64_t begin = 0;  // where it stands in the file
  std::uint64_t end = 0;    // where what comes behind it stands
  std::string text;         // empty: there is nothing more in that direction
};

class SegmentText {
 public:
  /// Errors: not_found, permission_denied, io.
  static Result<SegmentText> open(const std::filesystem::path& path);

  /// Behind the last complete line that was there at the opening.
  std::uint64_t end() const { return end_; }
  /// Something is behind that: the beginning of a line, or what a crash left of one.
  bool torn() const { return torn_; }

  // Errors: io.
  Result<TextBlock> from(std::uint64_t begin) const;
  /// The lines that end at `end`, which is where a line ends.
  Result<TextBlock> before(std::uint64_t end) const;
  /// The line that begins there, without its newline; empty when none does.
  Result<std::string> line_at(std::uint64_t offset) const;
  /// Where the first line with this sequence number or a later one begins. Where lines are damaged: somewhere before it.
  Result<std::uint64_t> offset_of(std::uint64_t sequence) const;

 private:
  explicit SegmentText(FileDescriptor file, std::filesystem::path path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Result<std::string> read(std::uint64_t begin, std::uint64_t end) const;
  Result<std::uint64_t> written(std::uint64_t size) const;
  Result<void> find_end();

  FileDescriptor file_;
  std::filesystem::path path_;
  std::uint64_t end_ = 0;
  bool torn_ = false;
};

/// Calls `each(offset, line)` for the lines of a block, without their newlines, from the first; or from the last with
/// `backwards`. False ends it.
template <class Each>
void each_line(const TextBlock& block, bool backwards, Each each) {
  std::string_view rest = block.text;
  while (!rest.empty()) {
    std::size_t at = 0;
    std::size_t newline = 0;
    if (backwards) {
      newline = rest.size() - 1;
      const auto before = rest.substr(0, newline).rfind('\n');
      at = before == std::string_view::npos ? 0 : before + 1;
    } else {
      newline = rest.find('\n');
    }
    const auto offset = block.begin + static_cast<std::uint64_t>(rest.data() - block.text.data()) + at;
    const auto line = rest.substr(at, newline - at);
    rest = backwards ? rest.substr(0, at) : rest.substr(newline + 1);
    if (!each(offset, line)) return;
  }
}

/// The number in `{"seq":NUMBER,`, with which every line begins.
std::optional<std::uint64_t> sequence_in(std::string_view line);

}  // namespace cardgate::audit
