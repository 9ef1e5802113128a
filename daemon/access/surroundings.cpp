// SPDX-License-Identifier: Apache-2.0
#include "daemon/access/surroundings.hpp"

#include <pwd.h>
#include <systemd/sd-login.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

namespace cardgate::daemon {
namespace {

std::vector<std::string> sessions_of(uid_t uid) {
  char** list = nullptr;
  const int count = ::sd_uid_get_sessions(uid, 0, &list);
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    out.emplace_back(list[i]);
    std::free(list[i]);
  }
  std::free(list);
  return out;
}

/// What logind answers with a text of its own; empty when it cannot be had.
std::string session_text(int (*ask)(const char*, char**), const std::string& session) {
  char* text = nullptr;
  const int found = ask(session.c_str(), &text);
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return found >= 0 && text != nullptr ? text : "";
}

bool is_here(const std::string& session) {
  return ::sd_session_is_remote(session.c_str()) == 0 && ::sd_session_is_active(session.c_str()) > 0;
}

}  // namespace

std::optional<uid_t> uid_of_account(const std::string& account) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(account.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return found->pw_uid;
}

bool is_remote(const Peer& peer) {
  constexpr std::string_view begin = "session-";
  constexpr std::string_view end = ".scope";
  const std::string_view unit = peer.unit;
  if (unit.starts_with(begin) && unit.ends_with(end)) {
    return !is_here(std::string(unit.substr(begin.size(), unit.size() - begin.size() - end.size())));
  }
  if (!peer.manager_of) return false;
  for (const auto& session : sessions_of(*peer.manager_of)) {
    if (is_here(session)) return false;
  }
  return true;
}

bool logged_in_elsewhere(uid_t uid, const std::string& but) {
  for (const auto& session : sessions_of(uid)) {
    if (session == but || session_text(::sd_session_get_class, session) != "user") continue;
    if (session_text(::sd_session_get_state, session) != "closing") return true;
  }
  return false;
}

}  // namespace cardgate::daemon
