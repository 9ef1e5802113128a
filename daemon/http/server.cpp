// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/container/static_vector.hpp>
#include <optional>
#include <stop_token>

#include "base/secret.hpp"
#include "daemon/http/listener.hpp"
#include "daemon/http/request_reader.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;
using SlotState = Slots::State;
using ReadStep = RequestReader::Step;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

namespace {

/// The last words to somebody who is not waited for: as much as fits into the socket at once, which is all of it. What has
/// come from them is read, or they would find the connection reset instead of the words.
void part_from(Protocol::socket& socket, const Response& words) {
  ErrorCode ignored;  // the peer is turned away either way
  socket.non_blocking(true, ignored);
  const std::string text = head_of(words, false) + words.body;
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(Protocol::socket::shutdown_send, ignored);
  char unread[4096];
  std::size_t most = max_header_bytes + max_body_bytes;
  for (ErrorCode failure; !failure && most > 0;) {
    const auto count = socket.read_some(asio::buffer(unread), failure);
    most -= std::min(most, count);
  }
  wipe(unread, sizeof unread);  // it may hold a passcode
}

Response went_wrong() {
  return problem(
      500, "internal",
      "Something went wrong in cardgate. Try again. If it happens again, tell the people who run this "
      "machine: the journal says what it was.");
}

}  // namespace

struct Server::Connection : std::enable_shared_from_this<Connection> {
  Connection(Protocol::socket s, Peer p, const BodyLimit& limit)
      : socket(std::move(s)),
        peer(std::move(p)),
        reader([this, &limit](const Request& head) { return limit(head, peer.admin_socket); }) {}
  Protocol::socket socket;
  Peer peer;
  RequestReader reader;
  std::optional<Slots::Id> slot;  // none: of the admin socket, or lost to somebody else
  SlotState state = SlotState::idle;
  BootTime deadline = BootTime::max();
  bool timed_out = false;
  bool writing = false;  // the answer's first byte may be out
};

/// What came together, and is answered in its order.
struct Server::Batch {
  struct Exchange {
    Exchange() = default;
    Exchange(Exchange&&) noexcept = default;
    Exchange& operator=(Exchange&&) = delete;
    ~Exchange() {
      request.wipe();
      wipe(answer.body);
    }

    Request request;
    Response answer;
    bool done = false;  // the answer is there
  };
  std::vector<Exchange> exchanges;             // complete before the first is handled
  bool keep = false;                           // the connection goes on behind the last of them
  std::optional<asio::steady_timer> one_more;  // of several: cancelled when an answer is there
};

Server::Server(asio::io_context& io, Calls calls, const Limits& limits,
               std::function<bool(const Peer&)> known, milliseconds comment_every)
    : io_(io),
      calls_(std::move(calls)),
      limits_(limits),
      known_(std::move(known)),
      comment_every_(comment_every),
      turns_(io),
      sweeper_(io) {}
Server::~Server() = default;

void Server::serve(Listening listening) {
  auto shared = std::make_shared<Listening>(std::move(listening));
  listening_.push_back(shared);
  asio::co_spawn(io_, accept_loop(shared), asio::detached);
}

asio::awaitable<void> Server::accept_loop(std::shared_ptr<Listening> listening) {
  for (;;) {
    auto [failure, socket] = co_await listening->acceptor.async_accept(tuple);
    // One that was accepted while the socket was closed is answered like any other.
    if (!failure) admit(std::move(socket), listening->admin);
    if (!listening->acceptor.is_open() || failure == asio::error::operation_aborted) co_return;
    if (failure) {
      // Out of descriptors: those that wait in the backlog are served when one is free again.
      log(Level::warning, fmt::format("A connection cannot be accepted: {}", failure.message()));
      asio::steady_timer pause(io_, milliseconds(100));
      co_await pause.async_wait(tuple);
    }
  }
}

/// Whatever goes wrong with one connection must not end the loop that takes in the next.
void Server::admit(Socket socket, bool admin) {
  try {
    admit_peer(std::move(socket), admin);
  } catch (const std::exception& failure) {
    log(Level::error, fmt::format("A connection could not be served: {}", failure.what()));
  }
}

