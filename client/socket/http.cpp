// SPDX-License-Identifier: Apache-2.0
#include "client/socket/http.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "client/socket/wire.hpp"

namespace cardgate::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

/// One connection. Each step waits for its end; the deadline is set once and holds for all of them.
class Connection {
 public:
  Connection(const std::filesystem::path& socket, milliseconds deadline) : socket_(socket) {
    stream_.expires_after(deadline);
  }

  Result<void> connect() {
    TRY(check_socket_path(socket_));
    stream_.async_connect(asio::local::stream_protocol::endpoint(socket_.native()),
                          [this](Failure failure) { failure_ = failure; });
    return finish("connecting");
  }
  Result<void> send(const Request& request) {
    auto message = message_of(request);
    http::async_write(stream_, message, [this](Failure failure, std::size_t) { failure_ = failure; });
    return finish("sending the request");
  }
  Result<Response> receive() {
    http::response_parser<http::string_body> parser;
    limit_answer(parser);
    http::async_read(stream_, buffer_, parser, [this](Failure failure, std::size_t) { failure_ = failure; });
    TRY(finish("reading the answer"));
    return response_of(parser.release());
  }

  using StreamParser = http::response_parser<http::buffer_body>;
  Result<void> receive_head(StreamParser& parser) {
    limit_answer(parser);
    parser.body_limit(boost::none);
    http::async_read_header(stream_, buffer_, parser,
                            [this](Failure failure, std::size_t) { failure_ = failure; });
    return finish("reading the answer");
  }
  /// The next bytes of a body; nothing when it has ended.
  Result<std::string_view> receive_some(StreamParser& parser) {
    if (parser.is_done()) return std::string_view();
    parser.get().body().data = piece_;
    parser.get().body().size = sizeof piece_;
    http::async_read_some(stream_, buffer_, parser,
                          [this](Failure failure, std::size_t) { failure_ = failure; });
    io_.restart();
    io_.run();
    if (failure_ == http::error::need_buffer) failure_ = {};
    if (failure_ == http::error::end_of_stream || failure_ == asio::error::eof) return std::string_view();
    if (failure_) return error("reading the stream");
    return std::string_view(piece_, sizeof piece_ - parser.get().body().size);
  }
  void never_expire() { stream_.expires_never(); }

 private:
  Result<void> finish(std::string_view step) {
    io_.restart();
    io_.run();
    if (failure_) return error(step);
    return {};
  }
  Error error(std::string_view step) const { return socket_error(failure_, step, socket_); }

  const std::filesystem::path& socket_;
  asio::io_context io_{1};
  beast::basic_stream<asio::local::stream_protocol> stream_{io_};
  beast::flat_buffer buffer_{max_answer_bytes + max_answer_header_bytes};
  char piece_[4096];
  Failure failure_;
};

}  // namespace

Result<Response> Http::call(const Request& request, milliseconds deadline) const {
  Connection connection(socket_, deadline);
  TRY(connection.connect());
  if (auto sent = connection.send(request); !sent && sent.error().code != Errc::unavailable)
    return std::move(sent).error();
  // A service that refuses early (too large, too many) answers and hangs up before it has read everything.
  return connection.receive();
}

Result<void> Http::listen(const std::string& target, const std::function<bool(const Event&)>& on_event,
                          milliseconds patience, bool whole) const {
  Connection connection(socket_, patience);
  TRY(connection.connect());
  TRY(connection.send({.target = target}));
  Connection::StreamParser parser;
  TRY(connection.receive_head(parser));
  if (parser.get().result_int() != 200) {
    return Error{Errc::unavailable,
                 fmt::format("the service answered {} instead of events", parser.get().result_int())};
  }
  if (!whole) connection.never_expire();
  if (!on_event({"open", {}})) return {};
  EventParser events;
  for (;;) {
    const auto piece = TRY(connection.receive_some(parser));
    if (piece.empty()) return Error{Errc::unavailable, "the service closed the stream"};
    if (!TRY(events.feed(piece, on_event))) return {};
  }
}

void add_to_query(std::string& target, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target.append(name).append(1, '=').append(percent_encode(value));
}

std::string with_query(std::string path,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  for (const auto& [name, value] : parameters) add_to_query(path, name, value);
  return path;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace cardgate::client
