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

/// Whether it is an error that there is no trust anchor, so that no card can be good.
enum class Anchors : std::uint8_t { required, none_yet };

/// Errors: as trust::Authorities::load(), but for invalid_argument where none is required.
Result<trust::Authorities> load_authorities(const trust::Locations& locations, Anchors anchors);

struct Settings {
  Config config;
  std::shared_ptr<const policy::Policy> policy;
  trust::Authorities authorities;
  CardRules cards;
  std::shared_ptr<const PasswordRules> password_rules;
  FilesRead files;  // that all of it was read from, but for those under `trust`
};

/// Blocks for as long as the largest revocation list takes. A first start goes on without a trust anchor, because the sockets
/// then say what is missing; a reload that finds the anchors gone must change nothing. Errors: config_invalid (with file, line and key), not_found,
/// permission_denied, too_large, io, and those of trust::Authorities.
Result<Settings> load_settings(const std::filesystem::path& file, Anchors anchors);

}  // namespace cardgate::daemon