void Server::admit_peer(Socket socket, bool admin) {
  auto peer = attest(socket.native_handle());
  if (!peer) {
    log(Level::warning, "A connection was refused: " + peer.error().message());
    return;
  }
  // The socket's mode says the same; but a mode is one mistake away from another one.
  if (admin && peer->uid != 0) {
    if (!std::exchange(told_of_admin_mode_, true)) {
      log(audit::Event::admin_refused,
          fmt::format(
              "uid {} has reached the admin socket and was refused: it is for root alone. Give it back its "
              "owner root and its mode 0600",
              peer->uid));
    }
    part_from(socket, problem(403, "root_only", "The admin socket is for root. Nothing was done."));
    return;
  }
  peer->admin_socket = admin;
  peer->counted_as = subordinates_.owner_of(peer->uid, BootClock::now());
  auto connection = std::make_shared<Connection>(std::move(socket), std::move(*peer), calls_.body_limit);
  // Root comes in by the admin socket whatever others use up: it is who must put things right.
  if (!admin && !has_slot(*connection)) {
    part_from(connection->socket,
              problem(503, "too_many_connections", "Too many connections are open. Try again in a moment."));
    return;
  }
  open_.insert(connection);
  if (!sweeping_) {
    sweeping_ = true;
    asio::co_spawn(io_, sweep(), asio::detached);
  }
  asio::co_spawn(io_, converse(connection), asio::detached);
}

bool Server::has_slot(Connection& connection) {
  const Peer& peer = connection.peer;
  const Slots::Bounds bounds{static_cast<std::size_t>(limits_.connections),
                             static_cast<std::size_t>(limits_.connections_per_uid)};
  const auto can_go = [this](Slots::Id slot) {
    const Connection& other = *by_slot_.at(slot);
    ErrorCode failure;
    return other.state != SlotState::idle || (other.socket.available(failure) == 0 && !failure);
  };
  const auto admission = slots_.admit(peer.counted_as, known_(peer), bounds, BootClock::now(), can_go);
  if (admission.in_the_way) evict(*admission.in_the_way);
  if (!admission.id) return false;
  connection.slot = admission.id;
  by_slot_[*admission.id] = &connection;
  return true;
}

/// Its coroutine finds the socket closed and comes to its end.
void Server::evict(Slots::Id slot) {
  Connection& connection = *by_slot_.at(slot);
  by_slot_.erase(slot);
  connection.slot.reset();
  if (connection.state == SlotState::arriving) {
    part_from(connection.socket,
              problem(503, "too_many_connections", "Too many connections are open. Try again in a moment."));
  }
  ErrorCode ignored;
  connection.socket.close(ignored);
}

void Server::enter(Connection& connection, SlotState state) {
  connection.state = state;
  const BootTime now = BootClock::now();
  if (connection.slot) slots_.enter(*connection.slot, state, now);
  switch (state) {
    case SlotState::idle:
      connection.deadline = now + (draining_ ? drain_patience : idle_connection_deadline);
      return;
    case SlotState::arriving:
      connection.deadline = now + request_deadline;
      return;
    case SlotState::answering:
      connection.deadline = BootTime::max();
      return;  // the handler has bounds of its own
  }
}

void Server::forget(const std::shared_ptr<Connection>& connection) {
  ErrorCode ignored;  // closing is all that is left to do
  connection->socket.close(ignored);
  if (connection->slot) {
    slots_.leave(*connection->slot);
    by_slot_.erase(*connection->slot);
    connection->slot.reset();
  }
  open_.erase(connection);
  if (draining_ && open_.empty() && drained_) std::exchange(drained_, nullptr)();
}

