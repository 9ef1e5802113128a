// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a Unix socket, as the kernel tells it: never as the peer says.
//
//   SO_PEERCRED    uid, gid, pid of who connected
//   SO_PEERGROUPS  supplementary groups
//   SO_PEERPIDFD   a handle on that very process (Linux 6.5); before that pidfd_open, the start time before and
//                  after, and the uid and gid of /proc/PID against those who connected
//   /proc/PID/cgroup, read before a check that the process still lives -> the system unit
//
// A connection that is handed to another process keeps the identity of who made it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "daemon/access/match.hpp"

namespace cardgate::daemon {

struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  std::vector<gid_t> groups;
  std::string unit;     // system unit; empty for user sessions and when it cannot be known
  std::string program;  // /proc/PID/comm: recorded, never trusted
  bool admin_socket = false;
  /// Whose limits its use counts for: the owner's where `uid` is a subordinate one (subuid(5)), else `uid`.
  uid_t counted_as = static_cast<uid_t>(-1);
  /// Whose systemd (user@UID.service) started it, as the programs of a desktop are; such a peer has no `unit`.
  std::optional<uid_t> manager_of = {};
};

/// How the process was pinned; the second is for kernels before 6.5 and for the test of that path.
enum class Pin { peer_pidfd, open_and_start_time };

/// Errors: permission_denied (the kernel names nobody), io.
Result<Peer> attest(int socket, Pin preferred = Pin::peer_pidfd);

bool fits(const PeerMatch& match, const Peer& peer);

/// "uid=1000 pid=77 unit=esr-gateway.service program=gateway": as records tell of a peer.
std::string describe(const Peer& peer);

/// True when `uid` may type a passcode at `reader`: listed in the config, or active on the reader's seat
/// (logind).
bool sits_at(const std::vector<ReaderRule>& rules, const std::string& reader, uid_t uid);

}  // namespace cardgate::daemon
