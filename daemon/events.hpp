// SPDX-License-Identifier: Apache-2.0
// Server-sent events: who listens, and what each may see. One thread (the io_context's).
//
// An event with an owner goes to listeners of that uid and to root; one without goes to all. A listener that
// does not read is cut off when its queue is full, so that it can slow nobody down.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

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

class Events {
 public:
  explicit Events(boost::asio::io_context& io) : io_(io) {}

  std::shared_ptr<Listener> listen(uid_t uid, uid_t account, std::size_t room);
  std::size_t listeners_of(uid_t account);
  std::size_t listeners();
  /// `owner`: whose business it is; nothing: everyone's.
  void publish(std::string_view event, const json::object& data, std::optional<uid_t> owner);
  /// Tells every listener that the stream ends.
  void close();

 private:
  void forget_gone();
  boost::asio::io_context& io_;
  std::uint64_t next_id_ = 1;
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace cardgate::daemon
