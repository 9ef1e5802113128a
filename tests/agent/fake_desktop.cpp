// SPDX-License-Identifier: Apache-2.0
// Stands in for logind and for a desktop's notifications, on a bus of the test's own: fake-desktop ADDRESS. What it was asked goes
// to its output, a line each. A test steers it by a second one, fake-desktop ADDRESS WORD: "locked", "unlocked", "away", "here", "sleep",
// "woke", "unlock" (what a greeter asks logind for); "obey" and "ignore" say whether it locks when it is asked to. "other here" and
// "other away" bring the user's second desktop to the front; "other ends" and "ends" end the logins.
#include <fcntl.h>
#include <poll.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>

namespace {

constexpr const char* session_path = "/org/freedesktop/login1/session/c1";
constexpr const char* session_interface = "org.freedesktop.login1.Session";
constexpr const char* manager_path = "/org/freedesktop/login1";
constexpr const char* manager_interface = "org.freedesktop.login1.Manager";

struct State {
  sd_bus* bus = nullptr;
  int locked = 0, active = 1;
  int other_locked = 0, other_active = 0;
  bool other_there = true;
  bool obeys = true;
  int inhibitor = -1;  // our end: it ends when the agent lets go
  std::uint32_t notes = 0;
} state;

void tell(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void must(int result, const char* what) {
  if (result >= 0) return;
  std::fprintf(stderr, "fake-desktop: %s: %d\n", what, result);
  std::_Exit(1);
}

const char* type_text = "x11";

void set_other(int& value, int to) {
  value = to;
  must(sd_bus_emit_properties_changed(state.bus, "/c2", session_interface,
                                      &value == &state.other_locked ? "LockedHint" : "Active", nullptr),
       "changed");
}

void set(int& value, int to) {
  value = to;
  must(sd_bus_emit_properties_changed(state.bus, session_path, session_interface,
                                      &value == &state.locked ? "LockedHint" : "Active", nullptr),
       "changed");
}

int get_user(sd_bus_message* message, void*, sd_bus_error*) {
  return sd_bus_reply_method_return(message, "o", "/org/freedesktop/login1/user/own");
}

int lock_session(sd_bus_message* message, void*, sd_bus_error*) {
  const char* id = nullptr;
  sd_bus_message_read(message, "s", &id);
  tell(std::string("LockSession ") + id);
  const int sent = sd_bus_reply_method_return(message, "");
  if (state.obeys && std::string(id) == "c1") set(state.locked, 1);
  if (state.obeys && std::string(id) == "c2") set_other(state.other_locked, 1);
  return sent;
}

/// The session of the display, another on a second screen, one from afar, and somebody else's.
int list_sessions(sd_bus_message* message, void*, sd_bus_error*) {
  const std::uint32_t own = ::getuid();
  if (!state.other_there)
    return sd_bus_reply_method_return(message, "a(susso)", 1, "c1", own, "ada", "seat0", session_path);
  return sd_bus_reply_method_return(message, "a(susso)", 4, "c1", own, "ada", "seat0", session_path,  //
                                    "c2", own, "ada", "seat0", "/c2",                                 //
                                    "c3", own, "ada", "", "/c3",                                      //
                                    "c4", own + 1, "max", "seat0", "/c4");
}

int terminate_session(sd_bus_message* message, void*, sd_bus_error*) {
  const char* id = nullptr;
  sd_bus_message_read(message, "s", &id);
  tell(std::string("TerminateSession ") + id);
  return sd_bus_reply_method_return(message, "");
}

int inhibit(sd_bus_message* message, void*, sd_bus_error*) {
  int ends[2];
  must(::pipe2(ends, O_CLOEXEC), "pipe");
  if (state.inhibitor >= 0) ::close(state.inhibitor);
  state.inhibitor = ends[0];
  const int sent = sd_bus_reply_method_return(message, "h", ends[1]);
  ::close(ends[1]);
  tell("Inhibit");
  return sent;
}

int display(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*, sd_bus_error*) {
  return sd_bus_message_append(reply, "(so)", "c1", session_path);
}

int type(sd_bus*, const char* path, const char*, const char*, sd_bus_message* reply, void*, sd_bus_error*) {
  tell(std::string("Type ") + path);
  return sd_bus_message_append(reply, "s", type_text);
}

int capabilities(sd_bus_message* message, void*, sd_bus_error*) {
  return sd_bus_reply_method_return(message, "as", 2, "body", "body-markup");
}

int notify(sd_bus_message* message, void*, sd_bus_error*) {
  const char *app = nullptr, *icon = nullptr, *summary = nullptr, *body = nullptr, *key = nullptr;
  std::uint32_t replaces = 0;
  std::uint8_t urgency = 0;
  must(sd_bus_message_read(message, "susss", &app, &replaces, &icon, &summary, &body), "note");
  must(sd_bus_message_skip(message, "as"), "actions");
  must(sd_bus_message_read(message, "a{sv}", 1, &key, "y", &urgency), "hints");
  std::string text = body;
  for (char& c : text) c = c == '\n' ? ' ' : c;
  tell("Notify " + std::to_string(replaces) + " " + std::to_string(urgency) + " " + summary + " | " + text);
  return sd_bus_reply_method_return(message, "u", ++state.notes);
}

int steer(sd_bus_message* message, void*, sd_bus_error*) {
  const char* word = nullptr;
  must(sd_bus_message_read(message, "s", &word), "word");
  const std::string what = word;
  if (what == "locked" || what == "unlocked") set(state.locked, what == "locked" ? 1 : 0);
  // A greeter brings the person's login session to the front and unlocks it in one go.
  const bool by_greeter = what == "here unlocked";
  if (what == "away" || what == "here" || by_greeter) set(state.active, what == "away" ? 0 : 1);
  if (what == "obey" || what == "ignore") state.obeys = what == "obey";
  if (what == "other here" || what == "other away") {
    set(state.active, what == "other away" ? 1 : 0);
    set_other(state.other_active, what == "other here" ? 1 : 0);
  }
  for (const auto& [end, id, path] :
       {std::tuple("ends", "c1", session_path), std::tuple("other ends", "c2", "/c2")}) {
    if (what == end && std::string(id) == "c2") state.other_there = false;
    if (what == end)
      must(sd_bus_emit_signal(state.bus, manager_path, manager_interface, "SessionRemoved", "so", id, path),
           "ends");
  }
  if (what == "unlock" || by_greeter)
    must(sd_bus_emit_signal(state.bus, session_path, session_interface, "Unlock", nullptr), "unlock");
  if (what == "sleep" || what == "woke")
    must(sd_bus_emit_signal(state.bus, manager_path, manager_interface, "PrepareForSleep", "b",
                            what == "sleep"),
         "sleep");
  return sd_bus_reply_method_return(message, "");
}

const sd_bus_vtable manager[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetUser", "u", "o", get_user, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("LockSession", "s", "", lock_session, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListSessions", nullptr, "a(susso)", list_sessions, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("TerminateSession", "s", "", terminate_session, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Inhibit", "ssss", "h", inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
    SD_BUS_SIGNAL("SessionRemoved", "so", 0),
    SD_BUS_VTABLE_END};
const sd_bus_vtable user[] = {SD_BUS_VTABLE_START(0), SD_BUS_PROPERTY("Display", "(so)", display, 0, 0),
                              SD_BUS_VTABLE_END};
const sd_bus_vtable session[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_SIGNAL("Unlock", nullptr, 0),
    SD_BUS_PROPERTY("LockedHint", "b", nullptr, offsetof(State, locked), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Active", "b", nullptr, offsetof(State, active), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Type", "s", type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END};
const sd_bus_vtable other_session[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("LockedHint", "b", nullptr, offsetof(State, other_locked),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Active", "b", nullptr, offsetof(State, other_active),
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Type", "s", type, 0, SD_BUS_VTABLE_PROPERTY_CONST), SD_BUS_VTABLE_END};
const sd_bus_vtable notifications[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetCapabilities", "", "as", capabilities, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Notify", "susssasa{sv}i", "u", notify, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};
const sd_bus_vtable control[] = {SD_BUS_VTABLE_START(0),
                                 SD_BUS_METHOD("Do", "s", "", steer, SD_BUS_VTABLE_UNPRIVILEGED),
                                 SD_BUS_VTABLE_END};

void look_at_inhibitor() {
  if (state.inhibitor < 0) return;
  pollfd end{state.inhibitor, POLLIN, 0};
  if (::poll(&end, 1, 0) != 1) return;
  ::close(state.inhibitor);
  state.inhibitor = -1;
  tell("may sleep");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  must(sd_bus_new(&state.bus), "bus");
  must(sd_bus_set_address(state.bus, argv[1]), "address");
  must(sd_bus_set_bus_client(state.bus, 1), "client");
  must(sd_bus_negotiate_fds(state.bus, 1), "descriptors");
  must(sd_bus_start(state.bus), "start");
  if (argc == 3) {
    must(sd_bus_call_method(state.bus, "org.freedesktop.login1", "/test", "test.Desktop", "Do", nullptr,
                            nullptr, "s", argv[2]),
         argv[2]);
    return 0;
  }
  const auto add = [](const char* path, const char* interface, const sd_bus_vtable* table) {
    must(sd_bus_add_object_vtable(state.bus, nullptr, path, interface, table, &state), interface);
  };
  add(manager_path, manager_interface, manager);
  add("/org/freedesktop/login1/user/own", "org.freedesktop.login1.User", user);
  add(session_path, session_interface, session);
  add("/c2", session_interface, other_session);
  add("/org/freedesktop/Notifications", "org.freedesktop.Notifications", notifications);
  add("/test", "test.Desktop", control);
  must(sd_bus_request_name(state.bus, "org.freedesktop.login1", 0), "name");
  must(sd_bus_request_name(state.bus, "org.freedesktop.Notifications", 0), "name");
  tell("ready");
  for (;;) {
    const int done = sd_bus_process(state.bus, nullptr);
    must(done, "process");
    look_at_inhibitor();
    if (done == 0) must(sd_bus_wait(state.bus, 20'000), "wait");
  }
}
