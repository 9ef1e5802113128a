// SPDX-License-Identifier: Apache-2.0
// libcardgate against a service of fixed answers: renewing, losing the service, odd answers, watching. Nothing of base/ is
// included, as in an application.
#include <cardgate/client.hpp>

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

namespace {

using cardgate::Client;
using cardgate::Errc;
using cardgate::Event;
using cardgate::TokenSource;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Calls `answer` with each connection and the request that came, one at a time, in a thread of its own.
class FakeDaemon {
 public:
  using Answer = std::function<void(int fd, const std::string& request)>;

  explicit FakeDaemon(Answer answer) : answer_(std::move(answer)) {
    char folder[] = "/tmp/cardgate-library.XXXXXX";
    folder_ = ::mkdtemp(folder);
    up();
  }
  ~FakeDaemon() {
    down();
    ::rmdir(folder_.c_str());
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  void up() {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_, 16), 0);
    ASSERT_EQ(::pipe(ends_), 0);
    thread_ = std::thread([this] { serve(); });
  }
  void down() {
    if (listener_ < 0) return;
    ::close(ends_[1]);
    thread_.join();
    ::close(ends_[0]);
    ::close(listener_);
    listener_ = -1;
    ::unlink(socket().c_str());
  }
  std::string socket() const { return folder_ + "/s"; }
  int calls() const { return calls_; }
  /// A descriptor that is readable when the service is to end.
  int ending() const { return ends_[0]; }
  std::string last_request() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  void serve() {
    for (;;) {
      pollfd entries[2]{{listener_, POLLIN, 0}, {ends_[0], POLLIN, 0}};
      if (::poll(entries, 2, -1) < 0 || entries[1].revents != 0) return;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      std::string request;
      char piece[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const auto got = ::recv(fd, piece, sizeof piece, 0);
        if (got <= 0) break;
        request.append(piece, static_cast<std::size_t>(got));
      }
      ++calls_;
      {
        const std::lock_guard lock(mutex_);
        last_ = request;
      }
      answer_(fd, request);
      ::close(fd);
    }
  }

  Answer answer_;
  std::string folder_;
  int listener_ = -1, ends_[2]{-1, -1};
  std::atomic<int> calls_{0};
  mutable std::mutex mutex_;
  std::string last_;
  std::thread thread_;
};

