// SPDX-License-Identifier: Apache-2.0
// What taking the card out does, by role: the session ends, waits locked, or lives on for a while. And one
// card in two places.
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "base/file.hpp"

#include "tests/daemon/stage.hpp"

namespace cardgate::daemon {
namespace {

using testing::eventually;
using testing::Stage;

class Removal : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
  }
  std::string state() const {
    const auto sessions = stage.ask("GET", "/v1/sessions").json();
    const auto* list = find_array(sessions, "sessions");
    if (list == nullptr || list->empty()) return "none";
    return std::string(list->front().at("state").as_string());
  }
  testing::HttpAnswer resume() const {
    const auto sessions = stage.ask("GET", "/v1/sessions").json();
    const auto id = std::string(sessions.at("sessions").at(0).at("id").as_string());
    json::object body{{"reader", Stage::reader},
                      {"card", stage.card_status().at("id")},
                      {"tries_left", stage.card_status().at("tries_left")},
                      {"passcode", Stage::pin}};
    return stage.ask("POST", "/v1/sessions/" + id + "/resume", json::serialize(body),
                     {"Content-Type: application/json"});
  }
  Stage stage;
};

TEST_F(Removal, ALockedSessionWaitsForTheSameCardAndItsPasscode) {
  stage.with_core("lock");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_TRUE(stage.is_active(token));
  stage.pull();
  EXPECT_TRUE(eventually(seconds(5), [&] { return !stage.is_active(token); }));
  EXPECT_EQ(state(), "locked");
  EXPECT_EQ(stage.token().error(), "session_locked");
  stage.insert_and_wait();
  EXPECT_FALSE(stage.is_active(token)) << "the card alone does not unlock";
  const auto resumed = resume();
  EXPECT_EQ(resumed.status, 200) << resumed.body;
  EXPECT_TRUE(stage.is_active(token));
  EXPECT_EQ(stage.token().status, 200);
  EXPECT_TRUE(stage.audit_says("session_locked"));
  EXPECT_TRUE(stage.audit_says("session_resumed"));
}

TEST_F(Removal, ALockedSessionIsUnlockedByTheCommand) {
  stage.with_core("lock");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pull();
  ASSERT_TRUE(eventually(seconds(5), [&] { return state() == "locked"; }));
  stage.insert_and_wait();
  const auto login = stage.cardgate({"login", "--passcode-stdin"}, std::string(Stage::pin) + "\n");
  EXPECT_EQ(login.status, 0) << login.all;
  EXPECT_NE(login.all.find("Unlocked"), std::string::npos) << login.all;
  EXPECT_TRUE(stage.is_active(token));
}

TEST_F(Removal, InItsGraceASessionGoesOnWhenItsCardComesBack) {
  stage.with_core("grace 60s");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pull();
  ASSERT_TRUE(eventually(seconds(5), [&] { return state() == "grace"; }));
  EXPECT_TRUE(stage.is_active(token));
  EXPECT_EQ(stage.token().error(), "session_locked") << "nothing new without the card";
  stage.insert_and_wait();
  EXPECT_TRUE(eventually(seconds(5), [&] { return state() == "active"; }));
  EXPECT_EQ(stage.token().status, 200);
}

TEST_F(Removal, AfterItsGraceASessionEnds) {
  stage.with_core("grace 1s");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pull();
  EXPECT_TRUE(eventually(seconds(10), [&] { return state() == "none"; }));
  EXPECT_FALSE(stage.is_active(token));
}

