// SPDX-License-Identifier: Apache-2.0
#include "client/socket/waiting.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "client/socket/wire.hpp"

namespace cardgate::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Stream = beast::basic_stream<asio::local::stream_protocol>;

constexpr milliseconds patience_for_head = seconds(30);

auto into(Failure& failure) {
  return asio::redirect_error(asio::use_awaitable, failure);
}

/// Connected, and the request sent. A service that refuses early answers and hangs up before it has read everything, so a
/// connection that broke meanwhile may still hold an answer.
asio::awaitable<Result<void>> ask(Stream& stream, const std::filesystem::path& socket,
                                  const Request& request) {
  if (auto fits = check_socket_path(socket); !fits) co_return std::move(fits).error();
  Failure failure;
  const asio::local::stream_protocol::endpoint endpoint(socket.native());
  co_await stream.async_connect(endpoint, into(failure));
  if (failure) co_return socket_error(failure, "connecting", socket);
  const auto message = message_of(request);
  co_await http::async_write(stream, message, into(failure));
  if (failure) {
    auto error = socket_error(failure, "sending the request", socket);
    if (error.code != Errc::unavailable) co_return error;
  }
  co_return Result<void>();
}

asio::awaitable<Result<Response>> exchange(Stream& stream, const std::filesystem::path& socket,
                                           const Request& request) {
  auto asking = ask(stream, socket, request);
  auto asked = co_await std::move(asking);
  if (!asked) co_return std::move(asked).error();
  beast::flat_buffer buffer{max_answer_bytes + max_answer_header_bytes};
  http::response_parser<http::string_body> parser;
  limit_answer(parser);
  Failure failure;
  co_await http::async_read(stream, buffer, parser, into(failure));
  if (failure) co_return socket_error(failure, "reading the answer", socket);
  co_return response_of(parser.release());
}

asio::awaitable<void> make_call(asio::io_context& io, std::filesystem::path socket, WaitingRequest owned,
                                milliseconds deadline, std::function<void(Result<Reply>)> done) {
  Stream stream(io);
  stream.expires_after(deadline);
  Request request{.method = owned.method, .target = owned.target};
  if (!owned.body.empty()) {
    request.body = owned.body.text();
    request.content_type = "application/json";
  }
  auto exchanging = exchange(stream, socket, request);
  auto answer = co_await std::move(exchanging);
  owned.body.clear();
  if (!answer) {
    done(std::move(answer).error());
  } else {
    done(read_reply(*answer));
  }
}

asio::awaitable<Error> read_events(Stream& stream, const std::filesystem::path& socket,
                                   const Request& request,
                                   const std::function<void(const Event&)>& on_event) {
  auto asking = ask(stream, socket, request);
  auto asked = co_await std::move(asking);
  if (!asked) co_return std::move(asked).error();
  beast::flat_buffer buffer{max_answer_bytes + max_answer_header_bytes};
  http::response_parser<http::buffer_body> parser;
  limit_answer(parser);
  parser.body_limit(boost::none);
  Failure failure;
  co_await http::async_read_header(stream, buffer, parser, into(failure));
  if (failure) co_return socket_error(failure, "reading the answer", socket);
  if (parser.get().result_int() != 200)
    co_return Error{Errc::unavailable, "the service answered " + std::to_string(parser.get().result_int()) +
                                           " instead of events"};
  stream.expires_never();
  on_event({"open", {}});
  EventParser events;
  const std::function<bool(const Event&)> take = [&on_event](const Event& event) {
    on_event(event);
    return true;
  };
  char piece[4096];
  while (!parser.is_done()) {
    parser.get().body().data = piece;
    parser.get().body().size = sizeof piece;
    co_await http::async_read_some(stream, buffer, parser, into(failure));
    if (failure == http::error::need_buffer) failure = {};
    if (failure) co_return socket_error(failure, "reading the stream", socket);
    const auto taken = events.feed({piece, sizeof piece - parser.get().body().size}, take);
    if (!taken) co_return taken.error();
  }
  co_return Error{Errc::unavailable, "the service closed the stream"};
}

asio::awaitable<void> follow(asio::io_context& io, std::filesystem::path socket, std::string target,
                             std::function<void(const Event&)> on_event,
                             std::function<void(const Error&)> ended) {
  Error why;
  {
    Stream stream(io);
    stream.expires_after(patience_for_head);
    const Request request{.target = target};
    auto reading = read_events(stream, socket, request, on_event);
    why = co_await std::move(reading);
  }
  ended(why);
}

/// What a handler throws ends the loop's run, as from anywhere else.
void rethrow(const std::exception_ptr& thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

void WaitingHttp::call(WaitingRequest request, milliseconds deadline,
                       std::function<void(Result<Reply>)> done) const {
  asio::co_spawn(io_, make_call(io_, socket_, std::move(request), deadline, std::move(done)), rethrow);
}

void WaitingHttp::listen(std::string target, std::function<void(const Event&)> on_event,
                         std::function<void(const Error&)> ended) const {
  asio::co_spawn(io_, follow(io_, socket_, std::move(target), std::move(on_event), std::move(ended)),
                 rethrow);
}

}  // namespace cardgate::client
