// SPDX-License-Identifier: Apache-2.0
// Clients that mean harm, against the real service: none takes a connection, a thread or the memory from the others, and none
// is believed what it has no business to say.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "tests/daemon/other_user.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/unix_socket.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::as_user;
using testing::Holder;
using testing::HttpAnswer;
using testing::Stage;

FileDescriptor connect(const std::filesystem::path& socket) {
  auto fd = testing::connect_to(socket);
  EXPECT_TRUE(fd);
  return fd;
}

void send(const FileDescriptor& fd, std::string_view text) {
  EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

/// All that comes until the peer closes.
std::string receive_all(const FileDescriptor& fd) {
  const timeval patience{30, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string out;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    out.append(buffer, static_cast<std::size_t>(count));
  return out;
}

class Requests : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  /// Nobody but the asking one is connected.
  bool all_others_are_gone() {
    return testing::eventually(seconds(10), [&] {
      return stage.ask("GET", "/metrics").body.find("\ncardgate_connections 1\n") != std::string::npos;
    });
  }
  std::string chunked(std::string_view target, std::string_view headers, std::string_view body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{}\r\n{}", target,
                       headers, body);
  }
  Stage stage;
};

TEST_F(Requests, ThatNeverEndAreAnsweredAndTheirConnectionsAreFree) {
  stage.up();
  const std::string much(256 * 1024, 'a');
  std::string trailers;
  for (int i = 0; trailers.size() < much.size(); ++i) trailers += fmt::format("X-{}: y\r\n", i);
  const std::string endless[] = {"1;" + much, "1\r\na\r\n1;" + much, std::string(much.size(), '0'),
                                 "0;" + much, "0\r\nX: " + much,     "0\r\n" + trailers};
  for (const auto& body : endless) {
    const auto text = chunked("/v1/token", "", body);
    EXPECT_EQ(testing::raw(stage.socket, text).status, 400) << text.substr(0, 100);
    // The same from one that is gone at once; it may be refused before all is sent.
    const auto fd = connect(stage.socket);
    (void)::send(fd.get(), text.data(), 80 * 1024, MSG_NOSIGNAL);
  }
  send(connect(stage.socket), "GET /v1/status HT");
  EXPECT_TRUE(all_others_are_gone()) << stage.ask("GET", "/metrics").body;
}

TEST_F(Requests, AreJudgedByWhatStandsInTheirHeadAndNotInATrailer) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  const auto verify = [&](std::string_view headers, std::string_view body) {
    auto text = chunked("/v1/verify?audience=esr", headers, body);
    return testing::raw(stage.socket, text.replace(0, 4, "GET"));
  };
  EXPECT_EQ(verify("Authorization: Bearer " + token + "\r\n", "0\r\n\r\n").status, 204);
  EXPECT_EQ(verify("", "0\r\nAuthorization: Bearer " + token + "\r\n\r\n").error(), "token_missing");
  EXPECT_EQ(verify("Authorization: Bearer x\r\n", "0\r\nAuthorization: Bearer " + token + "\r\n\r\n").error(),
            "token_inactive");
  EXPECT_EQ(
      testing::raw(stage.socket,
                   chunked("/v1/introspect", "",
                           "5\r\ntoken\r\n0\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"))
          .error(),
      "unsupported_media_type");
  const auto fd = connect(stage.socket);
  send(fd, chunked("/v1/token", "", "0\r\nConnection: close\r\n\r\n") + "GET /v1/status HTTP/1.0\r\n\r\n");
  EXPECT_NE(receive_all(fd).find("HTTP/1.1 200 OK"), std::string::npos) << "the trailer has closed it";
}

TEST_F(Requests, MeanWhatTheySayOrAreRefused) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  const auto verify = [&](const std::string& query, const std::string& scheme = "Bearer ") {
    return stage.ask("GET", "/v1/verify?" + query, "", {"Authorization: " + scheme + token}).status;
  };
  EXPECT_EQ(verify("audience=esr&role=core"), 204);
  EXPECT_EQ(verify("audience=esr&role=manager-self-service"), 403);
  EXPECT_EQ(verify("audience=esr&role=manager-self-service&role=manager-self-service"), 400);
  EXPECT_EQ(verify("audience=esr&role=core&r%6fle=manager-self-service"), 400);
  EXPECT_EQ(verify("audience=esr&rolle=manager-self-service"), 400) << "a slip of the pen is no permission";
  EXPECT_EQ(verify("audience=esr", "bearer    "), 204);
  EXPECT_EQ(verify("audience=esr", "Bearer\t"), 401);
  const auto mine = [&](const std::string& header) {
    return testing::raw(stage.socket,
                        "GET /v1/records/1000/allowed?role=core HTTP/1.1\r\nHost: x\r\n" + header + "\r\n")
        .status;
  };
  EXPECT_EQ(mine(""), 200);
  EXPECT_EQ(mine("Authorization:\r\n"), 400) << "a token that was lost is not the session of who sits here";
  const auto twice = stage.ask("POST", "/v1/token", R"({"role":"core","audience":"esr","role":"core"})",
                               {"Content-Type: application/json"});
  EXPECT_EQ(twice.status, 400) << twice.body;
  EXPECT_EQ(stage
                .ask("POST", "/v1/introspect", "token=" + token + "&token=" + token,
                     {"Content-Type: application/x-www-form-urlencoded"})
                .status,
            400);
}