/// One coarse timer for all deadlines, running only while someone is connected: the hot path sets a number,
/// no timer.
asio::awaitable<void> Server::sweep() {
  while (!open_.empty()) {
    sweeper_.expires_after(milliseconds(250));
    co_await sweeper_.async_wait(tuple);
    const BootTime now = BootClock::now();
    for (const auto& connection : open_) {
      if (connection->deadline > now) continue;
      ErrorCode ignored;
      if (std::exchange(connection->timed_out, true)) {
        connection->socket.close(ignored);
      } else {
        connection->socket.cancel(ignored);
        connection->deadline = now + write_deadline;  // for the words of parting
      }
    }
  }
  sweeping_ = false;
}

asio::awaitable<void> Server::converse(std::shared_ptr<Connection> connection) {
  bool keep = true;
  while (keep) {
    try {
      keep = co_await one_batch(*connection);
    } catch (const std::exception& failure) {
      log(Level::error, fmt::format("A request failed unexpectedly: {}", failure.what()));
      keep = false;
    }
  }
  forget(connection);
}

asio::awaitable<bool> Server::read(Connection& connection) {
  auto& reader = connection.reader;
  enter(connection, reader.in_request() ? SlotState::arriving : SlotState::idle);
  for (ReadStep step = reader.step(); step == ReadStep::more || step == ReadStep::go_on;
       step = reader.step()) {
    if (step == ReadStep::go_on) {
      static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      const auto [failure, count] = co_await asio::async_write(connection.socket, asio::buffer(go_on), tuple);
      if (failure) co_return false;
      continue;
    }
    const auto room = reader.room();
    const auto [failure, count] =
        co_await connection.socket.async_read_some(asio::buffer(room.data(), room.size()), tuple);
    // Asked whatever the read says: one that had bytes at hand is not stopped by the sweeper.
    if (connection.timed_out) co_return connection.state == SlotState::arriving;
    if (failure) co_return false;
    reader.arrived(count);
    // What is large may take its time, as long as it moves.
    if (connection.state == SlotState::idle || reader.in_large_body()) enter(connection, SlotState::arriving);
  }
  co_return true;
}

/// Root is served at once, by the admin socket.
asio::awaitable<void> Server::its_turn(const Connection& connection) {
  if (connection.peer.admin_socket) co_return;
  auto turn = turns_.wait(connection.peer.counted_as);
  co_await std::move(turn);
}

void Server::take(Connection& connection, Batch& batch) {
  auto& reader = connection.reader;
  batch.keep = reader.keep_alive();
  Request& first = batch.exchanges.emplace_back().request;
  first = reader.take();
  if (!reader.in_request() || first.refused || !calls_.beside(first, connection.peer.admin_socket)) return;
  // Calls of one kind wait for the same: an answer that is made at once must not lie behind one that waits for the disk, and be out of
  // date when it leaves.
  const auto same_call = [method = first.method, path = first.path](const Request& request) {
    return request.method == method && request.path == path;
  };
  while (batch.keep && batch.exchanges.size() < max_beside) {
    auto next = reader.take_also(same_call);
    if (!next) return;
    batch.keep = reader.keep_alive();  // before the reader looks at the one behind it
    batch.exchanges.emplace_back().request = std::move(*next);
  }
}

asio::awaitable<void> Server::handle(const Connection& connection, Request& request, Response& answer) {
  co_await its_turn(connection);
  try {
    answer = co_await calls_.handler(request);
  } catch (const std::exception& failure) {
    // A broken invariant in one call must not take the others with it, and must not pass for a yes.
    log(Level::error, std::string("A request failed unexpectedly: ") + failure.what());
    answer = went_wrong();
  }
  request.wipe();  // it may hold a passcode, and what comes may wait for the peer
}

void Server::handle_side_by_side(const std::shared_ptr<Connection>& connection,
                                 const std::shared_ptr<Batch>& batch) {
  batch->one_more.emplace(io_);
  for (auto& exchange : batch->exchanges) {
    // Both outlive the handler, also where this connection's own coroutine ends by an error.
    asio::co_spawn(io_, handle(*connection, exchange.request, exchange.answer),
                   [batch, connection, &exchange](const std::exception_ptr& failure) {
                     if (failure) {
                       log(Level::error, "A request failed unexpectedly, before it was handled");
                       exchange.answer = went_wrong();
                     }
                     exchange.done = true;
                     batch->one_more->cancel();
                   });
  }
}

