// SPDX-License-Identifier: Apache-2.0
// How cardgated and its helpers talk over a stream socket: with a deadline over everything. Thread-safe.
#pragma once

#include <chrono>
#include <filesystem>
#include <span>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "base/secret.hpp"

namespace cardgate::daemon {

using Deadline = std::chrono::steady_clock::time_point;

/// Errors: unavailable (nobody listens), invalid_argument (too long for a socket's path), io.
Result<FileDescriptor> connect_to(const std::filesystem::path& path);

/// Errors: timeout, unavailable (the other side is gone), io.
Result<void> read_exactly(int socket, std::span<std::uint8_t> into, Deadline deadline);
Result<void> write_all(int socket, BytesView bytes, Deadline deadline);

/// A message after its length (4 bytes, big-endian). Errors: as above; too_large (receive).
Result<void> send(int socket, BytesView message, Deadline deadline);
Result<Secret> receive(int socket, std::size_t max_bytes, Deadline deadline);

}  // namespace cardgate::daemon
