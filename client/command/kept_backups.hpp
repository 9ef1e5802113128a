// SPDX-License-Identifier: Apache-2.0
// A folder of dated backups of the register, of which the newest are kept: "register-2026-01-31T021500Z.db". Other files in it are
// left alone. Open for one run at a time. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace cardgate::client {

class KeptBackups {
 public:
  /// Takes the folder for this run, and removes what a run that was broken off left behind.
  /// Errors: not_found, permission_denied, invalid_argument (others may write there, so a backup there proves nothing),
  /// already_exists (another run has it), io.
  static Result<KeptBackups> open(const std::filesystem::path& folder);

  static std::string next_name(WallTime now);
  static bool is_name(std::string_view name);

  /// The oldest first. Errors: io.
  Result<std::vector<std::string>> names() const;
  /// Removes the oldest until `most` are left. Errors: io.
  Result<void> remove_all_but(std::size_t most) const;

 private:
  KeptBackups(std::filesystem::path folder, FileDescriptor held)
      : folder_(std::move(folder)), held_(std::move(held)) {}

  std::filesystem::path folder_;
  FileDescriptor held_;
};

}  // namespace cardgate::client
