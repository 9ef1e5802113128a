// SPDX-License-Identifier: Apache-2.0
// cardgated's configuration file: loaded whole or refused whole, with file, line and key.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "daemon/cards/driver.hpp"
#include "daemon/judge.hpp"
#include "daemon/limits.hpp"
#include "daemon/password_rules.hpp"
#include "register/staff_ids.hpp"
#include "trust/authorities.hpp"
#include "trust/mapping.hpp"
#include "trust/validate.hpp"

namespace cardgate::daemon {

/// Who a peer must be. Every member that is set must fit; the loader refuses an entry with none.
struct PeerMatch {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::string unit;  // system unit, e.g. "esr-gateway.service"
};

struct AudienceGrant {
  std::string audience;
  std::vector<std::string> roles;
};

/// One program, or one user's programs, that may talk to cardgated beyond reading the status.
struct ClientEntry {
  std::string name;
  PeerMatch match;
  bool sign_in = false;               // may carry a passcode
  std::vector<AudienceGrant> tokens;  // may ask for these roles at these audiences
  std::vector<std::string> verifies;  // is registered for these audiences: introspect and verify
};

/// Who sits at a reader: the user active on the seat (logind), or the uids listed.
struct ReaderRule {
  std::string name_contains;  // empty: every reader
  std::string seat;           // empty: logind is not asked
  std::vector<uid_t> uids;
};

struct Downtime {
  std::string severity;  // critical, high, moderate, standard
  WallTime from, until;
  std::string text;
};

struct Config {
  std::filesystem::path file;
  std::string issuer;
  std::filesystem::path socket, admin_socket, state_directory, audit_directory, policy;
  std::size_t audit_segment_bytes = 64u << 20;
  std::size_t audit_keep_segments = 0;
  trust::Locations authorities;
  trust::Rules certificate_rules;  // but `stale_for`, which the policy says
  FetchSettings fetch;
  std::vector<std::filesystem::path> content_signers;  // some: CHUIDs must be signed by one of them
  std::vector<trust::MapRule> mapping;
  std::vector<ReaderRule> readers;
  CardSettings cards;
  std::vector<ClientEntry> clients;
  std::vector<Downtime> downtime;
  PasswordSettings passwords;
  std::shared_ptr<const reg::IdPattern> staff_ids;  // none: as the numbers on file are
  Limits limits;
};

/// Errors: config_invalid ("FILE:LINE: KEY: what was expected"), not_found, permission_denied, io.
Result<Config> load_config(const std::filesystem::path& file);

/// The first setting that cannot change while the service runs and differs; empty when a reload may go on.
std::string needs_restart(const Config& now, const Config& next);

}  // namespace cardgate::daemon
