// SPDX-License-Identifier: Apache-2.0
#include "client/agent/login_session.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cardgate::agent {
namespace {

constexpr const char* logind = "org.freedesktop.login1";
constexpr const char* manager_path = "/org/freedesktop/login1";
constexpr const char* manager = "org.freedesktop.login1.Manager";
constexpr const char* session_interface = "org.freedesktop.login1.Session";
constexpr const char* user_interface = "org.freedesktop.login1.User";
constexpr const char* properties = "org.freedesktop.DBus.Properties";

std::string text_in(sd_bus_message* message, char type) {
  const char* text = nullptr;
  return sd_bus_message_read_basic(message, type, &text) > 0 && text != nullptr ? text : std::string();
}

bool bool_in(sd_bus_message* message) {
  int value = 0;
  return sd_bus_message_read(message, "v", "b", &value) >= 0 && value != 0;
}

std::string text_of_variant(sd_bus_message* message) {
  const char* text = nullptr;
  return sd_bus_message_read(message, "v", "s", &text) >= 0 && text != nullptr ? text : std::string();
}

}  // namespace

LoginSession::LoginSession(boost::asio::io_context& io, Listener listener)
    : listener_(std::move(listener)), bus_(io, Bus::Which::system) {
  const std::string from = std::string("type='signal',sender='") + logind + "',";
  bus_.match(from + "interface='" + properties + "',member='PropertiesChanged'",
             [this](sd_bus_message* message) {
               const char* path = sd_bus_message_get_path(message);
               if (path != nullptr && (path == path_ || logins_.contains(path))) look(path);
             });
  bus_.match(from + "interface='" + session_interface + "',member='Unlock'", [this](sd_bus_message* message) {
    const char* path = sd_bus_message_get_path(message);
    if (path == nullptr) return;
    if (path == path_) listener_.unlock(false);
    if (path != path_ && logins_.contains(path)) listener_.unlock(true);
  });
  // Which session is the user's own may have changed.
  bus_.match(from + "interface='" + manager + "',member='SessionNew'", [this](sd_bus_message*) { find(); });
  bus_.match(from + "interface='" + manager + "',member='SessionRemoved'", [this](sd_bus_message* message) {
    const char *id = nullptr, *path = nullptr;
    if (sd_bus_message_read(message, "so", &id, &path) < 0) return;
    const bool ours = path == path_ || logins_.contains(path);
    logins_.erase(path);
    if (ours && ended()) return;
    find();
  });
  bus_.match(from + "interface='" + manager + "',member='PrepareForSleep'", [this](sd_bus_message* message) {
    int going = 0;
    if (sd_bus_message_read(message, "b", &going) < 0) return;
    if (going == 0) hold_sleep();
    listener_.sleep(going != 0);
  });
}

void LoginSession::start() {
  bus_.start(
      [this] {
        hold_sleep();
        find();
      },
      [this] { lost(); });
}

void LoginSession::lost() {
  id_.clear();
  path_.clear();
  logins_.clear();
  inhibitor_.reset();
  listener_.screen({});
}

/// True: the user has no graphical login at this machine any more, and had one.
bool LoginSession::ended() {
  const auto goes_on = [](const auto& entry) { return entry.second.graphical && !entry.second.closing; };
  if (!was_graphical_ || std::ranges::any_of(logins_, goes_on)) return false;
  listener_.over();
  return true;
}

/// The user's session with a display, else the one that logind takes for the user's main one: an agent that is a user service is
/// in none itself.
void LoginSession::find() {
  const auto of_user = [this](sd_bus_message* reply) {
    if (reply == nullptr) return lost();
    const auto user = text_in(reply, 'o');
    bus_.call(
        {logind, user, properties, "Get"},
        [](sd_bus_message* ask) { return sd_bus_message_append(ask, "ss", user_interface, "Display"); },
        [this](sd_bus_message* display) {
          const char* id = nullptr;
          const char* path = nullptr;
          const bool read = display != nullptr && sd_bus_message_read(display, "v", "(so)", &id, &path) >= 0;
          if (!read || *id == '\0') return lost();
          id_ = id;
          path_ = path;
          look(path_);
          find_others();
          if (std::exchange(lock_wanted_, false)) lock_one(id_);
        });
  };
  bus_.call(
      {logind, manager_path, manager, "GetUser"},
      [](sd_bus_message* ask) { return sd_bus_message_append(ask, "u", ::getuid()); }, of_user);
}

