// SPDX-License-Identifier: Apache-2.0
// What the log's directory holds, and how each file but the segments is written. docs/audit-format.md 1.
//
//   audit-00000000000000000001.jsonl   a segment, named by its first sequence number
//   head      the newest checkpoint, in one sector       key.pub   the public key
//   spare     the next segment's space                   lock      held by the process that writes
//   torn-SEQUENCE-RANDOM   bytes of an unfinished write, cut off at a start
//   hold      while it is there, no segment is deleted    hold-recorded   what of it is on record
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

inline constexpr std::string_view head_name = "head";
inline constexpr std::string_view key_file_name = "key.pub";
inline constexpr std::string_view spare_name = "spare";
inline constexpr std::string_view lock_name = "lock";
inline constexpr std::string_view hold_name = "hold";
inline constexpr std::string_view hold_recorded_name = "hold-recorded";
inline constexpr std::size_t head_bytes = 512;
inline constexpr std::size_t min_segment_bytes = 32UL << 10;
inline constexpr std::size_t max_segment_bytes = 1UL << 30;

std::string segment_name(std::uint64_t first_sequence);
/// The first sequence number in a segment's name, or nothing when it is not one.
std::optional<std::uint64_t> parse_segment_name(std::string_view name);

struct SegmentFile {
  std::uint64_t first = 0;
  std::filesystem::path path;
};
/// By sequence, oldest first; other files are passed over. Errors: not_found (no such directory),
/// permission_denied, io.
Result<std::vector<SegmentFile>> list_segments(const std::filesystem::path& directory);

/// The names of segments that somebody compressed (.gz, .zst, .xz, .bz2, .lz4), in order. Errors: as above.
Result<std::vector<std::string>> list_compressed(const std::filesystem::path& directory);

/// A checkpoint line (without newline) filled up with spaces to one sector, newline last.
std::string head_text(std::string_view checkpoint);
/// The line in it, without newline. Errors: malformed.
Result<std::string> parse_head(std::string_view content);

std::string key_file_text(const PublicKey& key);
/// Errors: malformed.
Result<PublicKey> parse_key_file(std::string_view content);

}  // namespace cardgate::audit
