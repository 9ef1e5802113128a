// SPDX-License-Identifier: Apache-2.0
// The few file operations that base/file.hpp does not have. Any thread, one at a time for a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

inline constexpr unsigned file_mode = 0640;

/// All of `data` at `offset`, then fdatasync. Errors: no_space, io.
Result<void> write_and_sync(int fd, std::string_view data, std::size_t offset);

/// Gives the file `bytes` of space and that size, so that fdatasync has no size to write down. Unwritten
/// extents are as fast as written zeros here (tests/bench/audit_bench.cpp shows both) and cost no time to
/// make. Errors: no_space, io.
Result<void> preallocate(int fd, std::size_t bytes);

/// `count` bytes from `offset` on, fewer when the file is shorter. Errors: as below.
Result<std::string> read_range(const std::filesystem::path& path, std::uint64_t offset, std::size_t count);
/// The last `count` bytes, fewer when the file is shorter. Errors: not_found, permission_denied, io.
Result<std::string> read_tail(const std::filesystem::path& path, std::size_t count);
/// The first line without newline. Errors: not_found, permission_denied, io; malformed (no newline within
/// `max_bytes`).
Result<std::string> read_first_line(const std::filesystem::path& path, std::size_t max_bytes);

/// Gives a file a name that no other has. Errors: already_exists, no_space, io, permission_denied.
Result<void> rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to);

/// An exclusive lock held as long as the descriptor lives. Errors: unavailable (another has it), io,
/// permission_denied.
Result<FileDescriptor> lock_file(const std::filesystem::path& path);

}  // namespace cardgate::audit
