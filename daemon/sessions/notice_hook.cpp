// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/notice_hook.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "daemon/limits.hpp"

namespace cardgate::daemon {

boost::asio::awaitable<Result<void>> hand_to_hook(std::filesystem::path path, std::string text) {
  namespace asio = boost::asio;
  using HookSocket = asio::local::stream_protocol::socket;
  constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
  if (path.native().size() > max_socket_path) co_return Error{Errc::invalid_argument, path.string()};
  auto io = co_await asio::this_coro::executor;
  auto socket = std::make_shared<HookSocket>(io);
  auto late = std::make_shared<bool>(false);
  asio::steady_timer deadline(io);
  deadline.expires_after(hook_deadline);
  deadline.async_wait([socket, late](const boost::system::error_code& stopped) {
    if (stopped) return;
    *late = true;
    boost::system::error_code ignored;
    socket->close(ignored);
  });
  const auto failed = [&late](const boost::system::error_code& why) {
    return *late ? Error{Errc::timeout, "the hook does not take it"}
                 : Error{Errc::unavailable, why.message()};
  };
  auto connecting = socket->async_connect(asio::local::stream_protocol::endpoint(path.string()), as_tuple);
  const auto [no_connection] = co_await std::move(connecting);
  if (no_connection) co_return failed(no_connection);
  auto writing = asio::async_write(*socket, asio::buffer(text), as_tuple);
  const auto [not_written, bytes] = co_await std::move(writing);
  if (not_written) co_return failed(not_written);
  // What nobody reads, because systemd has no room for one more or the program cannot start, comes back as a reset. A program that is
  // still at work when the time is over has what it needs.
  boost::system::error_code ended;
  socket->shutdown(HookSocket::shutdown_send, ended);
  std::array<char, 64> answer{};
  while (!ended) {
    auto reading = socket->async_read_some(asio::buffer(answer), as_tuple);
    const auto [no_more, count] = co_await std::move(reading);
    ended = no_more;
  }
  if (ended == asio::error::connection_reset) co_return Error{Errc::unavailable, "it was not read"};
  co_return Result<void>();
}

}  // namespace cardgate::daemon
