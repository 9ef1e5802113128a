// SPDX-License-Identifier: Apache-2.0
#include "base/reserve.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/crypto.hpp"

namespace cardgate {
namespace {

constexpr std::size_t checksum_bytes = 16;
constexpr std::size_t overhead = 2 * checksum_bytes + 2;  // checksum, space, line feed

std::string checksum(std::string_view text) {
  return to_hex(blake2b(as_bytes(text))).substr(0, 2 * checksum_bytes);
}

/// The text of a sound line, without its line feed; nothing when it is not one.
std::optional<std::string_view> text_of(std::string_view line) {
  if (line.size() < overhead - 1 || line[2 * checksum_bytes] != ' ') return std::nullopt;
  const auto text = line.substr(2 * checksum_bytes + 1);
  if (line.substr(0, 2 * checksum_bytes) != checksum(text)) return std::nullopt;
  return text;
}

}  // namespace

Result<Reserve> Reserve::open(const std::filesystem::path& path, std::size_t bytes) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return errno_error(path.string(), errno);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return errno_error(path.string(), errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::io, fmt::format("{}: not a regular file", path.string())};
  if ((status.st_mode & 077U) != 0 && ::fchmod(fd.get(), 0600) != 0) return errno_error(path.string(), errno);
  // A setting of the past may have made it larger: what is in it counts all the same.
  const std::string content = TRY(read_file(path, 16 * bytes));
  Reserve reserve(path, bytes, std::move(fd));
  reserve.read(content);
  reserve.take_space();
  return reserve;
}

void Reserve::read(std::string_view content) {
  soiled_ = content.find_last_not_of('\0') + 1;  // npos + 1 is 0
  content = content.substr(0, soiled_);
  while (!content.empty()) {
    const auto end = content.find('\n');
    const auto text = end == std::string_view::npos ? std::nullopt : text_of(content.substr(0, end));
    if (text) {
      lines_.emplace_back(*text);
    } else {
      ++damaged_;
    }
    if (end == std::string_view::npos) break;
    content.remove_prefix(end + 1);
    used_ += end + 1;
  }
}

void Reserve::take_space() {
  if (space_taken_) return;
  int failure = 0;
  do {
    failure = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(bytes_));
  } while (failure == EINTR);
  if (failure == 0 && sync_all(fd_.get()) != 0) failure = errno;
  space_taken_ = failure == 0;
  warning_ =
      space_taken_
          ? std::string()
          : errno_error(fmt::format("{}: taking {} bytes of space", path_.string(), bytes_), failure).context;
}

Result<void> Reserve::write(std::string_view data, std::size_t offset) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(path_.string(), errno);
    if (count == 0) return errno_error(path_.string(), ENOSPC);
    data.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::size_t>(count);
  }
  if (sync_data(fd_.get()) != 0) return errno_error(path_.string(), errno);
  return {};
}

Result<void> Reserve::append(std::span<const std::string> texts) {
  std::string lines;
  for (const auto& text : texts) {
    if (text.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
      return Error{Errc::invalid_argument, "a line of the reserve holds no line feed and no NUL byte"};
    lines += checksum(text);
    lines += ' ';
    lines += text;
    lines += '\n';
  }
  const std::size_t length = lines.size();
  if (used_ + length > bytes_)
    return Error{Errc::no_space, fmt::format("{}: the reserve is full", path_.string())};
  take_space();
  // What an unfinished write left behind must not stand behind these lines.
  if (soiled_ > used_ + length) lines.append(soiled_ - used_ - length, '\0');
  soiled_ = std::max(soiled_, used_ + length);
  TRY(write(lines, used_));
  used_ += length;
  soiled_ = used_;
  return {};
}

Result<void> Reserve::clear() {
  if (soiled_ == 0) return {};
  TRY(write(std::string(soiled_, '\0'), 0));
  used_ = soiled_ = 0;
  return {};
}

}  // namespace cardgate