/// Whoever asked may have left.
void say(int fd, const std::string& text) {
  static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL));
}
void json(int fd, int status, const std::string& body, const std::string& more = {}) {
  say(fd, "HTTP/1.1 " + std::to_string(status) + " X\r\n" + more +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}
std::string token_answer(const std::string& token, int life) {
  return R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":)" + std::to_string(life) +
         "}";
}
Client client_of(const FakeDaemon& daemon, milliseconds deadline = seconds(10)) {
  cardgate::Options options;
  options.socket = daemon.socket();
  options.deadline = deadline;
  return Client(options);
}

TEST(TokenSource, RenewsInTheLastQuarterOfATokensLife) {
  int number = 0;
  FakeDaemon daemon(
      [&](int fd, const std::string&) { json(fd, 200, token_answer("t" + std::to_string(++number), 2)); });
  TokenSource tokens(client_of(daemon), "core", "esr");
  auto token = tokens.get();
  ASSERT_TRUE(token) << token.error().text;
  EXPECT_EQ(token->text(), "t1");
  EXPECT_EQ(tokens.get()->text(), "t1");
  EXPECT_EQ(daemon.calls(), 1);
  EXPECT_NE(daemon.last_request().find("POST /v1/token HTTP/1.1\r\n"), std::string::npos);
  while (token->left() > milliseconds(500)) std::this_thread::sleep_for(milliseconds(20));
  EXPECT_GT(token->left().count(), 0) << "ahead of its end";
  EXPECT_EQ(tokens.get()->text(), "t2");
  EXPECT_EQ(daemon.last_request().find("fresh"), std::string::npos);
  tokens.forget();
  EXPECT_EQ(tokens.get()->text(), "t3");
  EXPECT_NE(daemon.last_request().find(R"("fresh":true)"), std::string::npos)
      << "the service would hand out the same one again";
}

TEST(TokenSource, KeepsItsTokenWhileTheServiceIsAwayAndNoLonger) {
  FakeDaemon daemon([&](int fd, const std::string&) { json(fd, 200, token_answer("t", 2)); });
  TokenSource tokens(client_of(daemon), "core", "esr");
  ASSERT_TRUE(tokens.get());
  daemon.down();
  while (true) {
    auto token = tokens.get();
    if (!token) {
      EXPECT_EQ(token.error().code, Errc::not_reachable);
      break;
    }
    EXPECT_GE(token->left().count(), 0);
    std::this_thread::sleep_for(milliseconds(20));
  }
  daemon.up();
  EXPECT_TRUE(tokens.get());
}

TEST(TokenSource, ForgetsItsTokenWhenTheServiceRefusesAnother) {
  std::atomic<bool> gone{false};
  FakeDaemon daemon([&](int fd, const std::string&) {
    if (gone) return json(fd, 401, R"({"error":"no_session","detail":"Sign in."})");
    json(fd, 200, token_answer("t", 1));
  });
  TokenSource tokens(client_of(daemon), "core", "esr");
  auto token = tokens.get();
  ASSERT_TRUE(token);
  gone = true;
  while (token->left() > milliseconds(240)) std::this_thread::sleep_for(milliseconds(10));
  const auto refused = tokens.get();
  ASSERT_FALSE(refused) << "the one at hand has not ended, but its session has";
  EXPECT_EQ(refused.error().code, Errc::not_signed_in);
  EXPECT_EQ(refused.error().text, "Sign in.");
}

TEST(Library, SaysWhatIsMissing) {
  FakeDaemon daemon([](int fd, const std::string&) {
    json(
        fd, 403,
        R"({"error":"access_denied","detail":"You need a form.","unmet":[{"prerequisite":"form","text":"A form",
      "who":"you","next_step":"Ask for it"}]})");
  });
  const auto denied = client_of(daemon).token("core", "esr");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::denied);
  EXPECT_EQ(denied.error().reason, "access_denied");
  ASSERT_EQ(denied.error().missing.size(), 1U);
  EXPECT_EQ(denied.error().missing[0].next_step, "Ask for it");
}

TEST(Library, TellsASessionFromItsAnswer) {
  FakeDaemon daemon([](int fd, const std::string&) {
    json(
        fd, 200,
        R"({"sessions":[{"id":"a1","person":{"id":"1000","name":"Ada"},"acr":"card","state":"later","card_out":true,
      "reader":"R","signed_in_at":"2026-01-31T09:00:00Z","expires_at":"2026-01-31T21:00:00Z","warnings":["Soon"],"new":1}]})");
  });
  const auto session = client_of(daemon).session();
  ASSERT_TRUE(session) << session.error().text;
  EXPECT_EQ(session->name, "Ada");
  EXPECT_TRUE(session->by_card);
  EXPECT_TRUE(session->card_out);
  EXPECT_EQ(session->state, cardgate::Session::State::locked) << "a state that is not known";
  EXPECT_EQ(std::chrono::system_clock::to_time_t(session->signed_in_at), 1769850000);
  EXPECT_EQ(session->warnings, std::vector<std::string>{"Soon"});
}