/// The bodies of all answers in `text`, each behind its status.
std::vector<std::string> answers_in(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto head = text.find("\r\n\r\n");
    const auto length = text.find("Content-Length: ");
    if (head == std::string_view::npos) break;
    const std::size_t size =
        length < head ? static_cast<std::size_t>(std::stoul(std::string(text.substr(length + 16, 8)))) : 0;
    out.push_back(std::string(text.substr(9, 3)) + " " + std::string(text.substr(head + 4, size)));
    text.remove_prefix(head + 4 + size);
  }
  return out;
}

TEST_F(Requests, ThatCameTogetherAreAnsweredInTheirOrderAndASignOutComesBetween) {
  stage.up();
  stage.insert_and_wait();
  const auto signed_in = stage.sign_in();
  ASSERT_EQ(signed_in.status, 201);
  const auto token = stage.token_text();
  const auto post = [](std::string_view target, std::string_view type, std::string_view body) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
                       target, type, body.size(), body);
  };
  const auto ask = post("/v1/token", "application/json", R"({"role":"core","audience":"esr","fresh":true})");
  const auto form = "application/x-www-form-urlencoded";
  std::string all;
  for (int i = 0; i < 20; ++i) all += ask;
  all += post("/v1/introspect", form, "token=" + token);
  all += post("/v1/token", "application/json", "nonsense");
  all += fmt::format("DELETE /v1/sessions/{} HTTP/1.1\r\nHost: x\r\n\r\n",
                     std::string(signed_in.json().at("id").as_string()));
  all += post("/v1/introspect", form, "token=" + token) + ask;
  all += "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const auto fd = connect(stage.socket);
  send(fd, all);
  const auto answers = answers_in(receive_all(fd));
  ASSERT_EQ(answers.size(), 26U);
  std::set<std::string> tokens;
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(answers[i].starts_with("200 {\"access_token\":\"")) << answers[i];
    tokens.insert(answers[i]);
  }
  EXPECT_EQ(tokens.size(), 20U) << "each its own";
  EXPECT_NE(answers[20].find("\"active\":true"), std::string::npos) << answers[20];
  EXPECT_TRUE(answers[21].starts_with("400 ")) << answers[21];
  EXPECT_TRUE(answers[22].starts_with("204 ")) << answers[22];
  EXPECT_NE(answers[23].find("\"active\":false"), std::string::npos)
      << "asked after the sign-out: " << answers[23];
  EXPECT_TRUE(answers[24].starts_with("401 ")) << answers[24];
  EXPECT_TRUE(answers[25].starts_with("200 ")) << answers[25];
}

TEST_F(Requests, ThatAreMalformedCountForTheRateLikeAnyOther) {
  stage.up();
  for (const std::string text : {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
                                 "GET /v1/none?a=1 HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    stage.write_config("limits: {requests_per_second: 1}\n");
    stage.daemon->signal(SIGHUP);
    ASSERT_TRUE(testing::eventually(seconds(10), [&] {
      const auto answer = testing::raw(stage.socket, text);
      return answer.status == 429 && answer.headers.at("retry-after") == "1";
    })) << text;
  }
}

TEST_F(Requests, LeaveNothingOfAPasswordThatCameInPieces) {
  stage.up();
  const std::string first = "seven piecemeal wo";
  const std::string second = "rds that nobody has typed before this";
  const std::string before = R"({"username":"nobody-in-particular","password":")" + first;
  const std::string after = second + "\"}";
  const std::string head = "Content-Type: application/json\r\nConnection: close\r\n";
  const auto wait_until_read = [&](const FileDescriptor& fd) {
    // The service has read it when nothing is left on the way (SIOCOUTQ); the next piece is then one of its own.
    return testing::eventually(seconds(10), [&] {
      int waiting = -1;
      return ::ioctl(fd.get(), TIOCOUTQ, &waiting) == 0 && waiting == 0;
    });
  };
  for (int round = 0; round < 8; ++round) {
    const auto fd = connect(stage.socket);
    send(fd, fmt::format("POST /v1/sessions HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n", head,
                         before.size() + after.size()));
    for (const auto& piece : {before, after}) {
      EXPECT_TRUE(wait_until_read(fd));
      send(fd, piece);
    }
    EXPECT_NE(receive_all(fd).find("\"error\""), std::string::npos);
    const auto other = connect(stage.socket);
    send(other, chunked("/v1/sessions", head, ""));
    for (const auto& piece : {before, after}) {
      for (std::size_t at = 0; at < piece.size(); at += 20) {
        const auto part = piece.substr(at, 20);
        EXPECT_TRUE(wait_until_read(other));
        send(other, fmt::format("{:x}\r\n{}\r\n", part.size(), part));
      }
    }
    send(other, "0\r\n\r\n");
    EXPECT_NE(receive_all(other).find("\"error\""), std::string::npos);
  }
  // Half a request, and then nothing more.
  {
    const auto fd = connect(stage.socket);
    send(fd, fmt::format("POST /v1/sessions HTTP/1.1\r\nHost: x\r\n{}Content-Length: 500\r\n\r\n{}", head,
                         before));
    EXPECT_TRUE(wait_until_read(fd));
  }
  ASSERT_TRUE(all_others_are_gone());
  const auto left = [&](std::string_view words) {
    return testing::occurrences_in_memory(stage.daemon->pid(), words);
  };
  ASSERT_GT(left("https://cardgate.test.example"), 0U) << "the memory was not read";
  EXPECT_EQ(left(first), 0U);
  EXPECT_EQ(left(second), 0U);
}

