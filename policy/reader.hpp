// SPDX-License-Identifier: Apache-2.0
// Reads the access policy from its YAML file and checks it whole (config/policy.yaml is the commented example). Pure but
// for reading the file; thread-safe.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.hpp"
#include "policy/policy.hpp"

namespace cardgate::policy {

/// Errors: not_found, permission_denied, io, too_large (the file); config_invalid (file, line, key, what was expected).
Result<Policy> load_policy(const std::filesystem::path& path);
/// `name` stands for the file in messages. Errors: config_invalid.
Result<Policy> parse_policy(std::string_view text, std::string_view name);

}  // namespace cardgate::policy
