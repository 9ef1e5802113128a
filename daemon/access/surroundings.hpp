// SPDX-License-Identifier: Apache-2.0
// What the system says of accounts (NSS) and of where somebody sits (logind). A test puts its own answers in their place. One
// thread, but for accounts: a name service may be slow, so they are looked up beside it (account_lookups.hpp).
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/access/peer.hpp"

namespace cardgate::daemon {

/// An account of this machine, with its name as the system writes it: a name service may ignore case, or know other names.
struct UnixAccount {
  uid_t uid = 0;
  std::string name;
};
/// Nothing: there is none, or it cannot be looked up.
std::optional<UnixAccount> account_by_name(const std::string& name);
std::optional<UnixAccount> account_by_uid(uid_t uid);

/// A program of this system unit that belongs to no session logs people in at this machine: getty and the display managers, and
/// `more`, where "name@*" is every unit of the template name@.service.
bool is_local_unit(std::string_view unit, const std::vector<std::string>& more);

/// Whoever asks does not sit at this machine: their logind session is remote, not in front or at no seat, or cannot be looked up.
/// A program below user@.service is where one of its user's sessions is. A program of no session (a greeter, login) is here when
/// its unit is_local_unit(): cron, at and services have no person before them.
bool is_remote(const Peer& peer, const std::vector<std::string>& local_units);

/// The user has another session of logind than `but` on this machine: a person's, not remote, and not about to end.
bool logged_in_elsewhere(uid_t uid, const std::string& but);

/// The session of logind is one that this user logged in by at this machine: a person's, not remote. False also when logind knows
/// none of this name. su and sudo inside a login have no session of their own; what cron and services run as somebody has none, or
/// one of another class.
bool is_login_of(uid_t uid, const std::string& session);

struct Surroundings {
  std::function<std::optional<UnixAccount>(const std::string& name)> by_name = account_by_name;
  std::function<std::optional<UnixAccount>(uid_t)> by_uid = account_by_uid;
  std::function<bool(const Peer&, const std::vector<std::string>& local_units)> remote = is_remote;
  std::function<bool(uid_t, const std::string& but)> elsewhere = logged_in_elsewhere;
  std::function<bool(uid_t, const std::string& session)> login_of = is_login_of;

  /// To be called beside the service's thread: the account that this peer may ask about by this name, which is every one for root,
  /// their own for others. Nothing: none. A name that somebody else than root chose is never looked up.
  std::function<std::optional<UnixAccount>()> account_for(const Peer& peer, const std::string& named) const;
};

}  // namespace cardgate::daemon
