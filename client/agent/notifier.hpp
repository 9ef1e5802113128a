// SPDX-License-Identifier: Apache-2.0
// Notifications on the desktop (org.freedesktop.Notifications 1.2); without a server for them they go to the journal. One
// thread, the io_context's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <string>

#include "client/agent/attention.hpp"
#include "client/agent/bus.hpp"

namespace cardgate::agent {

/// Text as a server with markup shows it plainly.
std::string without_markup(std::string_view text);

class Notifier {
 public:
  Notifier(boost::asio::io_context& io, std::function<void(std::string)> say);

  void start();
  void show(action::Notify what);

 private:
  void send(const action::Notify& what, bool markup);

  std::function<void(std::string)> say_;
  Bus bus_;
  std::map<Topic, std::uint32_t> shown_;  // the last one's number, which the next one replaces
};

}  // namespace cardgate::agent
