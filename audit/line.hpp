// SPDX-License-Identifier: Apache-2.0
// One line of the log: made, signed and taken apart. Pure; thread-safe. docs/audit-format.md 2 and 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

inline constexpr std::int64_t format_version = 1;
/// Longest line the reader takes; the writer's longest is shorter (7 escaped fields and the details).
inline constexpr std::size_t max_line_bytes = 16384;
/// Longest checkpoint line, newline included: it fits into the one sector of the head.
inline constexpr std::size_t max_checkpoint_bytes = 512;

/// Appends `{"seq":...,"time":...,"prev":...,BODY}` and a newline to `out`; `body` is encode()'s.
void append_line(std::string& out, std::uint64_t sequence, std::string_view time, std::string_view prev_hex,
                 std::string_view body);

/// A checkpoint line with its newline. `segment` is the file's name; `end` is true for the last line of a
/// full segment; `log` is the log's id.
std::string checkpoint_line(std::uint64_t sequence, std::string_view time, std::string_view prev_hex,
                            std::string_view segment, bool end, std::string_view log, const SigningKey& key);

/// The chain hash of a line: BLAKE2b-256 of the line and its newline, in hex.
std::string chain_hash(std::string_view line_with_newline);
/// A short name of a key, for people and for checkpoints: 16 hex digits of its BLAKE2b-256.
std::string key_id(const PublicKey& key);
/// `prev` of the very first line.
std::string no_hash();

/// A line taken apart. Strings point nowhere outside.
struct Line {
  std::uint64_t sequence = 0;
  std::string time;
  std::string prev;
  std::string event;
  json::object object;
  bool is_signed = false;

  /// `details`, or an empty object.
  const json::object& details() const;
};

/// Takes a line without its newline. Errors: malformed (no strict JSON object, a missing or mistyped member,
/// a member that no record has, a signature on anything but a checkpoint), too_large.
Result<Line> parse_line(std::string_view line);

/// What of a checkpoint line (without its newline) is signed, and the signature; empty when it is no checkpoint.
struct SignedText {
  std::string text;
  Bytes signature;
};
SignedText signed_text(std::string_view line);
/// True when the raw line (without its newline) is a checkpoint signed by `key`.
bool verify_checkpoint(std::string_view line, const PublicKey& key);

}  // namespace cardgate::audit
