// SPDX-License-Identifier: Apache-2.0
// cardgated's configuration file: loaded whole or refused whole, with file, line and key.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/retention.hpp"
#include "base/calendar.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "daemon/access/match.hpp"
#include "daemon/drivers/card_settings.hpp"
#include "daemon/limits.hpp"
#include "daemon/rules/certificate_judge.hpp"
#include "daemon/rules/downtime_settings.hpp"
#include "daemon/rules/password_rules.hpp"
#include "proto/token.hpp"
#include "register/staff_ids.hpp"
#include "trust/authorities.hpp"
#include "trust/mapping.hpp"
#include "trust/validate.hpp"

namespace cardgate::daemon {

/// Of those who sign in to accounts of this machine (login, su, the desktop: PAM).
struct LoginSettings {
  bool enforce_account = false;  // who has left, or whose access is removed, is refused by password, too
  bool allow_remote = false;     // who does not sit at this machine may use its readers
  bool allow_root = false;       // root's account may be opened by card
  bool ask_for_card = true;      // whoever has a card is asked to put it in
  std::vector<std::string> local_units;  // log people in at this machine, as is_local_unit() takes them
};

/// What was promised to the people who work here; reports on usage compare with it. Nothing that was promised: 0.
struct ServiceStandard {
  double availability = 0;  // percent of the time, without planned downtime
  milliseconds sign_in{0};  // from the passcode to the open session
};

/// How tokens are signed, and for how long by one key.
struct TokenSettings {
  proto::Algorithm algorithm = proto::Algorithm::eddsa;
  std::optional<milliseconds> rotate_every;            // nothing: by hand alone
  milliseconds publish_ahead = std::chrono::hours(1);  // a key is published so long before it signs
};

struct Config {
  std::filesystem::path file;
  std::string issuer;
  Calendar calendar;  // of the time zone whose days count
  std::filesystem::path socket, admin_socket, state_directory, audit_directory, policy;
  std::size_t audit_segment_bytes = 64u << 20;
  std::size_t audit_keep_segments = 0;
  audit::Keeping audit_keeping;
  milliseconds audit_checkpoint_every = std::chrono::minutes(15);
  std::filesystem::path audit_checkpoint_file;  // the journal has them in any case; empty: no file has
  std::filesystem::path audit_checkpoint_hook;  // the socket that takes them; empty: none
  ServiceStandard service_standard;
  trust::Locations authorities;
  trust::Rules certificate_rules;  // but `stale_for`, which the policy says
  FetchSettings fetch;
  std::vector<std::filesystem::path> content_signers;  // some: CHUIDs must be signed by one of them
  std::vector<trust::MapRule> mapping;
  std::vector<ReaderRule> readers;
  CardSettings cards;
  std::vector<ClientEntry> clients;
  DowntimeSettings downtime;
  TokenSettings tokens;
  PasswordSettings passwords;
  LoginSettings pam;
  std::shared_ptr<const reg::IdPattern> staff_ids;  // none: as the numbers on file are
  Limits limits;
};

/// Errors: config_invalid ("FILE:LINE: KEY: what was expected"), not_found, permission_denied, io.
Result<Config> load_config(const std::filesystem::path& file);

/// The first setting that cannot change while the service runs and differs; empty when a reload may go on.
std::string needs_restart(const Config& now, const Config& next);

}  // namespace cardgate::daemon