TEST_F(Requests, FindAConnectionThoughTheirUserHoldsAllOfTheirsIdle) {
  stage.limits = "limits: {connections_per_uid: 4}\n";
  stage.up();
  std::vector<FileDescriptor> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(connect(stage.socket));
  EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
  EXPECT_EQ(receive_all(idle.front()), "") << "the longest idle one was closed";
}

TEST_F(Requests, FindAConnectionThoughStrangersHoldAllTheyGet) {
  if (!testing::can_be_another_user()) GTEST_SKIP() << "needs real root to become other users";
  stage.limits = "limits: {connections: 8, connections_per_uid: 4}\n";
  stage.up();
  std::vector<std::unique_ptr<Holder>> held;
  for (uid_t uid = 65500; uid < 65510; ++uid) held.push_back(std::make_unique<Holder>(uid, stage.socket, 4));
  const auto status_as = [&](uid_t uid) {
    return as_user(uid, [&] { return testing::http(stage.socket, "GET", "/v1/status"); }).status;
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
    EXPECT_EQ(status_as(testing::neighbour), 200) << "has an entry in `clients`";
    EXPECT_EQ(status_as(testing::stranger), 200) << "idle ones make room";
  }
  // Half a request each: not idle, and yet in the way of nobody who is known.
  std::vector<FileDescriptor> own;
  for (int i = 0; i < 3; ++i) send(own.emplace_back(connect(stage.socket)), "GET /v1/st");
  EXPECT_EQ(status_as(testing::neighbour), 200);
}

TEST_F(Requests, ToTheAdminSocketAreRootsAloneWhateverItsMode) {
  if (!testing::can_be_another_user()) GTEST_SKIP() << "needs real root to become another user";
  stage.up();
  ASSERT_EQ(::chmod(stage.admin_socket.c_str(), 0666), 0);
  const auto answer =
      as_user(testing::stranger, [&] { return testing::http(stage.admin_socket, "GET", "/v1/register"); });
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.error(), "root_only");
  EXPECT_TRUE(stage.daemon->wait_for_line("uid 65532 has reached the admin socket", seconds(10)));
  EXPECT_EQ(stage.admin("GET", "/v1/register").status, 200);
}

/// Those that are connected, those that wait to be accepted, and those whose request is still on its way.
TEST_F(Requests, AreAllAnsweredWhenTheServiceStops) {
  stage.up();
  std::vector<FileDescriptor> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect(stage.socket));
  ASSERT_TRUE(testing::eventually(seconds(10), [&] {
    return stage.ask("GET", "/metrics").body.find("\ncardgate_connections 21\n") != std::string::npos;
  }));
  // Everything below comes at once for the service.
  stage.daemon->signal(SIGSTOP);
  for (int i = 0; i < 40; ++i) clients.push_back(connect(stage.socket));
  for (const auto& fd : clients) send(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
  stage.daemon->signal(SIGTERM);
  stage.daemon->signal(SIGCONT);
  for (const auto& fd : clients) {
    const auto answer = receive_all(fd);
    const bool refused = answer.starts_with("HTTP/1.1 503") &&
                         answer.find("Retry-After: ") != std::string::npos &&
                         answer.find("Connection: close") != std::string::npos;
    EXPECT_TRUE(refused || answer.starts_with("HTTP/1.1 200")) << "\"" << answer << "\"";
  }
  EXPECT_EQ(stage.daemon->wait(seconds(15)), 0);
  stage.daemon.reset();
}

}  // namespace
}  // namespace cardgate
