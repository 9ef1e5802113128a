// SPDX-License-Identifier: Apache-2.0
// One stream of server-sent events: what waits to be written to it. One thread (the io_context's).
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <string>

namespace cardgate::daemon {

class Listener {
 public:
  /// `account`: whose share of listeners it is (Peer::counted_as).
  Listener(boost::asio::io_context& io, uid_t uid, uid_t account, std::size_t room)
      : uid_(uid), account_(account), room_(room), wake_(io) {}
  uid_t uid() const { return uid_; }
  uid_t account() const { return account_; }
  void push(const std::string& text) {
    if (queue_.size() >= room_) cut();
    if (!cut_) queue_.push_back(text);
    wake_.cancel();
  }
  void cut() {
    cut_ = true;
    wake_.cancel();
  }
  bool is_cut() const { return cut_; }
  /// Everything queued, as one text; empties the queue.
  std::string take() {
    std::string out;
    for (const auto& item : queue_) out += item;
    queue_.clear();
    return out;
  }
  bool has_something() const { return cut_ || !queue_.empty(); }
  boost::asio::steady_timer& wake() { return wake_; }

 private:
  uid_t uid_;
  uid_t account_;
  std::size_t room_;
  bool cut_ = false;
  std::deque<std::string> queue_;
  boost::asio::steady_timer wake_;  // of whoever writes the stream; cancelled to say "look at the queue"
};

}  // namespace cardgate::daemon
