// SPDX-License-Identifier: Apache-2.0
// Server-sent events: who listens, and what each may see. One thread (the io_context's).
//
// An event with an owner goes to listeners of that uid and to root; one without goes to all. A listener that
// does not read is cut off when its queue is full, so that it can slow nobody down.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "base/json.hpp"
#include "daemon/http/listener.hpp"

namespace cardgate::daemon {

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
