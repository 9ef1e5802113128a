// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/settings.hpp"
#include "policy/reader.hpp"

#include <fmt/format.h>

namespace cardgate::daemon {
namespace {

/// What this configuration asks of cards.
Result<CardRules> card_rules(const Config& config) {
  CardRules rules;
  rules.require_presence = config.cards.require_presence;
  rules.content_signers = TRY(trust::ContentSigners::load(config.content_signers));
  rules.chuid_mapped = trust::need_chuid(config.mapping);
  return rules;
}

/// Every role that a client may ask for must exist, or a typing mistake would be found by a nurse at night.
Result<void> check_roles(const Config& config, const policy::Policy& policy) {
  for (const auto& client : config.clients) {
    for (const auto& grant : client.tokens) {
      for (const auto& role : grant.roles) {
        if (policy.role(role) != nullptr) continue;
        return Error{Errc::config_invalid,
                     fmt::format("{}: client '{}' may ask for the role '{}', which {} does not have",
                                 config.file.string(), client.name, role, config.policy.string())};
      }
    }
  }
  for (const auto& role : config.downtime.open_roles) {
    if (policy.role(role) != nullptr) continue;
    return Error{Errc::config_invalid,
                 fmt::format("{}: downtime.open_roles names the role '{}', which {} does not have",
                             config.file.string(), role, config.policy.string())};
  }
  return {};
}

}  // namespace

Result<trust::Authorities> load_authorities(const trust::Locations& locations, Anchors anchors) {
  auto loaded = trust::Authorities::load(locations);
  const bool none = !loaded && loaded.error().code == Errc::invalid_argument;
  if (!none || anchors == Anchors::required) return loaded;
  return trust::Authorities::load({{}, locations.intermediates, locations.crls});
}

Result<Settings> load_settings(const std::filesystem::path& file, Anchors anchors) {
  // Their fingerprints are taken before they are read: a file that changes meanwhile then counts as changed.
  FilesRead files;
  files.add(file);
  auto config = TRY(load_config(file));
  files.add(config.policy);
  if (!config.passwords.blocklist.empty()) files.add(config.passwords.blocklist);
  auto policy = std::make_shared<policy::Policy>(TRY(policy::load_policy(config.policy)));
  policy->live_by(config.calendar);
  TRY(check_roles(config, *policy));
  auto authorities = TRY(load_authorities(config.authorities, anchors));
  auto cards = TRY(card_rules(config));
  auto password_rules = std::make_shared<const PasswordRules>(TRY(PasswordRules::load(config.passwords)));
  return Settings{std::move(config), std::move(policy),         std::move(authorities),
                  std::move(cards),  std::move(password_rules), std::move(files)};
}

}  // namespace cardgate::daemon