/// Sessions without a seat are remote ones.
void LoginSession::find_others() {
  bus_.call({logind, manager_path, manager, "ListSessions"}, {}, [this](sd_bus_message* reply) {
    if (reply == nullptr || sd_bus_message_enter_container(reply, 'a', "(susso)") < 0) return;
    const char *id = nullptr, *name = nullptr, *seat = nullptr, *path = nullptr;
    std::uint32_t uid = 0;
    std::vector<std::string> there;
    while (sd_bus_message_read(reply, "(susso)", &id, &uid, &name, &seat, &path) > 0) {
      if (uid != ::getuid() || *seat == '\0') continue;
      there.emplace_back(path);
      logins_[path].id = id;
    }
    std::erase_if(logins_, [&](const auto& entry) {
      return entry.first != path_ && std::ranges::find(there, entry.first) == there.end();
    });
    for (const auto& each : there) look(each);
  });
}

void LoginSession::look(const std::string& path) {
  bus_.call(
      {logind, path, properties, "GetAll"},
      [](sd_bus_message* ask) { return sd_bus_message_append(ask, "s", session_interface); },
      [this, path](sd_bus_message* reply) {
        // It may have gone meanwhile, or not be watched any more.
        if (reply == nullptr || path_.empty() || (path != path_ && !logins_.contains(path))) return;
        auto& login = logins_[path];
        if (path == path_) login.id = id_;
        if (!take_properties(reply, login)) return;
        if (path == path_ && login.graphical) was_graphical_ = true;
        if (login.closing && ended()) return;
        tell();
      });
}

bool LoginSession::take_properties(sd_bus_message* reply, Login& into) {
  if (sd_bus_message_enter_container(reply, 'a', "{sv}") < 0) return false;
  while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
    const auto name = text_in(reply, 's');
    if (name == "LockedHint") {
      into.locked = bool_in(reply);
    } else if (name == "Active") {
      into.active = bool_in(reply);
    } else if (name == "Type") {
      const auto type = text_of_variant(reply);
      into.graphical = type == "x11" || type == "wayland" || type == "mir";
    } else if (name == "State") {
      into.closing = text_of_variant(reply) == "closing";
    } else {
      sd_bus_message_skip(reply, "v");
    }
    if (sd_bus_message_exit_container(reply) < 0) return false;
  }
  return true;
}

void LoginSession::tell() {
  const auto main = logins_.find(path_);
  if (main == logins_.end()) return;
  ScreenState state{.known = true, .locked = main->second.locked, .active = main->second.active};
  for (const auto& [path, login] : logins_) {
    if (path == path_ || !login.graphical || login.closing) continue;
    state.others_locked = state.others_locked && login.locked;
    state.other_in_front = state.other_in_front || login.open_in_front();
  }
  listener_.screen(state);
}

void LoginSession::lock() {
  if (id_.empty()) {
    lock_wanted_ = true;
    find();
  } else {
    lock_one(id_);
  }
  lock_others();
}

/// Somebody who is logged in twice at this machine, on two screens, leaves both. Sessions without a seat are remote ones.
void LoginSession::lock_others() {
  bus_.call({logind, manager_path, manager, "ListSessions"}, {}, [this](sd_bus_message* reply) {
    if (reply == nullptr || sd_bus_message_enter_container(reply, 'a', "(susso)") < 0) return;
    const char *id = nullptr, *name = nullptr, *seat = nullptr, *path = nullptr;
    std::uint32_t uid = 0;
    while (sd_bus_message_read(reply, "(susso)", &id, &uid, &name, &seat, &path) > 0) {
      if (uid == ::getuid() && *seat != '\0' && id_ != id) lock_one(id);
    }
  });
}

void LoginSession::lock_one(const std::string& id) {
  bus_.call(
      {logind, manager_path, manager, "LockSession"},
      [&id](sd_bus_message* ask) { return sd_bus_message_append(ask, "s", id.c_str()); },
      [this](sd_bus_message* reply) {
        if (reply == nullptr) listener_.say("logind did not lock the screen.");
      });
}

void LoginSession::end() {
  const auto front =
      std::ranges::find_if(logins_, [](const auto& entry) { return entry.second.open_in_front(); });
  const auto& id = front == logins_.end() ? id_ : front->second.id;
  bus_.call(
      {logind, manager_path, manager, "TerminateSession"},
      [&id](sd_bus_message* ask) { return sd_bus_message_append(ask, "s", id.c_str()); },
      [this](sd_bus_message* reply) {
        if (reply == nullptr) listener_.say("logind did not end the login session.");
      });
}

void LoginSession::hold_sleep() {
  if (inhibitor_) return;
  bus_.call(
      {logind, manager_path, manager, "Inhibit"},
      [](sd_bus_message* ask) {
        return sd_bus_message_append(ask, "ssss", "sleep", "cardgate agent", "The screen is locked first",
                                     "delay");
      },
      [this](sd_bus_message* reply) {
        int fd = -1;
        if (reply != nullptr && sd_bus_message_read(reply, "h", &fd) >= 0)
          inhibitor_ = FileDescriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
      });
}

void LoginSession::let_sleep() {
  inhibitor_.reset();
}

}  // namespace cardgate::agent
