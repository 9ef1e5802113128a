// SPDX-License-Identifier: Apache-2.0
// A pcscd that hangs (here: stopped) is a pcscd that is gone: nobody can say that a card is still in, so
// nothing lives on because of it; nobody waits for it; and when it answers again everything goes on by itself.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/file.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate::daemon {
namespace {

using testing::eventually;
using testing::Stage;

class HungPcscd : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
  }
  void TearDown() override {
    if (stage.pcscd.running()) stage.pcscd.signal(SIGCONT);  // so that the card can leave
  }
  std::string state() const {
    const auto sessions = stage.ask("GET", "/v1/sessions").json();
    const auto* list = find_array(sessions, "sessions");
    if (list == nullptr || list->empty()) return "none";
    return std::string(list->front().at("state").as_string());
  }
  bool is_ready() const {
    const auto card = stage.card_status();
    const auto* state = find_string(card, "state");
    return state != nullptr && *state == "ready";
  }
  /// What the card does when it is asked for the first thing of a sign-in.
  void when_asked(std::function<void()> what) {
    simcard::Faults faults;
    auto done = std::make_shared<std::atomic<bool>>(false);
    faults.intercept = [what = std::move(what), done](BytesView) -> std::optional<Bytes> {
      if (!done->exchange(true)) what();
      return std::nullopt;
    };
    stage.card->set_faults(faults);
  }
  Stage stage;
};

TEST_F(HungPcscd, EndsTheSessionSaysSoAndGoesOnByItself) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_TRUE(stage.is_active(token));
  stage.pcscd.signal(SIGSTOP);
  EXPECT_TRUE(eventually(seconds(20), [&] { return !stage.is_active(token); }));
  EXPECT_EQ(state(), "none");
  const auto service = stage.ask("GET", "/v1/status").json().at("service").as_object();
  EXPECT_EQ(service.at("state"), "degraded");
  EXPECT_EQ(service.at("pcscd"), "unreachable");
  const auto problems = json::serialize(service.at("problems"));
  EXPECT_NE(problems.find("(pcscd) stopped or does not answer"), std::string::npos) << problems;
  EXPECT_NE(stage.daemon->output().find("systemctl restart pcscd"), std::string::npos)
      << stage.daemon->output();
  EXPECT_EQ(stage.sign_in().error(), "pcscd_unavailable");
  EXPECT_TRUE(stage.audit_says("card_removed"));
  stage.pcscd.signal(SIGCONT);
  ASSERT_TRUE(eventually(seconds(20), [&] { return is_ready(); }));
  EXPECT_EQ(stage.ask("GET", "/v1/status").json().at("service").at("pcscd"), "ok");
  EXPECT_FALSE(stage.is_active(token)) << "what ended stays ended";
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(HungPcscd, LeavesTheSessionOfARoleThatKeeps) {
  stage.with_core("keep 8h");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pcscd.signal(SIGSTOP);
  EXPECT_TRUE(eventually(seconds(20), [&] { return stage.audit_says("session_kept"); }));
  EXPECT_TRUE(stage.is_active(token));
  EXPECT_EQ(stage.token().status, 200);
}

TEST_F(HungPcscd, LocksTheSessionOfARoleThatLocks) {
  stage.with_core("lock");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pcscd.signal(SIGSTOP);
  EXPECT_TRUE(eventually(seconds(20), [&] { return state() == "locked"; }));
  EXPECT_FALSE(stage.is_active(token));
  EXPECT_EQ(stage.token().error(), "session_locked");
}

TEST_F(HungPcscd, TakesUpASessionInItsGraceWhenItAnswersAgain) {
  stage.with_core("grace 60s");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  (void)stage.token_text();
  stage.pcscd.signal(SIGSTOP);
  ASSERT_TRUE(eventually(seconds(20), [&] { return state() == "grace"; }));
  stage.pcscd.signal(SIGCONT);
  EXPECT_TRUE(eventually(seconds(20), [&] { return state() == "active"; }));
  EXPECT_EQ(stage.token().status, 200);
}

TEST_F(HungPcscd, RefusesTheSignInThatIsUnderWayAndSpendsNoTry) {
  stage.insert_and_wait();
  when_asked([this] { stage.pcscd.signal(SIGSTOP); });
  const auto answer = stage.sign_in("654321");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.error(), "pcscd_unavailable");
  stage.pcscd.signal(SIGCONT);
  ASSERT_TRUE(eventually(seconds(20), [&] { return is_ready(); }));
  EXPECT_EQ(stage.card->pin_tries(), 3);
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(HungPcscd, IsNotWaitedForAtTheEnd) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pcscd.signal(SIGSTOP);
  EXPECT_EQ(stage.stop_daemon(), 0);
  // Again with a card's conversation under way, and after it was noticed.
  stage.pcscd.signal(SIGCONT);
  stage.start_daemon();
  ASSERT_TRUE(eventually(seconds(20), [&] { return is_ready(); }));
  std::atomic<bool> asked{false};
  when_asked([&] {
    stage.pcscd.signal(SIGSTOP);
    asked = true;
  });
  std::thread signing([&] { EXPECT_NE(stage.sign_in().status, 201); });
  EXPECT_TRUE(eventually(seconds(20), [&] { return asked.load(); }));
  EXPECT_EQ(stage.stop_daemon(), 0);
  signing.join();
  stage.start_daemon();
  EXPECT_TRUE(stage.daemon->wait_for_line("pcscd does not answer", seconds(20))) << stage.daemon->output();
  EXPECT_EQ(stage.stop_daemon(), 0);
}

TEST_F(HungPcscd, NobodyIsSignedInWhoHasLeft) {
  stage.insert_and_wait();
  // The card is slow; whoever asked loses patience before the passcode is used.
  std::atomic<bool> asked{false};
  std::atomic<bool> left{false};
  std::atomic<bool> used{false};
  simcard::Faults faults;
  faults.intercept = [&](BytesView apdu) -> std::optional<Bytes> {
    if (apdu.size() > 5 && apdu[1] == 0x20) used = true;
    asked = true;
    eventually(seconds(20), [&] { return left.load(); });
    return std::nullopt;
  };
  stage.card->set_faults(faults);
  const int resets = stage.card->resets();
  const json::object body{{"reader", Stage::reader},
                          {"card", simcard::to_text(stage.card->data().uuid)},
                          {"tries_left", 3},
                          {"passcode", "654321"}};
  const std::string text = json::serialize(body);
  std::thread impatient([&] {
    const auto answer = testing::raw(
        stage.socket,
        "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(text.size()) + "\r\n\r\n" + text,
        seconds(2));
    EXPECT_EQ(answer.status, 0);
  });
  EXPECT_TRUE(eventually(seconds(20), [&] { return asked.load(); }));
  impatient.join();
  EXPECT_TRUE(stage.audit_says("client_left"));
  EXPECT_EQ(state(), "none");
  left = true;
  // One reset began the conversation, the other ends it.
  EXPECT_TRUE(eventually(seconds(20), [&] { return stage.card->resets() >= resets + 2; }));
  EXPECT_FALSE(used) << "the wrong passcode";
  stage.card->set_faults({});
  EXPECT_TRUE(eventually(seconds(20), [&] { return stage.sign_in().status == 201; }));
}

}  // namespace
}  // namespace cardgate::daemon
