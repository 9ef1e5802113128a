// SPDX-License-Identifier: Apache-2.0
// Proves a log, or says where it is broken. docs/audit-format.md states what can be found and what cannot.
//
// Needs no lock: a log that is being written verifies too. Reads one segment at a time into memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

struct Report {
  bool ok = false;
  std::uint64_t first = 0;  // sequence of the first and the last line
  std::uint64_t last = 0;
  std::uint64_t records = 0;  // lines, the log's own included
  std::uint64_t segments = 0;
  std::uint64_t checkpoints = 0;
  std::vector<std::string> problems;  // each names segment, line and sequence; at most 100
  bool torn_tail = false;  // an unfinished last write; healed at the next start; not a problem in itself
  std::uint64_t unsigned_tail = 0;  // lines after the last checkpoint: chained, but not signed yet
  PublicKey key{};                  // the key that the signatures were checked with
  bool key_pinned = false;  // false: the key came from the log itself, so this is no proof against its forger
};

/// Without `pinned_key`, the key named by the first segment is believed.
/// Errors: not_found (no such directory, or no segment in it), permission_denied, io, too_large. A broken log
/// is not an error but a report.
Result<Report> verify(const std::filesystem::path& directory, const std::optional<PublicKey>& pinned_key);

/// The content of DIRECTORY/key.pub. Errors: not_found, permission_denied, io, malformed.
Result<PublicKey> read_public_key(const std::filesystem::path& file);

}  // namespace cardgate::audit
