// SPDX-License-Identifier: Apache-2.0
// What the system says of accounts (NSS) and of where somebody sits (logind). A test puts its own answers in their place. One
// thread: each looks at small files, or asks a name service of this machine.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "daemon/access/peer.hpp"

namespace cardgate::daemon {

/// The uid of an account of this machine; nothing: there is none.
std::optional<uid_t> uid_of_account(const std::string& account);

/// Whoever asks does not sit at this machine: their logind session is remote or not in front, or cannot be looked up. A program
/// below user@.service is where one of its user's sessions is. A program of no session (a greeter, login, a service) is here.
bool is_remote(const Peer& peer);

/// The user has another session of logind than `but`: a person's, and not one that is about to end.
bool logged_in_elsewhere(uid_t uid, const std::string& but);

struct Surroundings {
  std::function<std::optional<uid_t>(const std::string& account)> uid_of = uid_of_account;
  std::function<bool(const Peer&)> remote = is_remote;
  std::function<bool(uid_t, const std::string& but)> elsewhere = logged_in_elsewhere;
};

}  // namespace cardgate::daemon