TEST(Library, TakesNothingButAWholeAnswerOfTheServiceForAnAnswer) {
  const std::pair<std::string, Errc> cases[] = {
      {"", Errc::not_reachable},
      {"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"sessions\":[]}", Errc::not_reachable},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{\"sessions\":[]}", Errc::bad_answer},
      {"HTTP/1.1 200 OK\r\n\r\n{\"sessions\":[]}", Errc::bad_answer},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n{\"sessions\":[]}",
       Errc::bad_answer},
      {"HTTP/1.1 2x0 OK\r\nContent-Length: 15\r\n\r\n{\"sessions\":[]}", Errc::bad_answer},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", Errc::bad_answer},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Errc::bad_answer},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Errc::bad_answer},
      {"SSH-2.0-OpenSSH_9.2\r\n\r\n", Errc::bad_answer},
      {"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", Errc::bad_answer},
      {"HTTP/1.1 200 OK\r\n" + std::string(40'000, 'x'), Errc::bad_answer},
      {"HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: "
       "29\r\n\r\n{\"error\":\"audit_unavailable\"}",
       Errc::try_later},
  };
  for (const auto& [text, code] : cases) {
    FakeDaemon daemon([&answer_text = text](int fd, const std::string&) { say(fd, answer_text); });
    const auto answer = client_of(daemon).sessions();
    ASSERT_FALSE(answer) << text.substr(0, 80);
    EXPECT_EQ(answer.error().code, code) << text.substr(0, 80);
    EXPECT_FALSE(answer.error().text.empty() && code != Errc::try_later) << text.substr(0, 80);
  }
}

TEST(Library, HalfAnAnswerIsNoneWhereverItIsCut) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"sessions\":[]}";
  std::atomic<std::size_t> length{0};
  FakeDaemon daemon([&](int fd, const std::string&) { say(fd, whole.substr(0, length++)); });
  const auto client = client_of(daemon);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const auto answer = client.sessions();
    ASSERT_FALSE(answer) << cut;
    EXPECT_TRUE(answer.error().code == Errc::not_reachable || answer.error().code == Errc::bad_answer) << cut;
  }
  EXPECT_TRUE(client.sessions()) << "whole";
}

TEST(Library, WaitsNoLongerThanItsDeadline) {
  FakeDaemon* self = nullptr;
  FakeDaemon daemon([&](int fd, const std::string&) {
    say(fd, "HTTP/1.1 200 OK\r\n");
    pollfd entry{self->ending(), POLLIN, 0};
    ::poll(&entry, 1, 20'000);
  });
  self = &daemon;
  const auto began = std::chrono::steady_clock::now();
  const auto answer = client_of(daemon, milliseconds(200)).sessions();
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::timeout);
}

TEST(Library, SaysNoToWhatCannotBeAsked) {
  FakeDaemon daemon([](int fd, const std::string&) { json(fd, 200, "{}"); });
  const auto client = client_of(daemon);
  EXPECT_EQ(client.token("", "esr").error().code, Errc::bad_argument);
  EXPECT_EQ(client.token("core", std::string(300, 'a')).error().code, Errc::bad_argument);
  for (const std::string token : {"", "a b", "a\r\nX-Forged: 1", "\x80"})
    EXPECT_EQ(client.verify(token, "esr").error().code, Errc::token_not_active);
  EXPECT_EQ(daemon.calls(), 0);
  cardgate::Options options;
  options.socket = std::string(200, 'a');
  EXPECT_EQ(Client(options).sessions().error().code, Errc::bad_argument);
  options.socket = "/nowhere/s";
  EXPECT_EQ(Client(options).sessions().error().code, Errc::not_reachable);
}

TEST(Library, LetsInByACompleteYesAlone) {
  FakeDaemon daemon([](int fd, const std::string&) {
    say(fd,
        "HTTP/1.1 204 No Content\r\nX-Cardgate-Subject: 1000\r\nX-Cardgate-Session: s\r\nX-Cardgate-Role: "
        "core\r\n\r\n");
  });
  const auto holder = client_of(daemon).verify("t", "esr", "core");
  ASSERT_TRUE(holder) << holder.error().text;
  EXPECT_EQ(holder->person, "1000");
  EXPECT_NE(daemon.last_request().find("GET /v1/verify?audience=esr&role=core HTTP"), std::string::npos);
  EXPECT_NE(daemon.last_request().find("Authorization: Bearer t\r\n"), std::string::npos);
  for (const std::string no : {"HTTP/1.1 204 No Content\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nX-Cardgate-Subject: 1000\r\nContent-Length: 0\r\n\r\n",
                               "HTTP/1.1 302 X\r\nX-Cardgate-Subject: 1000\r\nContent-Length: 0\r\n\r\n"}) {
    FakeDaemon other([&no](int fd, const std::string&) { say(fd, no); });
    EXPECT_EQ(client_of(other).verify("t", "esr").error().code, Errc::bad_answer) << no;
  }
}

