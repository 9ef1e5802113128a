// SPDX-License-Identifier: Apache-2.0
#include "daemon/fetch/download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url.hpp>

namespace cardgate::daemon::fetch {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::asio::use_awaitable;
using Tcp = asio::ip::tcp;

constexpr int max_redirections = 3;
constexpr int max_interim_answers = 8;  // 1xx, before the one that counts (RFC 9110 15.2)

struct Target {
  std::string host, port, path;  // an IPv6 address stands in brackets
  /// What the resolver takes.
  std::string address() const { return host.starts_with('[') ? host.substr(1, host.size() - 2) : host; }
};

/// Host names are alike in either case (RFC 3986 3.2.2).
bool same_host(const std::string& one, const std::string& other) {
  return ascii_lower(one) == ascii_lower(other);
}

/// Errors: invalid_argument (another scheme, a user, no host), permission_denied (a host that is not listed).
Result<Target> target_of(const std::string& text, const std::vector<std::string>& hosts) {
  const auto refused = [&](Errc code, const char* why) {
    return Error{code, fmt::format("{} {}", text, why)};
  };
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return refused(Errc::invalid_argument, "is no URL");
  const auto& url = *parsed;
  if (url.scheme_id() != boost::urls::scheme::http) return refused(Errc::invalid_argument, "is not http");
  if (url.has_userinfo() || url.encoded_host().empty())
    return refused(Errc::invalid_argument, "must have a host, and no user name");
  Target out;
  out.host = url.host();
  out.port = url.has_port() && !url.port().empty() ? std::string(url.port()) : "80";
  out.path = url.encoded_target().empty() ? "/" : std::string(url.encoded_target());
  if (out.path.front() == '?') out.path.insert(0, "/");
  const std::string with_port = out.host + ":" + out.port;
  const bool listed = std::ranges::any_of(hosts, [&](const std::string& host) {
    return same_host(host, with_port) || (same_host(host, out.host) && out.port == "80");
  });
  if (!listed) return refused(Errc::permission_denied, "is not on a configured host");
  return out;
}

/// After 303 only a GET goes on as it was (RFC 9110 15.4.4).
bool leads_on(http::status status, bool get) {
  return status == http::status::moved_permanently || status == http::status::found ||
         status == http::status::temporary_redirect || status == http::status::permanent_redirect ||
         (get && status == http::status::see_other);
}

/// Location may be relative to what was asked for (RFC 9110 10.2.2). Errors: invalid_argument.
Result<std::string> where_to(const std::string& from, const std::string& location) {
  if (location.empty())
    return Error{Errc::invalid_argument, fmt::format("{} redirects, but does not say where", from)};
  const auto base = boost::urls::parse_uri(from);
  const auto reference = boost::urls::parse_uri_reference(location);
  boost::urls::url out;
  if (!base || !reference || !boost::urls::resolve(*base, *reference, out)) {
    return Error{Errc::invalid_argument, fmt::format("{} redirects to something that is not a URL", from)};
  }
  return std::string(out.buffer());
}

using Parser = http::response_parser<http::vector_body<std::uint8_t>>;

asio::awaitable<std::unique_ptr<Parser>> exchange_once(const Exchange& exchange, const Target& target) {
  const auto executor = co_await asio::this_coro::executor;
  Tcp::resolver resolver(executor);
  const auto found = co_await resolver.async_resolve(target.address(), target.port, use_awaitable);
  boost::beast::tcp_stream stream(executor);
  stream.expires_never();  // the one deadline is over everything
  co_await stream.async_connect(found, use_awaitable);
  http::request<http::vector_body<std::uint8_t>> request(
      exchange.body.empty() ? http::verb::get : http::verb::post, target.path, 11);
  request.set(http::field::host, target.port == "80" ? target.host : target.host + ":" + target.port);
  request.set(http::field::user_agent, "cardgate-fetch");
  request.set(http::field::connection, "close");
  request.set(http::field::accept_encoding, "identity");
  if (!exchange.body.empty()) {
    request.set(http::field::content_type, "application/ocsp-request");
    request.set(http::field::accept, "application/ocsp-response");
    request.body() = exchange.body;
  }
  request.prepare_payload();
  co_await http::async_write(stream, request, use_awaitable);
  // What the parser cannot take yet (a chunk's line, a trailer) stays in the buffer, so this bounds it.
  boost::beast::flat_buffer buffer{64 * 1024};
  std::unique_ptr<Parser> parser;
  for (int i = 0; i <= max_interim_answers; ++i) {
    parser = std::make_unique<Parser>();
    parser->body_limit(exchange.max_bytes);
    parser->header_limit(16 * 1024);
    co_await http::async_read(stream, buffer, *parser, use_awaitable);
    // By its number: Beast has no name for 103.
    if (parser->get().result_int() / 100 != 1) break;
  }
  co_return parser;
}

asio::awaitable<Result<Bytes>> fetch_one(const Exchange& exchange, const std::vector<std::string>& hosts) {
  Exchange now = exchange;
  for (int i = 0; i <= max_redirections; ++i) {
    const auto target = target_of(now.url, hosts);
    if (!target) co_return target.error();
    const auto answer = co_await exchange_once(now, *target);
    auto& response = answer->get();
    if (leads_on(response.result(), now.body.empty())) {
      auto next = where_to(now.url, std::string(response[http::field::location]));
      if (!next) co_return next.error();
      now.url = std::move(*next);
      continue;
    }
    if (response.result() != http::status::ok) {
      co_return Error{Errc::unavailable, fmt::format("{} answers {}", now.url, response.result_int())};
    }
    const std::string encoding = ascii_lower(std::string(response[http::field::content_encoding]));
    if (!encoding.empty() && encoding != "identity") {
      const std::string shown = is_plain_utf8(encoding) ? encoding : "an unknown kind";
      co_return Error{
          Errc::unavailable,
          fmt::format("{} compressed its answer ({}), although it was asked not to", now.url, shown)};
    }
    co_return std::move(response.body());
  }
  co_return Error{Errc::unavailable, exchange.url + " redirects too many times"};
}

}  // namespace

void run(const Request& request,
         const std::function<void(std::size_t index, bool good, BytesView content)>& done) {
  asio::io_context io(1);
  std::size_t open = request.exchanges.size();
  std::vector<bool> ended(open, false);
  asio::steady_timer deadline(io, request.deadline);
  deadline.async_wait([&](const boost::system::error_code& stopped) {
    if (!stopped) io.stop();
  });
  for (std::size_t i = 0; i < request.exchanges.size(); ++i) {
    const auto& exchange = request.exchanges[i];
    asio::co_spawn(io, fetch_one(exchange, request.hosts),
                   [&, i](const std::exception_ptr& failure, const Result<Bytes>& outcome) {
                     ended[i] = true;
                     std::string why;
                     try {
                       if (failure) std::rethrow_exception(failure);
                     } catch (const boost::system::system_error& error) {
                       why = request.exchanges[i].url + ": " + error.code().message();
                     } catch (const std::exception& error) {
                       why = request.exchanges[i].url + ": " + error.what();
                     }
                     if (why.empty() && !outcome) why = outcome.error().context;
                     if (why.empty()) {
                       done(i, true, *outcome);
                     } else {
                       done(i, false, as_bytes(why));
                     }
                     if (--open == 0) io.stop();
                   });
  }
  io.run();
  for (std::size_t i = 0; i < ended.size(); ++i) {
    const std::string late =
        fmt::format("{}: no answer within {} ms", request.exchanges[i].url, request.deadline.count());
    if (!ended[i]) done(i, false, as_bytes(late));
  }
}

}  // namespace cardgate::daemon::fetch