asio::awaitable<bool> Server::one_batch(Connection& connection) {
  const bool arrived = co_await read(connection);
  if (!arrived) co_return false;
  const auto batch = std::make_shared<Batch>();
  if (connection.timed_out) {
    batch->exchanges.emplace_back().request.refused =
        problem(408, "request_timeout", "The request did not arrive in time. Try again.");
  } else {
    take(connection, *batch);
  }
  enter(connection, SlotState::answering);
  auto& first = batch->exchanges.front();
  const bool unread = first.request.refused && !batch->keep;
  std::optional<std::stop_source> left;
  for (auto& exchange : batch->exchanges) exchange.request.peer = &connection.peer;
  if (batch->exchanges.size() > 1) {
    handle_side_by_side(connection.shared_from_this(), batch);
  } else {
    first.request.watch_peer = [&left, &connection] {
      if (left) return left->get_token();
      left.emplace();
      connection.socket.async_wait(
          Protocol::socket::wait_error,  // a hang-up: a peer that only stopped sending still listens
          [stop = *left, keep = connection.shared_from_this()](ErrorCode failure) {
            if (!failure) stop.request_stop();
          });
      return left->get_token();
    };
    co_await handle(connection, first.request, first.answer);
    first.done = true;
    ErrorCode ignored;  // what was not under way need not be stopped
    if (left) connection.socket.cancel(ignored);
  }
  if (first.answer.listener) {
    co_await its_turn(connection);
    connection.deadline = BootClock::now() + write_deadline;
    co_await stream(connection, first.answer.listener);
    co_return false;
  }
  const bool written = co_await write_in_order(connection, *batch);
  if (written && unread) {
    auto lingering = linger(connection);
    co_await std::move(lingering);
  }
  co_return written && batch->keep && !connection.timed_out;
}

/// To the end of the batch also where nobody reads the answers any more: its slot is taken for as long as its requests are handled.
asio::awaitable<bool> Server::write_in_order(Connection& connection, Batch& batch) {
  auto& all = batch.exchanges;
  bool written = true;
  for (std::size_t from = 0, to = 0; from < all.size(); from = to) {
    while (!all[from].done) {
      batch.one_more->expires_at(std::chrono::steady_clock::time_point::max());
      co_await batch.one_more->async_wait(tuple);
    }
    // Many answers become ready in one moment, when the disk has taken their records.
    co_await its_turn(connection);
    while (to < all.size() && all[to].done) ++to;
    if (written) written = co_await write(connection, batch, from, to);
    for (std::size_t i = from; i < to; ++i) wipe(all[i].answer.body);  // it may show a code or a token
  }
  co_return written;
}

asio::awaitable<bool> Server::write(Connection& connection, Batch& batch, std::size_t from, std::size_t to) {
  boost::container::static_vector<std::string, max_beside> heads;
  boost::container::static_vector<asio::const_buffer, 2 * max_beside> parts;
  // Asked when they are ready: a service that stops says so with its last answer.
  if (draining_ && to == batch.exchanges.size()) batch.keep = false;
  for (std::size_t i = from; i < to; ++i) {
    const auto& exchange = batch.exchanges[i];
    heads.push_back(head_of(exchange.answer, batch.keep || i + 1 < batch.exchanges.size()));
    parts.push_back(asio::buffer(heads.back()));
    if (exchange.request.method != "HEAD") parts.push_back(asio::buffer(exchange.answer.body));
  }
  connection.deadline = BootClock::now() + write_deadline;
  connection.writing = true;
  const auto [failure, count] = co_await asio::async_write(connection.socket, parts, tuple);
  connection.writing = false;
  ErrorCode ignored;
  if (failure) connection.socket.close(ignored);  // nothing may follow half of an answer
  if (to < batch.exchanges.size()) connection.deadline = BootTime::max();
  co_return !failure;
}

