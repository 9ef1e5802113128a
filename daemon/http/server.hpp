// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over Unix sockets. Accepts, attests the peer before anything else exists, gives it a slot, reads requests
// within bounds and deadlines, hands each to the handler, writes the answer. One thread (the io_context's).
//
//   accept -> attest -> slots.hpp: is there room? -> request_reader.hpp: bytes to requests -> handler -> answers
//
// Requests that came together, all of one call that may be answered beside others, are handled side by side, so that one wait for
// the disk serves them all. The answers go out in the order of the requests (RFC 9112 9.3.2), those that are ready by one write.
//
// A deadline that passes cancels what the connection waits for; one that passes again closes it, so that no loop outlives it.
//
// Closing a Unix socket on bytes that were not read makes the peer's next read fail, before it has seen the answer. So whoever
// is refused in the middle of a request is read on for a while after the answer, into nothing (RFC 9112 9.6).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "daemon/access/peer.hpp"
#include "daemon/access/subordinate_uids.hpp"
#include "daemon/http/fair_turns.hpp"
#include "daemon/http/message.hpp"
#include "daemon/http/slots.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

/// Takes the request by reference: it lives until the answer is written. A request with `refused` is
/// handed over too, so that it counts as one.
using Handler = std::function<boost::asio::awaitable<Response>(Request&)>;
/// How many bytes the body of a request may have, by its head, before anything of the body is read.
using BodyLimit = std::function<std::size_t(const Request& head, bool admin)>;
/// Whether a whole request may be answered beside others of its connection. It must need no Request::left().
using Beside = std::function<bool(const Request& request, bool admin)>;

struct Calls {
  Handler handler;
  BodyLimit body_limit;
  Beside beside;
};

class Server {
 public:
  struct Listening {
    boost::asio::local::stream_protocol::acceptor acceptor;
    bool admin = false;
    /// systemd keeps the socket, and those that wait there, for the next start.
    bool kept_by_systemd = false;
  };
  /// `known`: whether a share of the connections is kept for this peer.
  /// `comment_every`: how long an event stream is silent before it says that it is still there.
  Server(boost::asio::io_context& io, Calls calls, const Limits& limits,
         std::function<bool(const Peer&)> known, milliseconds comment_every = event_comment_every);
  ~Server();

  void serve(Listening listening);
  /// No new connections. Whoever is connected, or waits to be accepted, is answered to the end or told that the service
  /// stops; `done` is called when the last answer is out or the deadline passes.
  void drain(std::function<void()> done);
  std::size_t connections() const { return open_.size(); }

  struct Connection;

 private:
  using Socket = boost::asio::local::stream_protocol::socket;
  struct Batch;

  boost::asio::awaitable<void> accept_loop(std::shared_ptr<Listening> listening);
  boost::asio::awaitable<void> converse(std::shared_ptr<Connection> connection);
  boost::asio::awaitable<void> its_turn(const Connection& connection);
  /// One request, or several that came together. False when the connection is at its end.
  boost::asio::awaitable<bool> one_batch(Connection& connection);
  /// False when the connection is at its end, with nothing more to say.
  boost::asio::awaitable<bool> read(Connection& connection);
  /// The request that was read, and those that are here and may be answered beside it.
  void take(Connection& connection, Batch& batch);
  boost::asio::awaitable<void> handle(const Connection& connection, Request& request, Response& answer);
  void handle_side_by_side(const std::shared_ptr<Connection>& connection,
                           const std::shared_ptr<Batch>& batch);
  /// All answers of a batch, each as soon as those before it are there. False when they cannot be written.
  boost::asio::awaitable<bool> write_in_order(Connection& connection, Batch& batch);
  boost::asio::awaitable<bool> write(Connection& connection, Batch& batch, std::size_t from, std::size_t to);
  boost::asio::awaitable<void> stream(Connection& connection, std::shared_ptr<Listener> listener);
  /// After the answer to a request that was not read to its end.
  boost::asio::awaitable<void> linger(Connection& connection);
  boost::asio::awaitable<void> sweep();
  void admit(Socket socket, bool admin);
  void admit_peer(Socket socket, bool admin);
  bool has_slot(Connection& connection);
  void evict(Slots::Id slot);
  void enter(Connection& connection, Slots::State state);
  void forget(const std::shared_ptr<Connection>& connection);
  void accept_who_waits(Listening& listening);
  void part_from_all();

  boost::asio::io_context& io_;
  Calls calls_;
  const Limits& limits_;  // the owner's, so that a reload is seen
  std::function<bool(const Peer&)> known_;
  milliseconds comment_every_;
  std::vector<std::shared_ptr<Listening>> listening_;
  std::unordered_set<std::shared_ptr<Connection>> open_;
  FairTurns turns_;
  Slots slots_;  // of the main socket's connections
  std::unordered_map<Slots::Id, Connection*> by_slot_;
  SubordinateUidFile subordinates_;
  boost::asio::steady_timer sweeper_;
  bool sweeping_ = false;
  bool draining_ = false;
  bool told_of_admin_mode_ = false;
  std::function<void()> drained_;
};

/// A listening socket at `path` with `mode`. A dead socket file is replaced, anything else there is left
/// alone. Errors: already_exists (someone answers there, or it is not a socket), permission_denied, io.
Result<int> listen_on(const std::filesystem::path& path, unsigned mode);

}  // namespace cardgate::daemon
