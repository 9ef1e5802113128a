// SPDX-License-Identifier: Apache-2.0
// The server over a real socket, in this process: what it says last arrives, and a stream that is silent says that it is there.
#include "daemon/http/server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <map>
#include <thread>

#include "base/file.hpp"
#include "daemon/sessions/events.hpp"
#include "tests/support/process.hpp"
#include "tests/support/unix_socket.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;

/// A client that writes whatever it has before it reads, as proxies do.
class Client {
 public:
  explicit Client(const std::filesystem::path& socket) : fd_(testing::connect_to(socket)) {
    timeval patience{20, 0};
    EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  }
  /// Everything goes out, whether or not it is wanted; false when the other side does not take it.
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const auto count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// Reads until the text holds `words`, or the connection ends; `failed` when it ends by an error.
  std::string read_until(std::string_view words, bool* failed = nullptr) const {
    std::string text;
    char buffer[4096];
    while (text.find(words) == std::string::npos) {
      const auto count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count < 0 && failed != nullptr) *failed = true;
      if (count <= 0) break;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  FileDescriptor fd_;
};

class ServerTest : public ::testing::Test {
 protected:
  void serve(Handler handler, Limits with = {}, milliseconds comment_every = event_comment_every) {
    limits = with;
    Calls calls{.handler = std::move(handler),
                .body_limit = [](const Request&, bool) { return max_body_bytes; },
                .beside = [](const Request& request, bool) { return request.path.starts_with("/beside"); }};
    server = std::make_unique<Server>(
        io, std::move(calls), limits, [](const Peer&) { return true; }, comment_every);
    const auto listening = listen_on(dir / "s.sock", 0600);
    ASSERT_TRUE(listening) << listening.error().message();
    server->serve({.acceptor = {io, asio::local::stream_protocol(), *listening}});
    thread = std::jthread([this] { io.run(); });
  }
  void TearDown() override {
    if (!server) return;
    asio::post(io, [this] { server->drain([this] { io.stop(); }); });
    thread.join();
  }
  std::size_t connections() {
    std::promise<std::size_t> count;
    asio::post(io, [&] { count.set_value(server->connections()); });
    return count.get_future().get();
  }
  Client client() const { return Client(dir / "s.sock"); }
  /// The last words of a server that serves no more, as a program reads them.
  static void expect_unavailable(std::string_view answer, std::string_view code) {
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
    for (const auto part : {std::string_view("\r\nContent-Type: application/problem+json\r\n"),
                            std::string_view("\r\nRetry-After: "), code})
      EXPECT_NE(answer.find(part), std::string_view::npos) << part << "\n" << answer;
  }
  static asio::awaitable<Response> refused_or_empty(Request& request) {
    if (request.refused) co_return std::move(*request.refused);
    co_return json_response(200, json::object());
  }

  static Handler stream_of(const std::shared_ptr<Events>& events) {
    return [events](Request& request) -> asio::awaitable<Response> {
      Response answer;
      answer.listener = events->listen(request.peer->uid, request.peer->counted_as, 16);
      co_return answer;
    };
  }

