// SPDX-License-Identifier: Apache-2.0
// This user's login session as logind has it: is its screen locked, lock it, end it, hold up the machine's sleep until it is.
// https://www.freedesktop.org/software/systemd/man/252/org.freedesktop.login1.html. One thread, the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <string>

#include "base/file.hpp"
#include "client/agent/attention.hpp"
#include "client/agent/bus.hpp"

namespace cardgate::agent {

class LoginSession {
 public:
  struct Listener {
    std::function<void(ScreenState)> screen;
    // logind asks the session to unlock itself, for a greeter. True: not this one, but another one of this user.
    std::function<void(bool other)> unlock;
    std::function<void(bool)> sleep;  // true: the machine is about to sleep, and waits for let_sleep()
    std::function<void()> over;       // the last graphical login of this user at this machine has ended
    std::function<void(std::string)> say;
  };
  LoginSession(boost::asio::io_context& io, Listener listener);

  void start();
  /// The session that is watched, and whatever else this user has at the seats of the machine.
  void lock();
  /// The one that is at the front and not locked.
  void end();
  /// Lets the machine go to sleep now.
  void let_sleep();

 private:
  /// One of this user's logins at a screen of the machine.
  struct Login {
    std::string id;
    bool graphical = false, locked = false, active = false, closing = false;
    bool open_in_front() const { return graphical && active && !locked && !closing; }
  };
  void find();
  void find_others();
  void look(const std::string& path);
  void tell();
  bool ended();
  void lock_one(const std::string& id);
  void lock_others();
  static bool take_properties(sd_bus_message* reply, Login& into);
  void hold_sleep();
  void lost();

  Listener listener_;
  Bus bus_;
  std::string id_, path_;                // empty: none found
  std::map<std::string, Login> logins_;  // by path; that of path_, as far as it is known, and the others
  bool was_graphical_ = false;           // the one that is watched, or was
  bool lock_wanted_ = false;
  FileDescriptor inhibitor_;
};

}  // namespace cardgate::agent
