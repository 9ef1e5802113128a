// SPDX-License-Identifier: Apache-2.0
// Which programs and users may do what at this machine, as the configuration says it. Pure data.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

/// What a program gets: a JWT, which anybody can verify offline, or a reference, which only introspection and verify know.
enum class TokenFormat : std::uint8_t { jwt, reference };

/// One program, or one user's programs, that may talk to cardgated beyond reading the status.
struct ClientEntry {
  std::string name;
  PeerMatch match;
  bool sign_in = false;  // may carry a passcode
  TokenFormat format = TokenFormat::jwt;
  std::vector<AudienceGrant> tokens;  // may ask for these roles at these audiences
  std::vector<std::string> verifies;  // is registered for these audiences: introspect and verify
};

/// Who sits at a reader: the user active on the seat (logind), or the uids listed.
struct ReaderRule {
  std::string name_contains;  // empty: every reader
  std::string seat;           // empty: logind is not asked
  std::vector<uid_t> uids;
};

}  // namespace cardgate::daemon
