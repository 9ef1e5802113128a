// SPDX-License-Identifier: Apache-2.0
// All that the configuration names, read whole or refused whole: for a start, a reload, and a check of the files beside a
// service that runs. Nothing here touches the service's state. Thread-safe.
#pragma once

#include <filesystem>
#include <memory>

#include "daemon/rules/certificate_judge.hpp"
#include "daemon/rules/config.hpp"
#include "daemon/rules/configuration_in_use.hpp"
#include "daemon/rules/password_rules.hpp"
#include "policy/policy.hpp"
#include "trust/authorities.hpp"

namespace cardgate::daemon {

struct Settings {
  Config config;
  std::shared_ptr<const policy::Policy> policy;
  trust::Authorities authorities;
  CardRules cards;
  std::shared_ptr<const PasswordRules> password_rules;
  FilesRead files;  // that all of it was read from, but for those under `trust`
};

/// Blocks for as long as the largest revocation list takes. Errors: config_invalid (with file, line and key), not_found,
/// permission_denied, too_large, io, and those of trust::Authorities.
Result<Settings> load_settings(const std::filesystem::path& file);

}  // namespace cardgate::daemon
