// SPDX-License-Identifier: Apache-2.0
#include "daemon/server.hpp"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "daemon/events.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

struct Server::Connection : std::enable_shared_from_this<Connection> {
  Connection(Protocol::socket s, Peer p) : socket(std::move(s)), peer(std::move(p)) {}
  Protocol::socket socket;
  Peer peer;
  beast::flat_buffer buffer{max_header_bytes + max_body_bytes};
  BootTime deadline;
  bool in_request = false;  // between the first byte of a request and the last of its answer
  bool timed_out = false;
};

Server::Server(asio::io_context& io, Handler handler, const Limits& limits)
    : io_(io), handler_(std::move(handler)), limits_(limits), sweeper_(io) {}
Server::~Server() = default;

void Server::serve(Protocol::acceptor acceptor, bool admin) {
  auto shared = std::make_shared<Protocol::acceptor>(std::move(acceptor));
  acceptors_.push_back(shared);
  asio::co_spawn(io_, accept_loop(shared, admin), asio::detached);
}

asio::awaitable<void> Server::accept_loop(std::shared_ptr<Protocol::acceptor> acceptor, bool admin) {
  for (;;) {
    auto [failure, socket] = co_await acceptor->async_accept(tuple);
    if (!acceptor->is_open() || failure == asio::error::operation_aborted) co_return;
    if (failure) {
      // Out of descriptors: those that wait in the backlog are served when one is free again.
      log(Level::warning, fmt::format("cannot accept a connection: {}", failure.message()));
      asio::steady_timer pause(io_, milliseconds(100));
      co_await pause.async_wait(tuple);
      continue;
    }
    admit(std::move(socket), admin);
  }
}

void Server::admit(Protocol::socket socket, bool admin) {
  auto peer = attest(socket.native_handle());
  if (!peer) {
    log(Level::warning, "refused a connection: " + peer.error().message());
    return;
  }
  peer->admin_socket = admin;
  auto& count = per_uid_[peer->uid];
  // Root comes in by the admin socket whatever others use up: it is who must put things right.
  const bool full =
      open_.size() >= static_cast<std::size_t>(limits_.connections) || count >= limits_.connections_per_uid;
  if (full && !admin) {
    if (count == 0) per_uid_.erase(peer->uid);
    static constexpr std::string_view busy =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nConnection: close\r\n"
        "Retry-After: 1\r\nContent-Length: 153\r\n\r\n";
    std::string body =
        R"({"type":"urn:cardgate:problem:too_many_connections","title":"Service Unavailable","status":503,"detail":"too many connections are open",)"
        R"("error":"too_many_connections"})";
    std::string answer(busy);
    answer.replace(answer.find("153"), 3, std::to_string(body.size()));
    answer += body;
    boost::system::error_code ignored;  // the peer is turned away either way
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(answer), ignored);
    return;
  }
  ++count;
  auto connection = std::make_shared<Connection>(std::move(socket), std::move(*peer));
  open_.insert(connection);
  if (!sweeping_) {
    sweeping_ = true;
    asio::co_spawn(io_, sweep(), asio::detached);
  }
  asio::co_spawn(io_, converse(connection), asio::detached);
}

void Server::forget(const std::shared_ptr<Connection>& connection) {
  boost::system::error_code ignored;  // closing is all that is left to do
  connection->socket.close(ignored);
  wipe(connection->buffer.data().data(), connection->buffer.size());
  if (open_.erase(connection) > 0 && --per_uid_[connection->peer.uid] == 0)
    per_uid_.erase(connection->peer.uid);
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
      connection->timed_out = true;
      boost::system::error_code ignored;
      connection->socket.cancel(ignored);
      connection->deadline = now + write_deadline;  // for the words of parting
    }
  }
  sweeping_ = false;
}

asio::awaitable<void> Server::converse(std::shared_ptr<Connection> connection) {
  bool keep = true;
  while (keep && !draining_) {
    try {
      keep = co_await one_request(*connection);
    } catch (const std::exception& failure) {
      log(Level::error, fmt::format("a request failed unexpectedly: {}", failure.what()));
      keep = false;
    }
    connection->in_request = false;
  }
  forget(connection);
}

