// SPDX-License-Identifier: Apache-2.0
// This user's login session as logind has it: is its screen locked, lock it, end it, hold up the machine's sleep until it is.
// https://www.freedesktop.org/software/systemd/man/252/org.freedesktop.login1.html. One thread, the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "base/file.hpp"
#include "client/agent/attention.hpp"
#include "client/agent/bus.hpp"

namespace cardgate::agent {

class LoginSession {
 public:
  struct Listener {
    std::function<void(ScreenState)> screen;
    std::function<void()> unlock;     // logind asks the session to unlock itself, for a greeter
    std::function<void(bool)> sleep;  // true: the machine is about to sleep, and waits for let_sleep()
    std::function<void(std::string)> say;
  };
  LoginSession(boost::asio::io_context& io, Listener listener);

  void start();
  /// The session that is watched, and whatever else this user has at the seats of the machine.
  void lock();
  void end();
  /// Lets the machine go to sleep now.
  void let_sleep();

 private:
  void find();
  void look();
  void lock_one(const std::string& id);
  void lock_others();
  void take_properties(sd_bus_message* reply);
  void hold_sleep();
  void lost();

  Listener listener_;
  Bus bus_;
  std::string id_, path_;  // empty: none found
  bool lock_wanted_ = false;
  FileDescriptor inhibitor_;
};

}  // namespace cardgate::agent
