// SPDX-License-Identifier: Apache-2.0
// Checkpoints that left the machine: read back from wherever they were kept, and held against a log. Pure but for read().
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cardgate::audit {

class CheckpointBook {
 public:
  struct Entry {
    std::uint64_t sequence = 0;
    std::string raw;   // the line, without newline
    std::string time;  // as it stands in it
    std::string log;   // the log's id; empty in those of earlier versions
    std::string key;   // the key's id; the same
  };

  /// A file of checkpoint lines, or what a journal or a syslog says them in: `journalctl -o cat`, `-o short`, `-o json`. Other
  /// lines are passed over. Errors: not_found, permission_denied, io, too_large (256 MiB), malformed (no checkpoint in it).
  static Result<CheckpointBook> read(const std::filesystem::path& file);
  /// The same of a text. Errors: malformed.
  static Result<CheckpointBook> parse(std::string_view text);

  /// By sequence; the same line stands in it once.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

/// The checkpoint in a line of such a file, or nothing. Says nothing about its signature.
std::string_view find_checkpoint(std::string_view line);

}  // namespace cardgate::audit
