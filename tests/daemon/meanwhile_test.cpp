// SPDX-License-Identifier: Apache-2.0
// What changes while somebody waits, against the real service, whose disk the test holds (tests/support/held_disk.cpp).
// Everybody here is invented.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>

#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::eventually;
using testing::Finished;
using testing::Hospital;
using testing::HttpAnswer;

class Meanwhile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    trust.stage.with_held_disk();
    const auto with = [](const char* role, const std::string& more) {
      return fmt::format(
          "    employed_from: 2018-01-01\n{}"
          "    forms: [{{kind: ESR06, role: {}, verified_by: vera, approved_by: abe}}]\n"
          "    declarations: [{{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}}]\n",
          more, role);
    };
    const std::string team = "    teams: [esr-workforce-systems]\n";
    trust.employ("esme", "Esme Invented", with("esr-workforce-systems", team));
    trust.employ("tom", "Tom Invented", with("esr-workforce-systems", team));
    trust.employ("mina", "Mina Invented", "    employed_from: 2018-01-01\n");
    trust.employ("joe", "Joe Invented", with("core", "    line_manager: mina\n"));
    trust.employ("vera", "Vera Invented");
    trust.employ("abe", "Abe Invented");
    trust.open(false);
  }
  void TearDown() override { trust.stage.release(); }
  /// Begun, in the log, and from then on behind whatever holds the register.
  std::future<Finished> begin(const std::string& id, std::vector<std::string> arguments,
                              const std::string& recorded) {
    auto running = std::async(std::launch::async, [this, id, arguments = std::move(arguments)] {
      return trust.run(id, arguments);
    });
    EXPECT_TRUE(trust.stage.audit_says(recorded));
    return running;
  }
  static std::vector<std::string> rename(const std::string& id, const std::string& name) {
    return {"staff", "rename", id, "--name", name, "--reason", name};
  }
  std::string name_of(const std::string& id, const std::string& asked_by) {
    return std::string(trust.can(asked_by, {"staff", "show", id}).at("name").as_string());
  }
  Hospital trust;
};

TEST_F(Meanwhile, AnActOfSomebodyWhoIsRemovedIsNotCarriedOut) {
  trust.seat("esme", 0);
  trust.seat("tom", 1);
  trust.stage.hold("register");
  auto before = begin("tom", rename("mina", "Mina Before"), "Mina Before");
  auto act = begin("esme", rename("joe", "Joe Meanwhile"), "Joe Meanwhile");
  auto removal = std::async(std::launch::async, [this] {
    return trust.run("tom",
                     {"removal", "request", "--person", "esme", "--reason", "Asked about", "--at-once"});
  });
  ASSERT_TRUE(eventually(seconds(10), [&] {
    return trust.stage.ask("GET", "/v1/sessions/" + trust.session_of("esme")).status == 404;
  }));
  trust.stage.release();
  EXPECT_EQ(before.get().status, 0);
  const auto done = removal.get();
  EXPECT_EQ(done.status, 0) << done.all;
  const auto refused = act.get();
  EXPECT_EQ(refused.status, 1) << refused.all;
  EXPECT_NE(refused.all.find("Nothing was changed"), std::string::npos) << refused.all;
  EXPECT_EQ(name_of("joe", "tom"), "Joe Invented");
  EXPECT_TRUE(trust.stage.audit_says("not done: "));
}

TEST_F(Meanwhile, AnActOfSomebodyWhoLosesTheRoleIsNotCarriedOut) {
  trust.seat("esme", 0);
  trust.seat("tom", 1);
  trust.stage.hold("register");
  // The first is being written already; the second waits behind it.
  auto before = begin("tom", rename("mina", "Mina Before"), "Mina Before");
  auto act = begin("esme", rename("joe", "Joe Meanwhile"), "Joe Meanwhile");
  auto loses =
      begin("tom", {"staff", "leave-team", "esme", "--team", "esr-workforce-systems", "--reason", "Moves on"},
            "Moves on");
  trust.stage.release();
  EXPECT_EQ(before.get().status, 0);
  EXPECT_EQ(loses.get().status, 0);
  const auto refused = act.get();
  EXPECT_EQ(refused.status, 1) << refused.all;
  EXPECT_NE(refused.all.find("Nothing was changed"), std::string::npos) << refused.all;
  EXPECT_EQ(name_of("joe", "tom"), "Joe Invented");
}

