// SPDX-License-Identifier: Apache-2.0
#include "client/socket/wire.hpp"

#include <fmt/format.h>

#include <boost/asio/error.hpp>

namespace cardgate::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t max_socket_path = 107;  // sockaddr_un

}  // namespace

Result<void> check_socket_path(const std::filesystem::path& socket) {
  if (socket.native().size() > max_socket_path) {
    return Error{Errc::invalid_argument,
                 fmt::format("{}: a socket's path has at most {} bytes", socket.native(), max_socket_path)};
  }
  return {};
}

Message message_of(const Request& request) {
  Message message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, "localhost");
  message.set(http::field::user_agent, "cardgate/" CARDGATE_VERSION);
  message.set(http::field::connection, "close");
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = beast::span<const char>(request.body.data(), request.body.size());
  message.prepare_payload();
  return message;
}

Response response_of(http::response<http::string_body> message) {
  return {static_cast<int>(message.result_int()), std::string(message[http::field::content_type]),
          std::move(message.body())};
}

Error socket_error(const Failure& failure, std::string_view step, const std::filesystem::path& socket) {
  const auto text = [&](std::string_view what) {
    return fmt::format("{}: {}: {}", socket.native(), step, what);
  };
  if (failure == asio::error::connection_refused ||
      failure == boost::system::errc::no_such_file_or_directory) {
    return {Errc::unavailable, fmt::format("nothing listens at {}", socket.native())};
  }
  if (failure == boost::system::errc::permission_denied) {
    return {Errc::permission_denied, fmt::format("you may not use {}", socket.native())};
  }
  if (failure == beast::error::timeout) return {Errc::timeout, text("no answer in time")};
  if (failure == http::error::body_limit || failure == http::error::header_limit) {
    return {Errc::too_large, text("the answer is too large")};
  }
  if (failure == http::error::end_of_stream || failure == http::error::partial_message ||
      failure == asio::error::eof || failure == asio::error::connection_reset ||
      failure == asio::error::broken_pipe) {
    return {Errc::unavailable, text("the service hung up")};
  }
  if (failure.category() == http::make_error_code(http::error::bad_version).category()) {
    return {Errc::malformed, text(failure.message())};
  }
  return {Errc::io, text(failure.message())};
}

}  // namespace cardgate::client
