// SPDX-License-Identifier: Apache-2.0
// The service itself: start, reload, listeners, pcscd that comes and goes, crashes, a full disk.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "audit/verify.hpp"
#include "proto/token.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/unix_socket.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Stage;

class Service : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  void rewrite(const std::filesystem::path& file, std::string_view from, std::string_view to) {
    auto text = *read_file(file, 1 << 20);
    const auto place = text.find(from);
    ASSERT_NE(place, std::string::npos);
    text.replace(place, from.size(), to);
    ASSERT_TRUE(write_file_atomic(file, as_bytes(text), 0644));
  }
  Stage stage;
};

TEST_F(Service, WaitsForPcscdAndSaysSo) {
  stage.up();
  stage.pcscd.stop();
  const auto problem = [&] {
    const auto status = stage.ask("GET", "/v1/status").json();
    return std::string(status.at("service").at("pcscd").as_string());
  };
  EXPECT_TRUE(testing::eventually(seconds(10), [&] { return problem() == "unreachable"; }));
  EXPECT_EQ(stage.sign_in().error(), "pcscd_unavailable");
  ASSERT_TRUE(stage.pcscd.start());
  EXPECT_TRUE(testing::eventually(seconds(15), [&] { return problem() == "ok"; }));
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Service, StartsWithoutPcscdAndTakesItWhenItComes) {
  stage.up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.pcscd.stop();
  stage.start_daemon();
  const auto status = stage.ask("GET", "/v1/status").json();
  EXPECT_EQ(status.at("service").at("state"), "degraded");
  EXPECT_FALSE(status.at("service").at("problems").as_array().empty());
  ASSERT_TRUE(stage.pcscd.start());
  stage.insert_and_wait();
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Service, PcscdKilledEndsTheSession) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pcscd.kill();
  EXPECT_TRUE(testing::eventually(seconds(10), [&] { return !stage.is_active(token); }));
  ASSERT_TRUE(stage.pcscd.start());
}

TEST_F(Service, EveryListenerIsToldOfTheCard) {
  stage.up();
  const auto fd = testing::connect_to(stage.socket);
  ASSERT_TRUE(fd);
  const std::string request = "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(fd.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string seen;
  const auto read_until = [&](std::string_view text) {
    const auto until = std::chrono::steady_clock::now() + seconds(10);
    while (seen.find(text) == std::string::npos && std::chrono::steady_clock::now() < until) {
      pollfd entry{fd.get(), POLLIN, 0};
      if (::poll(&entry, 1, 200) <= 0) continue;
      char buffer[4096];
      const auto count = ::recv(fd.get(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      seen.append(buffer, static_cast<std::size_t>(count));
    }
    return seen.find(text) != std::string::npos;
  };
  ASSERT_TRUE(read_until(": listening")) << seen;
  stage.insert();
  EXPECT_TRUE(read_until("\"kind\":\"inserted\"")) << seen;
  EXPECT_TRUE(read_until("\"kind\":\"read\"")) << seen;
  ASSERT_EQ(stage.sign_in().status, 201);
  EXPECT_TRUE(read_until("\"kind\":\"opened\"")) << seen;
  stage.pull();
  EXPECT_TRUE(read_until("\"reason\":\"card_removed\"")) << seen;
  EXPECT_TRUE(read_until("\"kind\":\"removed\"")) << seen;
}

TEST_F(Service, ReloadTakesAllOrNothing) {
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  const auto policy = [&] {
    return std::string(stage.ask("GET", "/v1/status").json().at("service").at("policy").as_string());
  };
  const auto before = policy();

  rewrite(stage.dir / "policy.yaml", "records: own", "colour: own");
  stage.daemon->signal(SIGHUP);
  const auto refused = stage.daemon->wait_for_line("nothing was reloaded", seconds(10));
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("policy.yaml:"), std::string::npos) << *refused;
  EXPECT_EQ(policy(), before);
  EXPECT_TRUE(stage.is_active(token));

  rewrite(stage.dir / "policy.yaml", "colour: own", "records: own");
  rewrite(stage.dir / "policy.yaml", "course: information-governance, mode: warn",
          "course: information-governance, mode: deny");
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("read again", seconds(10)));
  EXPECT_NE(policy(), before);
  EXPECT_FALSE(stage.is_active(token)) << "the new policy asks for training, at once";
}

TEST_F(Service, ABrokenStartSaysWhichFileAndLine) {
  stage.up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  const auto start = [&](std::string_view expected) {
    stage.launch_daemon();
    const auto status = stage.daemon->wait(seconds(10));
    EXPECT_EQ(status, 78) << "somebody must put it right: systemd does not try again";
    EXPECT_NE(stage.daemon->output().find(expected), std::string::npos) << stage.daemon->output();
    stage.daemon.reset();
  };
  stage.write_config("colour: blue\n");
  start("colour: unknown key");
  stage.write_config();
  rewrite(stage.dir / "policy.yaml", "sign_in: [card]", "sign_in: [retina]");
  start("policy.yaml:");
  rewrite(stage.dir / "policy.yaml", "sign_in: [retina]", "sign_in: [card]");
  std::filesystem::permissions(stage.dir / "state", std::filesystem::perms(0755));
  start("mode 0700");
  std::filesystem::permissions(stage.dir / "state", std::filesystem::perms(0700));
  const auto good = *read_file(stage.dir / "state/register.db", 64 << 20);
  ASSERT_TRUE(write_file_atomic(stage.dir / "state/register.db", as_bytes(std::string(8192, 'x')), 0600));
  start("register.db");
  EXPECT_EQ(*read_file(stage.dir / "state/register.db", 64 << 20), std::string(8192, 'x'))
      << "never rebuilt in silence";
  ASSERT_TRUE(write_file_atomic(stage.dir / "state/register.db", as_bytes(good), 0600));
  stage.start_daemon();
}

