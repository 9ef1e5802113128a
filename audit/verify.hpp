// SPDX-License-Identifier: Apache-2.0
// Proves a log, or says where it is broken. docs/audit-format.md states what can be found and what cannot.
//
// Needs no lock: a log that is being written verifies too. Takes the same little memory for a log of any size.
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

class CheckpointBook;

/// A key that signed the log from its segment with this first sequence number on.
struct KeyInUse {
  PublicKey key{};
  std::uint64_t since = 0;
};

/// What was found of one record that was asked for.
struct Proof {
  bool found = false;           // the log has a record with this number
  bool same = false;            // ... and it is the line that was given, byte for byte (or none was given)
  std::string line;             // the log's own
  std::string segment;          // the file's name
  std::uint64_t signed_by = 0;  // sequence of the checkpoint that signs it; 0: none does yet
  std::string signed_at;        // that one's time
};

struct Report {
  bool ok = false;
  std::uint64_t first = 0;  // sequence of the first and the last line
  std::uint64_t last = 0;
  std::string last_time;      // as it stands in the last line
  std::uint64_t records = 0;  // lines, the log's own included
  std::uint64_t segments = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> first_bad;  // sequence of the first record with something wrong
  std::vector<std::string> problems;       // each names segment, line and sequence; at most 100
  std::vector<std::string> notes;  // what a person should know, and is no fault in itself; at most 100
  bool torn_tail = false;  // an unfinished last write; healed at the next start; not a problem in itself
  std::uint64_t unsigned_tail = 0;  // lines after the last checkpoint: chained, but not signed yet
  PublicKey key{};                  // the newest key that the signatures were checked with
  std::vector<KeyInUse> keys;       // all of them, oldest first
  bool key_pinned = false;  // false: the key came from the log itself, so this is no proof against its forger
  std::string log_id;       // empty in logs begun by earlier versions
  std::uint64_t compared = 0;       // checkpoints from elsewhere that stand in the log
  std::uint64_t compared_last = 0;  // sequence of the newest of them
  std::optional<Proof> proof;       // of Question::record
};

/// What to prove, besides the log itself.
struct Question {
  std::optional<PublicKey> key{};        // pinned; else the keys that the log itself names are believed
  const CheckpointBook* book = nullptr;  // checkpoints that were kept elsewhere
  std::uint64_t record = 0;              // a record's sequence number; 0: none
  std::string line{};                    // its line, without newline; empty: whatever the log has
};

/// A broken log is not an error but a report.
/// Errors: not_found (no such directory, or no segment in it), permission_denied, io.
Result<Report> verify(const std::filesystem::path& directory, const Question& question);
Result<Report> verify(const std::filesystem::path& directory, const std::optional<PublicKey>& pinned_key);

/// The content of DIRECTORY/key.pub. Errors: not_found, permission_denied, io, malformed.
Result<PublicKey> read_public_key(const std::filesystem::path& file);

}  // namespace cardgate::audit
