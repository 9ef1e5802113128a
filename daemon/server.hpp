// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over Unix sockets. Accepts, attests the peer before anything else exists, reads requests within
// bounds and deadlines, hands each to the handler, writes the answer. One thread (the io_context's).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>

#include "daemon/http.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

/// Takes the request by reference: it lives in the connection until the answer is written.
using Handler = std::function<boost::asio::awaitable<Response>(Request&)>;

class Server {
 public:
  Server(boost::asio::io_context& io, Handler handler, const Limits& limits);
  ~Server();

  /// Serves a listening socket (made by listen_on() or handed over by systemd).
  void serve(boost::asio::local::stream_protocol::acceptor acceptor, bool admin);
  /// No new connections; idle ones are closed; `done` is called when the last answer is out or the deadline
  /// passed.
  void drain(std::function<void()> done);
  std::size_t connections() const { return open_.size(); }

  struct Connection;

 private:
  boost::asio::awaitable<void> accept_loop(
      std::shared_ptr<boost::asio::local::stream_protocol::acceptor> acceptor, bool admin);
  boost::asio::awaitable<void> converse(std::shared_ptr<Connection> connection);
  boost::asio::awaitable<bool> one_request(Connection& connection);
  boost::asio::awaitable<bool> write(Connection& connection, const Response& response, unsigned version,
                                     bool keep);
  boost::asio::awaitable<void> stream(Connection& connection, std::shared_ptr<Listener> listener);
  boost::asio::awaitable<void> sweep();
  void admit(boost::asio::local::stream_protocol::socket socket, bool admin);
  void forget(const std::shared_ptr<Connection>& connection);

  boost::asio::io_context& io_;
  Handler handler_;
  const Limits& limits_;  // the owner's, so that a reload is seen
  std::vector<std::shared_ptr<boost::asio::local::stream_protocol::acceptor>> acceptors_;
  std::unordered_set<std::shared_ptr<Connection>> open_;
  std::map<uid_t, std::int64_t> per_uid_;
  boost::asio::steady_timer sweeper_;
  bool sweeping_ = false;
  bool draining_ = false;
  std::function<void()> drained_;
};

/// A listening socket at `path` with `mode`. A dead socket file is replaced, anything else there is left
/// alone. Errors: already_exists (someone answers there, or it is not a socket), permission_denied, io.
Result<int> listen_on(const std::filesystem::path& path, unsigned mode);

}  // namespace cardgate::daemon