TEST_F(Removal, WithKeepASessionGoesOnWithoutItsCardAndTheCommandProvesItAgain) {
  stage.with_core("keep 8h");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.pull();
  const auto card_out = [&] {
    return stage.ask("GET", "/v1/sessions").json().at("sessions").at(0).at("card_out").as_bool();
  };
  ASSERT_TRUE(eventually(seconds(5), card_out));
  EXPECT_TRUE(stage.is_active(token));
  EXPECT_EQ(stage.token().status, 200);
  const auto who = stage.cardgate({"whoami"});
  EXPECT_NE(who.all.find("by card, which is out"), std::string::npos) << who.all;
  EXPECT_NE(who.all.find("You may take your card out until"), std::string::npos) << who.all;
  EXPECT_EQ(stage.token("employee-self-service").error(), "step_up_required");
  stage.insert_and_wait();
  const auto login = stage.cardgate({"login", "--again", "--passcode-stdin"}, std::string(Stage::pin) + "\n");
  EXPECT_EQ(login.status, 0) << login.all;
  EXPECT_TRUE(stage.is_active(token)) << "the session is the same";
  EXPECT_EQ(stage.token("employee-self-service").status, 200);
  EXPECT_TRUE(stage.audit_says("session_kept"));
}

TEST_F(Removal, AnotherRoleNeedsNoCardOutAndIn) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto core = stage.token_text("core");
  const auto own = stage.token_text("employee-self-service");
  EXPECT_TRUE(stage.is_active(core));
  EXPECT_TRUE(stage.is_active(own));
}

// A sleeping machine: nobody runs, the card loses its power, and whoever is there can do as they like.
TEST_F(Removal, ACardSwappedWhileTheMachineSleepsEndsItsSession) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  stage.daemon->signal(SIGSTOP);
  stage.pcscd.signal(SIGSTOP);
  stage.link->pull(milliseconds(200));  // nobody is awake to notice
  auto data = simcard::personalise(*stage.ca, {});
  ASSERT_TRUE(data);
  simcard::Card other(*std::move(data));
  simcard::VpcdLink other_link(other);
  stage.pcscd.signal(SIGCONT);
  ASSERT_TRUE(other_link.insert());
  stage.daemon->signal(SIGCONT);
  EXPECT_TRUE(eventually(seconds(10), [&] { return !stage.is_active(token); }));
  EXPECT_EQ(stage.ask("GET", "/v1/sessions").json().at("sessions").as_array().size(), 0U);
}

TEST_F(Removal, ACardThatLostItsPowerInTheSleepSignsInAfterwards) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  stage.daemon->signal(SIGSTOP);
  stage.pcscd.signal(SIGSTOP);
  stage.card->power_off();
  std::this_thread::sleep_for(seconds(2));
  stage.pcscd.signal(SIGCONT);
  stage.daemon->signal(SIGCONT);
  EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200);
  EXPECT_TRUE(eventually(seconds(10), [&] { return stage.sign_in().status == 201; }));
}

TEST_F(Removal, PcscdRestartedAsOnWakingUpEndsSessionsAndIsFoundAgain) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_TRUE(stage.pcscd.restart());
  EXPECT_TRUE(eventually(seconds(10), [&] { return !stage.is_active(token); }));
  EXPECT_TRUE(eventually(seconds(15), [&] {
    const auto card = stage.card_status();
    return card.contains("state") && card.at("state") == "ready";
  }));
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(Removal, OneCardInTwoReadersIsRefusedAndTold) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  // The very same card, keys and all, answers in the second reader.
  simcard::Card twin(stage.card->data());
  simcard::VpcdLink second(twin, simcard::second_reader);
  ASSERT_TRUE(second.insert());
  const auto twin_state = [&] {
    const auto status = stage.ask("GET", "/v1/status").json();
    for (const auto& reader : status.at("readers").as_array()) {
      if (reader.at("name") == testing::Pcscd::second_name && reader.as_object().contains("card"))
        return std::string(reader.at("card").at("state").as_string());
    }
    return std::string();
  };
  EXPECT_TRUE(eventually(seconds(10), [&] { return twin_state() == "unusable"; }));
  EXPECT_TRUE(stage.audit_says("the same card answers in two readers"));
  EXPECT_TRUE(stage.is_active(token)) << "a copy locks nobody out";
  // Moved, not copied: once it is gone from the first it is welcome in the second.
  stage.pull();
  EXPECT_TRUE(eventually(seconds(10), [&] { return twin_state() == "ready"; }));
}

}  // namespace
}  // namespace cardgate::daemon