asio::awaitable<bool> Server::one_request(Connection& connection) {
  auto& buffer = connection.buffer;
  const auto buffered = [&] {
    return std::string_view(static_cast<const char*>(buffer.cdata().data()), buffer.cdata().size());
  };
  connection.deadline = BootClock::now() + (buffered().empty() ? idle_connection_deadline : request_deadline);
  // The head, whole and bounded, before any parser sees it.
  std::size_t head_size = 0;
  while (true) {
    const auto end = buffered().find("\r\n\r\n");
    if (end != std::string_view::npos) head_size = end + 4;
    if (head_size > 0 && head_size <= max_header_bytes) break;
    if (buffered().size() > max_header_bytes) {
      const Response refusal = problem(431, "headers_too_large", "The request's headers are too large.");
      co_await write(connection, refusal, 11, false);
      co_return false;
    }
    const auto room = buffer.prepare(std::min<std::size_t>(16384, buffer.max_size() - buffer.size()));
    const auto [failure, count] = co_await connection.socket.async_read_some(room, tuple);
    if (failure) {
      if (connection.timed_out && !buffered().empty()) {
        const Response refusal = problem(408, "request_timeout", "The request did not arrive in time.");
        co_await write(connection, refusal, 11, false);
      }
      co_return false;
    }
    if (!connection.in_request) {
      connection.in_request = true;
      connection.deadline = BootClock::now() + request_deadline;
    }
    buffer.commit(count);
  }
  connection.in_request = true;
  const std::string_view head = buffered().substr(0, head_size);
  if (const auto wrong = refuse_head(head); !wrong.empty()) {
    const Response refusal = problem(400, "bad_request", fmt::format("The request is malformed: {}.", wrong));
    co_await write(connection, refusal, 11, false);
    co_return false;
  }
  const bool import = connection.peer.admin_socket && (head.starts_with("POST /v1/staff/import ") ||
                                                       head.starts_with("POST /v1/staff/import?"));
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(max_header_bytes));
  parser.body_limit(import ? max_import_bytes : max_body_bytes);
  parser.eager(true);
  bool continued = false;
  while (!parser.is_done()) {
    boost::system::error_code failure;
    if (buffer.size() > 0) {
      const std::size_t used = parser.put(buffer.data(), failure);
      wipe(buffer.data().data(), used);
      buffer.consume(used);
    }
    if (failure == http::error::need_more) failure = {};
    if (failure) {
      const bool large = failure == http::error::body_limit;
      const Response refusal =
          large ? problem(413, "body_too_large", "The request's body is too large.")
                : problem(400, "bad_request", "The request is malformed: " + failure.message() + ".");
      co_await write(connection, refusal, 11, false);
      co_return false;
    }
    if (parser.is_done()) break;
    if (!continued && parser.is_header_done()) {
      continued = true;
      const auto& message = parser.get();
      if (const auto length = parser.content_length();
          length && *length > (import ? max_import_bytes : max_body_bytes)) {
        const Response refusal = problem(413, "body_too_large", "The request's body is too large.");
        co_await write(connection, refusal, 11, false);
        co_return false;
      }
      if (beast::iequals(message[http::field::expect], "100-continue")) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(connection.socket, asio::buffer(go_on), tuple);
      }
    }
    // A large import may take its time, as long as it moves.
    if (import) connection.deadline = BootClock::now() + request_deadline;
    const auto room = buffer.prepare(std::min<std::size_t>(65536, buffer.max_size() - buffer.size()));
    const auto [read_failure, count] = co_await connection.socket.async_read_some(room, tuple);
    if (read_failure) {
      wipe(parser.get().body());
      if (connection.timed_out) {
        const Response refusal = problem(408, "request_timeout", "The request did not arrive in time.");
        co_await write(connection, refusal, 11, false);
      }
      co_return false;
    }
    buffer.commit(count);
  }

  auto& message = parser.get();
  const unsigned version = message.version();
  const bool keep = message.keep_alive() && !draining_;
  connection.deadline = BootTime::max();  // the handler has bounds of its own
  Request request;
  request.peer = &connection.peer;
  request.method = std::string(message.method_string());
  request.authorization = std::string(message[http::field::authorization]);
  request.content_type = std::string(message[http::field::content_type]);
  request.content_type = request.content_type.substr(0, request.content_type.find_first_of("; "));
  request.content_type = ascii_lower(std::move(request.content_type));
  Response response;
  const std::string_view target(message.target().data(), message.target().size());
  if (target.size() > max_target_bytes) {
    response = problem(414, "target_too_long", "The request's path and query are too long.");
  } else if (auto parsed = parse_target(target, request); !parsed) {
    response = problem(400, "bad_request", parsed.error().context + ".");
  } else {
    request.body.swap(message.body());
    try {
      response = co_await handler_(request);
    } catch (const std::exception& failure) {
      // A broken invariant in one call must not take the others with it, and must not pass for a yes.
      log(Level::error, std::string("a request failed unexpectedly: ") + failure.what());
      response =
          problem(500, "internal",
                  "Something went wrong here. The people who run this machine find it in the journal.");
    }
  }
  wipe(request.body);
  wipe(request.authorization);
  connection.deadline = BootClock::now() + write_deadline;
  if (response.listener) {
    co_await stream(connection, response.listener);
    co_return false;
  }
  const bool head_only = request.method == "HEAD";
  if (head_only) response.body.clear();
  const bool written = co_await write(connection, response, version, keep);
  wipe(response.body);  // it may have shown a code or a token
  if (!written) co_return false;
  co_return keep;
}