TEST_F(Meanwhile, AFormIsNotVerifiedByTheManagerOfBefore) {
  trust.seat("joe", 0);
  const auto form = std::to_string(
      trust.can("joe", {"form", "submit", "--role", "supervisor-self-service", "--reason", "Rotas"})
          .at("id")
          .as_int64());
  trust.seat("mina", 0);
  trust.seat("tom", 1);
  trust.stage.hold("register");
  auto moves = begin("tom", {"staff", "transfer", "joe", "--to", "vera", "--reason", "Moves on"}, "Moves on");
  auto verify = begin("mina", {"form", "verify", form}, "\"act\":\"verified\"");
  trust.stage.release();
  EXPECT_EQ(moves.get().status, 0);
  EXPECT_EQ(verify.get().status, 1);
  trust.can("tom", {"staff", "show", "joe"}, "\"state\":\"submitted\"");
}

TEST_F(Meanwhile, ATokenOfAClientThatLostTheRoleDoesNotLeave) {
  trust.seat("joe", 0);
  ASSERT_TRUE(trust.holds("joe", "core"));
  const auto live = [&] {
    const auto body = trust.stage.ask("GET", "/metrics").body;
    const std::string name = "\ncardgate_tokens_live ";
    const auto at = body.find(name);
    return at == std::string::npos ? 0.0 : std::stod(body.substr(at + name.size()));
  };
  const double before = live();
  trust.stage.hold("audit");
  auto asked = std::async(std::launch::async, [this] {
    return trust.stage.ask(
        "POST", "/v1/token",
        json::serialize(json::object{
            {"role", "core"}, {"audience", "esr"}, {"session", trust.session_of("joe")}, {"fresh", true}}),
        {"Content-Type: application/json"});
  });
  ASSERT_TRUE(eventually(seconds(10), [&] { return live() > before; })) << "it is in the making";
  trust.stage.roles = "employee-self-service";
  trust.stage.write_config();
  trust.stage.daemon->signal(SIGHUP);
  ASSERT_TRUE(trust.stage.daemon->wait_for_line("were read again", seconds(10)));
  trust.stage.release();
  const auto refused = asked.get();
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.error(), "role_not_allowed");
  EXPECT_EQ(refused.body.find("access_token"), std::string::npos);
  EXPECT_EQ(live(), before);
  EXPECT_TRUE(trust.stage.audit_says("\"event\":\"token_refused\""));
}

/// The service waits so long for its disk that it ends before its work does (drain_deadline), and is destroyed while a sign-in,
/// a token, a change, an act that is not done and a reload wait.
TEST_F(Meanwhile, AStopEndsInOrderWhateverWaits) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP()
      << "what still waits for the log when the time to stop is over is left to the end of the process";
#endif
  trust.seat("joe", 0);
  trust.seat("tom", 1);
  trust.stage.hold("register");
  auto change = begin("tom", rename("mina", "Mina Meanwhile"), "Mina Meanwhile");
  auto behind = begin("tom", rename("abe", "Abe Meanwhile"), "Abe Meanwhile");
  trust.stage.hold("audit");
  const auto post = [this](const std::string& target, json::object body) {
    return std::async(std::launch::async, [this, target, text = json::serialize(body)] {
      return trust.stage.ask("POST", target, text, {"Content-Type: application/json"});
    });
  };
  auto token =
      post("/v1/token",
           {{"role", "core"}, {"audience", "esr"}, {"session", trust.session_of("joe")}, {"fresh", true}});
  auto sign_in = post("/v1/sessions", {{"username", "joe"}, {"password", "four plain words here"}});
  auto reload = std::async(std::launch::async, [this] { return trust.stage.admin("POST", "/v1/reload"); });
  ASSERT_TRUE(eventually(seconds(10), [&] {
    return trust.stage.ask("GET", "/metrics").body.find("call=\"/v1/token\"") != std::string::npos;
  }));
  trust.stage.daemon->signal(SIGTERM);
  for (auto* waits : {&token, &sign_in}) {
    const auto answer = waits->get();
    EXPECT_EQ(answer.status, 503) << answer.body;
    EXPECT_EQ(answer.error(), "draining") << answer.body;
  }
  EXPECT_NE(change.get().status, 0);
  EXPECT_NE(behind.get().status, 0);
  (void)reload.get();  // it may have been done before the signal came
  trust.stage.release();
  EXPECT_EQ(trust.stage.daemon->wait(seconds(15)), 0) << trust.stage.daemon->output();
  trust.stage.daemon.reset();
  trust.stage.start_daemon();
}

}  // namespace
}  // namespace cardgate