TEST_F(Service, KillNineLosesNoReleasedTokensRecord) {
  stage.limits = "limits: {tokens_per_second: 100000, requests_per_second: 100000}\n";
  stage.up();
  stage.insert_and_wait();
  for (int round = 0; round < 5; ++round) {
    if (round > 0) {
      stage.start_daemon();
      ASSERT_TRUE(testing::eventually(seconds(10), [&] {
        const auto card = stage.card_status();
        const auto* state = find_string(card, "state");
        return state != nullptr && *state == "ready";
      }));
    }
    ASSERT_EQ(stage.sign_in().status, 201);
    std::vector<std::string> released;
    std::atomic<bool> stop{false};
    std::thread asker([&] {
      while (!stop) {
        const auto answer = stage.token();
        const auto body = answer.json();
        if (const auto* text = find_string(body, "access_token")) released.emplace_back(*text);
        if (answer.status == 0) break;
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(150 + 37 * round));
    stage.daemon->kill();
    stop = true;
    asker.join();
    stage.daemon.reset();
    ASSERT_FALSE(released.empty());
    const auto audit = stage.audit_text();
    for (const auto& token : released) {
      const auto first = token.find('.');
      const auto payload = from_base64url(token.substr(first + 1, token.rfind('.') - first - 1));
      ASSERT_TRUE(payload);
      const auto claims = parse_json(as_text(*payload));
      ASSERT_TRUE(claims);
      EXPECT_NE(audit.find(std::string(claims->at("jti").as_string())), std::string::npos)
          << "a token without its record";
    }
  }
  stage.start_daemon();
  ASSERT_EQ(stage.stop_daemon(), 0);
  const auto report = audit::verify(stage.dir / "audit", std::nullopt);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok) << ::testing::PrintToString(report->problems);
}

TEST_F(Service, AFullDiskStopsIssuingAndSaysSo) {
  const auto audit = stage.dir / "audit";
  ASSERT_EQ(::mount("tmpfs", audit.c_str(), "tmpfs", 0, "size=640k,mode=700"), 0) << std::strerror(errno);
  stage.audit_settings = ", segment_bytes: 65536";
  stage.limits = "limits: {tokens_per_second: 100000, requests_per_second: 100000}\n";
  stage.up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  testing::HttpAnswer answer;
  std::string last_token;
  const bool full = testing::eventually(seconds(60), [&] {
    for (int i = 0; i < 200; ++i) {
      answer = stage.token();
      if (answer.status == 429) break;  // the rate limit's business
      if (answer.status == 503) return true;
      const auto body = answer.json();
      if (const auto* text = find_string(body, "access_token")) last_token = *text;
    }
    return false;
  });
  ASSERT_TRUE(full) << answer.status << answer.body;
  EXPECT_EQ(answer.error(), "audit_unavailable");
  const auto status = stage.ask("GET", "/v1/status").json();
  EXPECT_EQ(status.at("service").at("audit"), "failing");
  EXPECT_EQ(status.at("service").at("state"), "degraded");
  EXPECT_TRUE(stage.is_active(last_token)) << "what was released stays good";
  stage.pull();
  EXPECT_TRUE(testing::eventually(seconds(5), [&] { return !stage.is_active(last_token); }))
      << "ending never waits for the log";
  // Room again, and it goes on by itself.
  ASSERT_EQ(::mount("tmpfs", audit.c_str(), "tmpfs", MS_REMOUNT, "size=8m,mode=700"), 0)
      << std::strerror(errno);
  stage.insert_and_wait();
  EXPECT_TRUE(testing::eventually(seconds(15), [&] { return stage.sign_in().status == 201; }));
  ASSERT_EQ(stage.stop_daemon(), 0);
  const auto report = audit::verify(audit, std::nullopt);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok) << ::testing::PrintToString(report->problems);
  stage.pull();
  ::umount2(audit.c_str(), MNT_DETACH);
}

TEST_F(Service, RatesHoldAUserBack) {
  stage.up();
  stage.write_config("limits: {tokens_per_second: 2}\n");
  stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(stage.daemon->wait_for_line("read again", seconds(10)));
  int limited = 0;
  for (int i = 0; i < 10; ++i) limited += stage.token().status == 429 ? 1 : 0;
  EXPECT_GE(limited, 5);
  EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
}

}  // namespace
}  // namespace cardgate
