// SPDX-License-Identifier: Apache-2.0
#include "daemon/access/peer.hpp"

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
#include <iterator>
#include <memory>

#include "base/shown.hpp"

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

/// All of /proc/PID/NAME: a process may call itself anything, line ends too.
std::string proc_text(pid_t pid, std::string_view name) {
  std::ifstream file(fmt::format("/proc/{}/{}", pid, name));
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Field 22 of /proc/PID/stat; the program's name before it may hold spaces, brackets and line ends. 0 when unknown.
unsigned long long start_time(pid_t pid) {
  const std::string line = proc_text(pid, "stat");
  auto place = line.rfind(')');
  if (place == std::string::npos) return 0;
  for (int field = 2; field < 22; ++field) {
    place = line.find(' ', place + 1);
    if (place == std::string::npos) return 0;
  }
  return std::strtoull(line.c_str() + place, nullptr, 10);
}

/// The effective id in a line like "Uid:\t1000\t1000\t1000\t1000" of /proc/PID/status (proc(5)).
bool has_effective_id(const std::string& line, unsigned long long id) {
  char* end = nullptr;
  const char* real = line.c_str() + line.find(':') + 1;
  static_cast<void>(std::strtoull(real, &end, 10));
  const char* effective = end;
  return std::strtoull(effective, &end, 10) == id && end != effective;
}

/// Does the process that has this number now run as who connected did?
bool runs_as(const Peer& peer) {
  std::ifstream file(fmt::format("/proc/{}/status", peer.pid));
  bool uid = false;
  bool gid = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Uid:")) uid = has_effective_id(line, peer.uid);
    if (line.starts_with("Gid:")) gid = has_effective_id(line, peer.gid);
  }
  return uid && gid;
}

/// Reads what /proc says of a process that `pidfd` keeps from being confused with a later one of the same
/// number.
void describe_process(Peer& peer, int pidfd) {
  char* unit = nullptr;
  const int found = ::sd_pid_get_unit(peer.pid, &unit);
  const std::unique_ptr<char, decltype(&std::free)> owner(unit, &std::free);
  std::string program = proc_text(peer.pid, "comm");
  if (program.ends_with('\n')) program.pop_back();
  if (!still_lives(pidfd)) return;  // what was read may be another's
  // Units below user@UID.service are named by their user, and prove nothing.
  constexpr std::string_view user_manager = "user@";
  if (found >= 0 && std::string_view(unit).starts_with(user_manager)) {
    char* end = nullptr;
    const auto uid = std::strtoul(unit + user_manager.size(), &end, 10);
    if (end != unit + user_manager.size()) peer.manager_of = static_cast<uid_t>(uid);
  } else if (found >= 0) {
    peer.unit = shown_text(unit);
  }
  peer.program = shown_text(program.substr(0, 64));
}

/// For kernels that give no handle on who connected. The number alone may be a later process's by now, so it
/// must be the same process all the while, and run as who connected did. Somebody else's process is thus never
/// taken for the peer; a later one of the same user and group may be, between whom there is no boundary
/// anyway.
void describe_by_number(Peer& peer) {
  const auto started = start_time(peer.pid);
  const FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
  if (!pidfd || started == 0) return;
  Peer described = peer;
  describe_process(described, pidfd.get());
  if (!runs_as(peer) || start_time(peer.pid) != started || !still_lives(pidfd.get())) return;
  peer = std::move(described);
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
    // Any other answer is about this peer: it has ended, and its number may be another's.
    if (errno != ENOPROTOOPT) return peer;
  }
  describe_by_number(peer);
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

std::string describe(const Peer& peer) {
  std::string text = fmt::format("uid={} pid={}", peer.uid, peer.pid);
  if (!peer.unit.empty()) text += " unit=" + peer.unit;
  if (!peer.program.empty()) text += " program=" + peer.program;
  return text;
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