TEST(Watch, TellsWhatHappensAndThatNothingIsHeardAnyMore) {
  FakeDaemon daemon([](int fd, const std::string&) {
    say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: listening\n\n");
    say(fd, "id: 1\nevent: card\ndata: {\"kind\":\"removed\",\"rea");
    say(fd,
        "der\":\"R\"}\n\nevent: session\r\ndata: {\"kind\":\"ended\",\r\ndata: "
        "\"session\":\"s\",\"reason\":\"card_removed\"}\r\n\r\n");
    say(fd, "event: weather\ndata: {\"kind\":\"rain\"}\n\n");
  });
  cardgate::Watch watch(client_of(daemon));
  EXPECT_EQ(watch.descriptor(), -1);
  auto event = watch.next(seconds(5));
  ASSERT_TRUE(event) << event.error().text;
  EXPECT_EQ(event->what, Event::What::watching);
  EXPECT_GE(watch.descriptor(), 0);
  event = watch.next(seconds(5));
  EXPECT_EQ(event->what, Event::What::card_out);
  EXPECT_EQ(event->reader, "R");
  event = watch.next(seconds(5));
  EXPECT_EQ(event->what, Event::What::ended);
  EXPECT_EQ(event->session, "s");
  EXPECT_EQ(event->reason, "card_removed");
  event = watch.next(seconds(5));
  EXPECT_EQ(event->what, Event::What::other);
  EXPECT_EQ(event->name, "weather");
  event = watch.next(seconds(5));
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code, Errc::not_reachable);
  EXPECT_EQ(watch.next(milliseconds(0)).error().code, Errc::timeout) << "it does not connect again at once";
  event = watch.next(seconds(5));
  ASSERT_TRUE(event) << event.error().text;
  EXPECT_EQ(event->what, Event::What::watching);
}

TEST(Watch, CallsAServiceGoneThatHangs) {
  FakeDaemon* self = nullptr;
  FakeDaemon daemon([&](int fd, const std::string&) {
    say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: listening\n\n");
    pollfd entry{self->ending(), POLLIN, 0};
    ::poll(&entry, 1, 20'000);
  });
  self = &daemon;
  cardgate::Options options;
  options.socket = daemon.socket();
  options.silence = milliseconds(300);
  cardgate::Watch watch{Client(options)};
  ASSERT_TRUE(watch.next(seconds(5)));
  EXPECT_EQ(watch.next(milliseconds(20)).error().code, Errc::timeout);
  EXPECT_EQ(watch.next(seconds(20)).error().code, Errc::not_reachable);
}

TEST(Watch, EndsWhenItIsStopped) {
  FakeDaemon* self = nullptr;
  FakeDaemon daemon([&](int fd, const std::string&) {
    say(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: listening\n\n");
    pollfd entry{self->ending(), POLLIN, 0};
    ::poll(&entry, 1, 20'000);
  });
  self = &daemon;
  cardgate::Watch watch(client_of(daemon));
  ASSERT_TRUE(watch.next(seconds(5)));
  std::thread other([&] { watch.stop(); });
  EXPECT_EQ(watch.next(seconds(30)).error().code, Errc::stopped);
  other.join();
  EXPECT_EQ(watch.next(seconds(30)).error().code, Errc::stopped);
}

}  // namespace
