// SPDX-License-Identifier: Apache-2.0
#include "client/socket/http.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/client/fake_service.hpp"

namespace cardgate::client {
namespace {

TEST(Http, SendsABodyAndReadsTheAnswer) {
  FakeService service;
  service.answer("POST /v1/token", {ok(R"({"a":1})", 201)});
  const auto answer =
      Http(service.socket())
          .call({.method = "POST", .target = "/v1/token", .body = "hello", .content_type = "text/plain"});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, R"({"a":1})");
  ASSERT_EQ(service.requests().size(), 1U);
  EXPECT_TRUE(service.requests().front().ends_with("\r\n\r\nhello"));
  EXPECT_NE(service.requests().front().find("Content-Type: text/plain\r\n"), std::string::npos);
}

TEST(Http, SaysThatNobodyListens) {
  const testing::TempDir directory;
  EXPECT_EQ(Http(directory / "none").call({.target = "/"}).error().code, Errc::unavailable);
  std::filesystem::path left_over;
  {
    const FakeService service;
    left_over = directory / "left-over";
    ASSERT_EQ(link(service.socket().c_str(), left_over.c_str()), 0);
  }
  EXPECT_EQ(Http(left_over).call({.target = "/"}).error().code, Errc::unavailable);
  EXPECT_EQ(Http(std::string(200, 'x')).call({.target = "/"}).error().code, Errc::invalid_argument);
}

TEST(Http, FailsOnAnAnswerCutAtAnyLength) {
  FakeService service;
  const auto whole = ok("{}");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    service.answer("GET /", {whole.substr(0, length)});
    const auto answer = Http(service.socket()).call({.target = "/"});
    ASSERT_FALSE(answer) << length;
    EXPECT_EQ(answer.error().code, Errc::unavailable) << answer.error().message();
  }
}

TEST(Http, RefusesNonsenseAndTooMuch) {
  FakeService service;
  service.answer("GET /nonsense", {"220 mail.example ESMTP\r\n\r\n"});
  EXPECT_EQ(Http(service.socket()).call({.target = "/nonsense"}).error().code, Errc::malformed);
  service.answer("GET /large", {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"});
  EXPECT_EQ(Http(service.socket()).call({.target = "/large"}).error().code, Errc::too_large);
}

TEST(Http, WaitsNoLongerThanItsDeadline) {
  const testing::TempDir directory;
  const auto path = (directory / "silent").string();
  // The kernel completes the connection; nobody ever accepts it.
  const FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener.get(), 4), 0);
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(Http(path).call({.target = "/"}, milliseconds(200)).error().code, Errc::timeout);
  EXPECT_EQ(Http(path)
                .listen(
                    "/", [](const Event&) { return true; }, milliseconds(200))
                .error()
                .code,
            Errc::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - started, seconds(5));
}

TEST(Http, ReadsAStreamUntilToldToStop) {
  FakeService service;
  service.answer("GET /v1/events",
                 {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
                  "event: card\ndata: 1\n\nevent: card\ndata: 2\n\n"});
  std::vector<std::string> names;
  const auto all = Http(service.socket())
                       .listen(
                           "/v1/events",
                           [&](const Event& event) {
                             names.push_back(event.name + event.data);
                             return true;
                           },
                           seconds(5));
  EXPECT_EQ(all.error().code, Errc::unavailable);  // the stream ended
  EXPECT_EQ(names, (std::vector<std::string>{"open", "card1", "card2"}));

  const auto first =
      Http(service.socket())
          .listen("/v1/events", [](const Event& event) { return event.name == "open"; }, seconds(5));
  EXPECT_TRUE(first);
  service.answer("GET /v1/events", {problem(429, "too_many_listeners", "Too many.")});
  EXPECT_FALSE(Http(service.socket()).listen("/v1/events", [](const Event&) { return true; }, seconds(5)));
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ0-._~"), "aZ0-._~");
  EXPECT_EQ(percent_encode("a b&c=/+%é"), "a%20b%26c%3D%2F%2B%25%C3%A9");
}

}  // namespace
}  // namespace cardgate::client