  testing::TempDir dir;
  asio::io_context io;
  Limits limits;
  std::unique_ptr<Server> server;
  std::jthread thread;
};

// Closing a Unix socket on bytes that were not read resets it: nginx then said 502 in the place of the answer.
TEST_F(ServerTest, WhoeverSendsABodyThatIsTooLargeReadsWhy) {
  serve(refused_or_empty);
  const std::string body(8 << 20, 'x');
  for (int round = 0; round < 20; ++round) {
    const auto sender = client();
    EXPECT_TRUE(sender.send(
        "POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n"));
    EXPECT_TRUE(sender.send(body)) << "what is not wanted is taken all the same";
    bool failed = false;
    const auto answer = sender.read_until("never", &failed);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    EXPECT_NE(answer.find("body_too_large"), std::string::npos) << answer;
    EXPECT_FALSE(failed) << "it ends in order";
  }
}

TEST_F(ServerTest, WhoeverIsTurnedAwayForWantOfRoomReadsWhy) {
  auto events = std::make_shared<Events>(io);
  serve(stream_of(events), {.connections = 1, .connections_per_uid = 1});
  // A connection that is being answered makes no room.
  const auto first = client();
  ASSERT_TRUE(first.send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"));
  ASSERT_TRUE(first.read_until(": listening").starts_with("HTTP/1.1 200 "));
  for (int round = 0; round < 20; ++round) {
    const auto next = client();
    (void)next.send("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");  // it may be turned away before
    expect_unavailable(next.read_until("too_many_connections"), "\"error\":\"too_many_connections\"");
  }
}

TEST_F(ServerTest, WhoeverIsNotAnsweredInTimeWhenTheServiceStopsReadsWhy) {
  std::promise<void> asked;
  serve([this, &asked](Request&) -> asio::awaitable<Response> {
    asked.set_value();
    asio::steady_timer never(io, std::chrono::hours(1));
    co_await never.async_wait(asio::use_awaitable);
    co_return no_content();
  });
  const auto waits = client();
  ASSERT_TRUE(waits.send("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"));
  asked.get_future().wait();
  asio::post(io, [this] { server->drain([this] { io.stop(); }); });
  expect_unavailable(waits.read_until("before you try again"), "\"error\":\"draining\"");
}

TEST_F(ServerTest, AStreamPassesProxiesAndIsNeverSilentForLong) {
  auto events = std::make_shared<Events>(io);
  serve(stream_of(events), {}, milliseconds(20));
  const auto listener = client();
  ASSERT_TRUE(listener.send("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto head = listener.read_until(": still here\n\n");
  EXPECT_NE(head.find("X-Accel-Buffering: no\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with(": still here\n\n")) << head;
  asio::post(io, [events] { events->publish("service", {{"kind", "stopping"}}, std::nullopt); });
  EXPECT_NE(listener.read_until("stopping").find("event: service\n"), std::string::npos)
      << "and events come between the comments";
}

// --- requests that came together ---

std::string get(std::string_view path, std::string_view headers = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", path, headers);
}

/// Requests that wait until they are let go, in any order. Used on the server's thread alone, but for what is atomic.
class Held {
 public:
  explicit Held(asio::io_context& io) : io_(io) {}

  /// "/beside?1"; a request that cannot be read has none.
  static std::string name_of(const Request& request) {
    return request.path + (request.query.empty() ? "" : "?" + request.query.front().first);
  }

  Handler handler() {
    return [this](Request& request) -> asio::awaitable<Response> {
      const std::string path = name_of(request);
      auto& timer = *waiting_.emplace(path, std::make_unique<asio::steady_timer>(io_, std::chrono::hours(1)))
                         .first->second;
      ++here;
      most = std::max<int>(most, here);
      boost::system::error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      waiting_.erase(path);
      --here;  // the last that is looked at of this: it may be gone
      if (path.ends_with("broken")) throw std::runtime_error("as asked for");
      Response answer;
      answer.body = path;
      co_return answer;
    };
  }
  /// Waits until so many are being answered.
  ::testing::AssertionResult has(int count) {
    return testing::eventually(seconds(20), [&] { return here == count; })
               ? ::testing::AssertionSuccess()
               : ::testing::AssertionFailure() << here << " are being answered";
  }
  void let_go(const std::string& path) {
    asio::post(io_, [this, path] { waiting_.at(path)->cancel(); });
  }

  std::atomic<int> here{0}, most{0};

 private:
  asio::io_context& io_;
  std::map<std::string, std::unique_ptr<asio::steady_timer>> waiting_;
};

TEST_F(ServerTest, WhatCameTogetherIsAnsweredSideBySideAndInItsOrder) {
  Held held(io);
  serve(held.handler());
  const auto asks = client();
  ASSERT_TRUE(asks.send(get("/beside?1") + get("/beside?2") + get("/beside?3")));
  ASSERT_TRUE(held.has(3)) << "none waits for the one before it";
  held.let_go("/beside?3");
  ASSERT_TRUE(held.has(2));
  held.let_go("/beside?1");
  EXPECT_TRUE(asks.read_until("/beside?1").ends_with("/beside?1"))
      << "the first does not wait for the second";
  held.let_go("/beside?2");
  const auto rest = asks.read_until("/beside?3");
  EXPECT_LT(rest.find("/beside?2"), rest.find("/beside?3")) << rest;
  EXPECT_EQ(rest.find("Connection: close"), std::string::npos) << rest;
  ASSERT_TRUE(asks.send(get("/beside?4", "Connection: close\r\n")));
  ASSERT_TRUE(held.has(1)) << "the connection goes on";
  held.let_go("/beside?4");
  EXPECT_NE(asks.read_until("never").find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, AnotherCallWaitsForWhatCameBeforeAndIsWaitedFor) {
  Held held(io);
  serve(held.handler());
  const auto asks = client();
  ASSERT_TRUE(asks.send(get("/beside?1") + get("/beside?2") + get("/alone") + get("/beside?3") +
                        get("/beside/other")));
  ASSERT_TRUE(held.has(2));
  held.let_go("/beside?2");
  ASSERT_TRUE(held.has(1)) << "not before all of them are answered";
  held.let_go("/beside?1");
  (void)asks.read_until("/beside?2");
  for (const std::string path : {"/alone", "/beside?3", "/beside/other"}) {
    ASSERT_TRUE(held.has(1)) << path;
    held.let_go(path);
    EXPECT_TRUE(asks.read_until(path).ends_with(path));
  }
}

TEST_F(ServerTest, OneConnectionHasNoMoreThanItsShareAtOnce) {
  Held held(io);
  serve(held.handler());
  const auto asks = client();
  std::string all;
  for (int i = 0; i < 40; ++i) all += get(fmt::format("/beside?{}", i));
  ASSERT_TRUE(asks.send(all));
  for (int from = 0; from < 40; from += static_cast<int>(max_beside)) {
    const int count = std::min(40 - from, static_cast<int>(max_beside));
    ASSERT_TRUE(held.has(count));
    for (int i = from; i < from + count; ++i) held.let_go(fmt::format("/beside?{}", i));
    (void)asks.read_until(fmt::format("/beside?{}", from + count - 1));
  }
  EXPECT_EQ(held.most, static_cast<int>(max_beside));
}

TEST_F(ServerTest, WhatGoesWrongWithOneOfThemIsThatOnesAlone) {
  Held held(io);
  serve(held.handler());
  const auto asks = client();
  // The last is no request at all, which is found while the others are still answered.
  ASSERT_TRUE(asks.send(get("/beside?1") + get("/beside?broken") + get("/beside?3") + "nonsense\r\n\r\n"));
  ASSERT_TRUE(held.has(3));
  for (const std::string path : {"/beside?broken", "/beside?3", "/beside?1"}) held.let_go(path);
  const auto answers = asks.read_until("/beside?3");
  EXPECT_NE(answers.find("/beside?1HTTP/1.1 500 "), std::string::npos) << answers;
  ASSERT_TRUE(held.has(1)) << "what cannot be read comes to the handler, too";
  held.let_go("");
  ASSERT_TRUE(held.has(0));
}

TEST_F(ServerTest, WhoeverLeavesInTheMiddleTakesNothingWithThem) {
  Held held(io);
  serve(held.handler());
  {
    const auto leaves = client();
    ASSERT_TRUE(leaves.send(get("/beside?1") + get("/beside?2") + get("/beside?3")));
    ASSERT_TRUE(held.has(3));
  }
  held.let_go("/beside?1");
  ASSERT_TRUE(held.has(2));
  EXPECT_EQ(connections(), 1U) << "it is counted for as long as its requests are handled";
  held.let_go("/beside?3");
  held.let_go("/beside?2");
  EXPECT_TRUE(testing::eventually(seconds(20), [&] { return connections() == 0; }));
  const auto next = client();
  ASSERT_TRUE(next.send(get("/beside?4")));
  ASSERT_TRUE(held.has(1));
  held.let_go("/beside?4");
  EXPECT_TRUE(next.read_until("/beside?4").ends_with("/beside?4"));
}

TEST_F(ServerTest, AServiceThatStopsAnswersThemAllAndSaysSoWithTheLast) {
  Held held(io);
  serve(held.handler());
  const auto asks = client();
  ASSERT_TRUE(asks.send(get("/beside?1") + get("/beside?2")));
  ASSERT_TRUE(held.has(2));
  asio::post(io, [this] { server->drain([this] { io.stop(); }); });
  held.let_go("/beside?1");
  EXPECT_NE(asks.read_until("/beside?1").find("Connection: keep-alive"), std::string::npos);
  held.let_go("/beside?2");
  EXPECT_NE(asks.read_until("never").find("Connection: close"), std::string::npos);
}

}  // namespace
}  // namespace cardgate::daemon
