// SPDX-License-Identifier: Apache-2.0
#include "daemon/peer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace cardgate::daemon {
namespace {

#ifndef SO_PEERPIDFD
constexpr int so_peerpidfd = 77;  // Linux 6.5; Debian 12's headers are older than some kernels it runs on
#else
constexpr int so_peerpidfd = SO_PEERPIDFD;
#endif

bool still_lives(int pidfd) {
  pollfd entry{pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 0;
}

/// Field 22 of /proc/PID/stat; the program's name before it may hold spaces and brackets. 0 when unknown.
unsigned long long start_time(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return 0;
  auto place = line.rfind(')');
  if (place == std::string::npos) return 0;
  for (int field = 2; field < 22; ++field) {
    place = line.find(' ', place + 1);
    if (place == std::string::npos) return 0;
  }
  return std::strtoull(line.c_str() + place, nullptr, 10);
}

/// Reads what /proc says of a process that `pidfd` keeps from being confused with a later one of the same
/// number.
void describe_process(Peer& peer, int pidfd) {
  char* unit = nullptr;
  const int found = ::sd_pid_get_unit(peer.pid, &unit);
  const std::unique_ptr<char, decltype(&std::free)> owner(unit, &std::free);
  std::string program;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", peer.pid)) >> std::ws, program);
  if (!still_lives(pidfd)) return;  // what was read may be another's
  // Units below user@UID.service are named by their user, and prove nothing.
  if (found >= 0 && !std::string_view(unit).starts_with("user@")) peer.unit = unit;
  if (is_plain_utf8(program)) peer.program = program.substr(0, 64);
}

}  // namespace

Result<Peer> attest(int socket, Pin preferred) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return errno_error("peer", errno);
  Peer peer;
  peer.uid = credentials.uid;
  peer.counted_as = credentials.uid;
  peer.gid = credentials.gid;
  peer.pid = credentials.pid;
  // 65534 is what a peer outside our user namespace looks like: nobody in particular.
  if (peer.uid == static_cast<uid_t>(-1) || peer.pid <= 0) {
    return Error{Errc::permission_denied, "the kernel does not say who is connected"};
  }

  peer.groups.resize(64);
  size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
  int got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
  if (got != 0 && errno == ERANGE) {
    peer.groups.resize(size / sizeof(gid_t));
    got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
  }
  if (got != 0) return errno_error("peer groups", errno);
  peer.groups.resize(size / sizeof(gid_t));

  if (preferred == Pin::peer_pidfd) {
    int raw = -1;
    size = sizeof raw;
    if (::getsockopt(socket, SOL_SOCKET, so_peerpidfd, &raw, &size) == 0) {
      const FileDescriptor pidfd(raw);
      describe_process(peer, pidfd.get());
      return peer;
    }
  }
  const auto before = start_time(peer.pid);
  const FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  // Opened by number, so it may be a later process: it is the peer only if it started when the peer had.
  if (pidfd && before != 0 && start_time(peer.pid) == before) describe_process(peer, pidfd.get());
  return peer;
}

bool fits(const PeerMatch& match, const Peer& peer) {
  if (match.uid && *match.uid != peer.uid) return false;
  if (match.gid && *match.gid != peer.gid &&
      std::ranges::find(peer.groups, *match.gid) == peer.groups.end()) {
    return false;
  }
  return match.unit.empty() || match.unit == peer.unit;
}

bool sits_at(const std::vector<ReaderRule>& rules, const std::string& reader, uid_t uid) {
  for (const auto& rule : rules) {
    if (reader.find(rule.name_contains) == std::string::npos) continue;
    if (std::ranges::find(rule.uids, uid) != rule.uids.end()) return true;
    if (!rule.seat.empty() && ::sd_uid_is_on_seat(uid, 1, rule.seat.c_str()) > 0) return true;
  }
  return false;
}

}  // namespace cardgate::daemon
