// SPDX-License-Identifier: Apache-2.0
// What may be a password (NIST SP 800-63B 5.1.1.2): long enough, and none of those that are tried first. No rules about
// kinds of characters, no forced changes. Immutable once made; thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "base/password.hpp"
#include "base/strict_yaml.hpp"
#include "policy/policy.hpp"

namespace cardgate::daemon {

/// The config's `passwords`.
struct PasswordSettings {
  std::int64_t min_length = 12;     // in characters
  std::filesystem::path blocklist;  // one password a line; empty: none
  std::vector<std::string> words;   // of this place: its name, its town
  PasswordCost cost;
  milliseconds activation_life = std::chrono::hours(72);
  milliseconds reset_life = std::chrono::hours(24);
};
/// Errors: config_invalid.
Result<PasswordSettings> read_passwords(const Yaml& node);

class PasswordRules {
 public:
  /// Reads the blocklist. Errors: as read_file(); config_invalid (a line that no password can be).
  static Result<PasswordRules> load(const PasswordSettings& settings);

  /// A sentence that says why not; empty: it may be one. `words` are names of the person, which must not make up most of it.
  std::string refuse(const Secret& password, const std::vector<std::string>& words) const;

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::size_t min_length_ = 12;
  std::vector<std::string> words_;
  std::unordered_set<std::string, Hash, std::equal_to<>> blocked_;
};

/// The rule that no policy can change: a password opens a person's own record, and gives no rights over others.
bool opens_by_password(const policy::Role& role);

}  // namespace cardgate::daemon
