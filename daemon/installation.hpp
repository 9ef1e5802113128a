// SPDX-License-Identifier: Apache-2.0
// That this installation is in use, kept beside its configuration and so apart from its state: a state folder that is lost,
// or not mounted, must not look like a first start with an empty register and new keys. Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::daemon {

class Installation {
 public:
  /// The mark of the installation with this configuration file: installation/NAME.in-use beside it.
  explicit Installation(const std::filesystem::path& config_file);

  const std::filesystem::path& mark() const { return mark_; }
  bool in_use() const;

  /// Before anything is made in the state folder. Errors: not_found (it was in use, and its register is gone), with what to do.
  Result<void> check(const std::filesystem::path& state) const;
  /// What else of an installation in use is gone, and will be made anew: a sentence each. `unblocking_keys`: the register holds
  /// such keys, sealed, so that there must be a card-key.
  std::vector<std::string> lost(const std::filesystem::path& state, const std::filesystem::path& audit,
                                bool unblocking_keys) const;

  /// After a start that went well. The mark of an earlier start stays as it is. Errors: as write_file_atomic().
  Result<void> remember(const std::filesystem::path& state, WallTime now) const;

 private:
  std::filesystem::path mark_;
};

}  // namespace cardgate::daemon