asio::awaitable<bool> Server::write(Connection& connection, const Response& response, unsigned version,
                                    bool keep) {
  http::response<http::string_body> message{static_cast<http::status>(response.status), version};
  for (const auto& [key, value] : response.headers) message.insert(key, value);
  message.set(http::field::cache_control, "no-store");
  if (response.status != 204) message.set(http::field::content_type, response.content_type);
  message.keep_alive(keep);
  message.body() = response.body;
  if (response.status != 204) message.content_length(response.body.size());
  const auto [failure, count] = co_await http::async_write(connection.socket, message, tuple);
  wipe(message.body());
  co_return !failure;
}

asio::awaitable<void> Server::stream(Connection& connection, std::shared_ptr<Listener> listener) {
  static constexpr std::string_view head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: "
      "close\r\n\r\n"
      ": listening\n\n";
  {
    const auto [failure, count] = co_await asio::async_write(connection.socket, asio::buffer(head), tuple);
    if (failure) co_return;
  }
  connection.deadline = BootTime::max();
  // Nothing more is expected from the peer but its going away.
  asio::co_spawn(
      io_,
      [](std::shared_ptr<Connection> peer, std::shared_ptr<Listener> mine) -> asio::awaitable<void> {
        char ignored[64];
        for (;;) {
          const auto [failure, count] = co_await peer->socket.async_read_some(asio::buffer(ignored), tuple);
          if (failure) break;
        }
        mine->cut();
      }(connection.shared_from_this(), listener),
      asio::detached);
  while (!draining_) {
    if (!listener->has_something()) co_await listener->wake().async_wait(tuple);
    const std::string text = listener->take();
    if (!text.empty()) {
      connection.deadline = BootClock::now() + write_deadline;
      const auto [failure, count] = co_await asio::async_write(connection.socket, asio::buffer(text), tuple);
      connection.deadline = BootTime::max();
      if (failure) break;
    }
    if (listener->is_cut()) break;
  }
}

void Server::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  boost::system::error_code ignored;  // closing cannot usefully fail
  for (const auto& acceptor : acceptors_) acceptor->close(ignored);
  for (const auto& connection : open_) {
    if (!connection->in_request) connection->socket.cancel(ignored);
  }
  auto timer = std::make_shared<asio::steady_timer>(io_, drain_deadline);
  timer->async_wait([this, timer](const boost::system::error_code&) {
    if (drained_) std::exchange(drained_, nullptr)();
  });
  if (open_.empty() && drained_) std::exchange(drained_, nullptr)();
}

}  // namespace cardgate::daemon
