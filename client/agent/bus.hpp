// SPDX-License-Identifier: Apache-2.0
// A connection to D-Bus (sd-bus) in Asio's loop, made anew when it breaks. Nothing blocks. One thread, the io_context's.
#pragma once

#include <systemd/sd-bus.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>
#include <vector>

#include "client/agent/boot_timer.hpp"

namespace cardgate::agent {

struct BusCall {
  const char* service;
  std::string path;
  const char* interface;
  const char* member;
};

class Bus {
 public:
  enum class Which : std::uint8_t { system, user };
  /// Adds the arguments; negative: it failed.
  using Fill = std::function<int(sd_bus_message*)>;
  /// `reply` is null when the call failed or the connection is gone.
  using OnReply = std::function<void(sd_bus_message* reply)>;

  /// Tries to connect when start() is called, and every few seconds while it cannot. `up` is called at each success, after all
  /// that was matched is matched anew; `down` when the connection breaks, or at the first attempt that fails.
  Bus(boost::asio::io_context& io, Which which);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  void start(std::function<void()> up, std::function<void()> down);
  void call(const BusCall& what, const Fill& fill, OnReply done);
  /// Calls `take` for each signal that the rule matches, from the next connection on; before start().
  void match(std::string rule, std::function<void(sd_bus_message*)> take);

 private:
  struct Match {
    std::string rule;
    std::function<void(sd_bus_message*)> take;
  };
  void connect();
  void drop();
  void pump();
  void arm();

  boost::asio::io_context& io_;
  Which which_;
  std::function<void()> up_, down_;
  std::vector<Match> matches_;
  sd_bus* bus_ = nullptr;
  boost::asio::posix::stream_descriptor descriptor_;  // a copy of the connection's
  bool reading_ = false, writing_ = false;
  BootTimer again_;    // to connect
  BootTimer timeout_;  // of sd-bus itself
};

}  // namespace cardgate::agent