asio::awaitable<void> Server::linger(Connection& connection) {
  ErrorCode failure;
  connection.socket.shutdown(Protocol::socket::shutdown_send, failure);
  connection.deadline = BootClock::now() + linger_deadline;
  std::array<char, 16384> unread;
  while (!failure && !connection.timed_out && !draining_) {
    const auto [ended, count] = co_await connection.socket.async_read_some(asio::buffer(unread), tuple);
    failure = ended;
  }
  wipe(unread.data(), unread.size());
}

asio::awaitable<void> Server::stream(Connection& connection, std::shared_ptr<Listener> listener) {
  Response opening;
  opening.content_type = "text/event-stream";
  opening.headers.emplace_back("X-Accel-Buffering", "no");  // nginx would hold events back
  opening.listener = listener;
  const std::string head = head_of(opening, false) + ": listening\n\n";
  connection.writing = true;
  {
    const auto [failure, count] = co_await asio::async_write(connection.socket, asio::buffer(head), tuple);
    if (failure) co_return;
  }
  connection.deadline = BootTime::max();
  // Nothing more is expected from the peer but its going away; whoever sends on would be read without an end.
  asio::co_spawn(
      io_,
      [](std::shared_ptr<Connection> peer, std::shared_ptr<Listener> mine) -> asio::awaitable<void> {
        char ignored[64];
        co_await peer->socket.async_read_some(asio::buffer(ignored), tuple);
        mine->cut();
      }(connection.shared_from_this(), listener),
      asio::detached);
  while (!draining_) {
    bool silent = false;
    if (!listener->has_something()) {
      listener->wake().expires_after(comment_every_);
      const auto [woken] = co_await listener->wake().async_wait(tuple);
      silent = !woken;
    }
    // A proxy ends a stream that is silent; and writing is how a client is noticed that is gone without a word.
    const std::string text = silent ? ": still here\n\n" : listener->take();
    if (!text.empty()) {
      connection.deadline = BootClock::now() + write_deadline;
      const auto [failure, count] = co_await asio::async_write(connection.socket, asio::buffer(text), tuple);
      connection.deadline = BootTime::max();
      if (failure) break;
    }
    if (listener->is_cut()) break;
  }
}

/// Those that have connected, and that nobody has accepted yet: they would be reset when the socket is closed.
void Server::accept_who_waits(Listening& listening) {
  ErrorCode failure;
  if (!listening.kept_by_systemd) {
    // From here on nobody can come and wait.
    ::shutdown(listening.acceptor.native_handle(), SHUT_RDWR);
    listening.acceptor.non_blocking(true, failure);
    while (!failure) {
      Socket socket(io_);
      listening.acceptor.accept(socket, failure);
      if (!failure) admit(std::move(socket), listening.admin);
    }
  }
  ErrorCode ignored;  // closing cannot usefully fail
  listening.acceptor.close(ignored);
}

void Server::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  for (const auto& listening : listening_) accept_who_waits(*listening);
  // A request that is on its way may still come, and is told that the service stops.
  const BootTime now = BootClock::now();
  for (const auto& connection : open_) {
    if (connection->state == SlotState::idle)
      connection->deadline = std::min<BootTime>(connection->deadline, now + drain_patience);
    if (connection->state == SlotState::arriving)
      connection->deadline = std::min<BootTime>(connection->deadline, now + drain_deadline / 2);
  }
  auto timer = std::make_shared<asio::steady_timer>(io_, drain_deadline);
  timer->async_wait([this, timer](const ErrorCode&) {
    part_from_all();
    if (drained_) std::exchange(drained_, nullptr)();
  });
  if (open_.empty() && drained_) std::exchange(drained_, nullptr)();
}

/// The time to end is over.
void Server::part_from_all() {
  for (const auto& connection : open_) {
    if (connection->state == SlotState::idle || connection->writing) continue;
    part_from(
        connection->socket,
        problem(
            503, "draining",
            "The service stopped before it could answer. Check whether this was done before you try again."));
  }
}

}  // namespace cardgate::daemon
