// SPDX-License-Identifier: Apache-2.0
#include "daemon/access/surroundings.hpp"

#include <pwd.h>
#include <systemd/sd-login.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace cardgate::daemon {
namespace {

/// Units whose programs log people in at this machine's own screens and consoles.
constexpr std::array<std::string_view, 8> usual_local_units{
    "getty@*",     "serial-getty@*", "console-getty.service", "lightdm.service",
    "gdm.service", "gdm3.service",   "sddm.service",          "display-manager.service"};

bool is_unit(std::string_view named, std::string_view unit) {
  constexpr std::string_view service = ".service";
  if (!named.ends_with('*')) return named == unit;
  const auto prefix = named.substr(0, named.size() - 1);
  return unit.size() > prefix.size() + service.size() && unit.starts_with(prefix) && unit.ends_with(service);
}

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

/// logind says that every session without a seat is in front: ssh to this machine itself, machinectl shell, su of a service.
bool is_here(const std::string& session) {
  return ::sd_session_is_remote(session.c_str()) == 0 && ::sd_session_is_active(session.c_str()) > 0 &&
         !session_text(::sd_session_get_seat, session).empty();
}

/// A person's, and nobody comes to it from afar.
bool is_login_here(const std::string& session) {
  return session_text(::sd_session_get_class, session) == "user" &&
         ::sd_session_is_remote(session.c_str()) == 0;
}

/// `ask` is getpwnam_r or getpwuid_r.
template <class Key, class Ask>
std::optional<UnixAccount> account_by(Key key, Ask ask) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (ask(key, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return UnixAccount{found->pw_uid, found->pw_name};
}

}  // namespace

std::optional<UnixAccount> account_by_name(const std::string& name) {
  return account_by(name.c_str(), ::getpwnam_r);
}

std::optional<UnixAccount> account_by_uid(uid_t uid) {
  return account_by(uid, ::getpwuid_r);
}

bool is_local_unit(std::string_view unit, const std::vector<std::string>& more) {
  const auto fits_unit = [unit](std::string_view named) { return is_unit(named, unit); };
  return !unit.empty() &&
         (std::ranges::any_of(usual_local_units, fits_unit) || std::ranges::any_of(more, fits_unit));
}

bool is_remote(const Peer& peer, const std::vector<std::string>& local_units) {
  constexpr std::string_view begin = "session-";
  constexpr std::string_view end = ".scope";
  const std::string_view unit = peer.unit;
  if (unit.starts_with(begin) && unit.ends_with(end) && unit.size() > begin.size() + end.size()) {
    return !is_here(std::string(unit.substr(begin.size(), unit.size() - begin.size() - end.size())));
  }
  if (peer.manager_of) return std::ranges::none_of(sessions_of(*peer.manager_of), is_here);
  return !is_local_unit(unit, local_units);
}

bool logged_in_elsewhere(uid_t uid, const std::string& but) {
  for (const auto& session : sessions_of(uid)) {
    if (session == but || !is_login_here(session)) continue;
    if (session_text(::sd_session_get_state, session) != "closing") return true;
  }
  return false;
}

bool is_login_of(uid_t uid, const std::string& session) {
  uid_t owner = 0;
  return ::sd_session_get_uid(session.c_str(), &owner) >= 0 && owner == uid && is_login_here(session);
}

std::function<std::optional<UnixAccount>()> Surroundings::account_for(const Peer& peer,
                                                                      const std::string& named) const {
  if (peer.uid == 0) return [look = by_name, named] { return look(named); };
  return [look = by_uid, uid = peer.uid, named] {
    auto own = look(uid);
    return own && own->name == named ? own : std::nullopt;
  };
}

}  // namespace cardgate::daemon
