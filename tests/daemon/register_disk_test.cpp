// SPDX-License-Identifier: Apache-2.0
// The staff register on a disk that fails or is full, beside programs that read it or would serve it too, and after kills:
// what was acknowledged stays, and what was refused never happens.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstring>
#include <fstream>

#include "base/file.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::Stage;

class RegisterDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.with_failing_disk();
  }
  void TearDown() override {
    if (state_is_mounted) {
      stage.pull();
      if (stage.daemon) {
        EXPECT_EQ(stage.stop_daemon(), 0);
      }
      ::umount2(state().c_str(), MNT_DETACH);
    }
  }

  HttpAnswer bring(const std::string& id, int people = 1) {
    std::string table = "id,name\n";
    for (int i = 0; i < people; ++i)
      table += fmt::format("{0}{1},Invented {0}\n", id, i == 0 ? "" : std::to_string(i));
    return stage.admin("POST", "/v1/staff/import", table, {"Content-Type: text/csv"});
  }
  bool is_there(const std::string& id) {
    return stage.admin("GET", "/v1/policy/explain?role=core&person=" + id).json().contains("person");
  }
  void kill_and_start() {
    stage.daemon->kill();
    stage.daemon.reset();
    stage.start_daemon();
  }
  bool status_says(std::string_view words) {
    return stage.ask("GET", "/v1/status").body.find(words) != std::string::npos;
  }
  bool is_well() { return stage.ask("GET", "/v1/status").json().at("service").at("state") == "ok"; }
  fs::path state() const { return stage.dir / "state"; }
  fs::path log() const { return state() / "register.db-wal"; }

  void state_on_a_disk_of(const char* size) {
    const auto options = fmt::format("size={},mode=700", size);
    ASSERT_EQ(::mount("tmpfs", state().c_str(), "tmpfs", 0, options.c_str()), 0) << std::strerror(errno);
    state_is_mounted = true;
  }
  void fill() {
    std::ofstream filler(state() / "filler", std::ios::binary | std::ios::app);
    const std::string block(4096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

  Stage stage;
  bool state_is_mounted = false;
};

TEST_F(RegisterDisk, ASecondServiceOfTheSameStateEndsWithASentence) {
  stage.up();
  ASSERT_EQ(bring("before").status, 200);
  const auto refused = [&](const fs::path& config) {
    const auto second = testing::run({built_file("daemon/cardgated"), "--config", config});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->status, 1);
    EXPECT_THAT(second->all, HasSubstr("another cardgated is running with this state directory"));
  };
  refused(stage.dir / "cardgated.yaml");
  // Other sockets, another log, and another name for the same state.
  fs::create_directory_symlink(state(), stage.dir / "alias");
  auto config = *read_file(stage.dir / "cardgated.yaml", 1 << 20);
  for (const auto& [from, to] : {std::pair{"/cardgate.sock", "/other.sock"},
                                 {"/admin.sock", "/other-admin.sock"},
                                 {"/state", "/alias"},
                                 {"/audit", "/other-audit"}}) {
    const auto at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    config.replace(at, std::strlen(from), to);
  }
  fs::create_directory(stage.dir / "other-audit");
  ASSERT_TRUE(write_file_atomic(stage.dir / "other.yaml", as_bytes(config), 0644));
  refused(stage.dir / "other.yaml");
  EXPECT_TRUE(is_there("before")) << "the first goes on";
  kill_and_start();
  EXPECT_TRUE(is_there("before")) << "and a kill leaves no lock behind";
}

TEST_F(RegisterDisk, WhatWasAcknowledgedSurvivesAKillWhoeverLookedAtTheRegister) {
  stage.up();
  const std::string file = state() / "register.db";
  const auto succeeds = [&](std::vector<std::string> arguments) {
    const auto done = testing::run(arguments);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->status, 0) << done->all;
  };
  const auto command = [&](std::vector<std::string> arguments) {
    const auto done = stage.cardgate(std::move(arguments));
    EXPECT_EQ(done.status, 0) << done.all;
  };
  const std::vector<std::pair<std::string, std::function<void()>>> visitors{
      {"nobody", [] {}},
      {"reader", [&] { succeeds({"sqlite3", "-readonly", file, "SELECT count(*) FROM person"}); }},
      {"writer", [&] { succeeds({"sqlite3", file, "PRAGMA wal_checkpoint"}); }},
      {"service",
       [&] {
         EXPECT_EQ(
             testing::run({built_file("daemon/cardgated"), "--config", stage.dir / "cardgated.yaml"})->status,
             1);
       }},
      {"check", [&] { command({"register", "check"}); }},
      {"backup", [&] { command({"register", "backup", stage.dir / "backup.db"}); }},
      {"restore",
       [&] {
         command({"register", "backup", stage.dir / "now.db"});
         command({"register", "restore", stage.dir / "now.db"});
       }},
      {"reload",
       [&] {
         stage.daemon->signal(SIGHUP);
         EXPECT_TRUE(stage.daemon->wait_for_line("read again", seconds(10)));
       }},
  };
  for (const auto& [name, visit] : visitors) {
    ASSERT_EQ(bring(name + "-before").status, 200);
    visit();
    // Whoever came first and left: the next would take the log with it.
    succeeds({"sqlite3", "-readonly", file, "SELECT count(*) FROM person"});
    EXPECT_TRUE(fs::exists(log())) << name;
    ASSERT_EQ(bring(name + "-after").status, 200) << name;
    kill_and_start();
    EXPECT_TRUE(is_there(name + "-before")) << name;
    EXPECT_TRUE(is_there(name + "-after")) << name;
  }
}

TEST_F(RegisterDisk, AKillAtAnyStepOfAChangeLeavesItWholeOrNotAtAll) {
  stage.up();
  ASSERT_EQ(bring("first").status, 200);
  bool ended = false;
  for (int step = 1; !ended && step < 400; step += 1 + step / 4) {
    stage.fail_disk(fmt::format("kill {}", step));
    const std::string id = fmt::format("step{}-", step);
    const auto answer = bring(id, 5);
    ended = answer.status == 200 && !stage.daemon->wait(std::chrono::milliseconds(0));
    stage.mend_disk();
    kill_and_start();
    const bool whole = is_there(id) && is_there(id + "4");
    if (answer.status == 200) {
      EXPECT_TRUE(whole) << step;
    } else {
      EXPECT_EQ(is_there(id), is_there(id + "4")) << step;
    }
    EXPECT_TRUE(is_there("first")) << step;
    if (step == 1) {
      EXPECT_NE(answer.status, 200) << "the disk's stand-in does not count";
    }
  }
  EXPECT_TRUE(ended) << "a change has an end";
}

TEST_F(RegisterDisk, AChangeThatTheDiskRefusedIsNotDoneAfterAKill) {
  stage.up();
  for (int round = 0; round < 3; ++round) {
    const std::string id = fmt::format("refused{}", round);
    // Changes are made in their order: whatever a start writes of its own is written by now.
    ASSERT_EQ(bring(fmt::format("before{}", round)).status, 200);
    stage.fail_disk("fail once");
    const auto answer = bring(id);
    EXPECT_EQ(answer.status, 500) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr("Nothing was taken over"));
    EXPECT_FALSE(fs::exists(stage.dir / "fault"));
    // A refusal is answered before its record is durable.
    EXPECT_TRUE(stage.audit_says("not done: "));
    kill_and_start();
    EXPECT_FALSE(is_there(id));
  }
  EXPECT_EQ(bring("next").status, 200);
}

TEST_F(RegisterDisk, WhereTheDiskGoesOnFailingNobodyClaimsToKnow) {
  stage.up();
  stage.fail_disk("fail");
  const auto answer = bring("unknown");
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.error(), "outcome_unknown");
  EXPECT_TRUE(stage.audit_says("not known whether it was done"));
  EXPECT_TRUE(testing::eventually(seconds(10),
                                  [&] { return status_says("it is not known whether the last change"); }));
  EXPECT_FALSE(is_there("unknown"));
  stage.mend_disk();
  EXPECT_TRUE(testing::eventually(seconds(20), [&] { return is_well(); }));
  EXPECT_TRUE(stage.audit_says("What was recorded before as not known whether it was done, was not done."));
  kill_and_start();
  EXPECT_FALSE(is_there("unknown"));
}

TEST_F(RegisterDisk, ALogThatSomebodyRemovedStopsChangesLoudlyAndLosesNone) {
  stage.up();
  ASSERT_EQ(bring("acknowledged").status, 200);
  ASSERT_TRUE(fs::remove(log()));
  const auto answer = bring("late");
  EXPECT_EQ(answer.status, 500) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("was removed or replaced"));
  EXPECT_TRUE(status_says("was removed or replaced"));
  EXPECT_TRUE(stage.daemon->wait_for_line("register_unwritable", seconds(5)));
  EXPECT_TRUE(stage.audit_says("was removed or replaced"));
  kill_and_start();
  EXPECT_TRUE(is_there("acknowledged"));
  EXPECT_FALSE(is_there("late"));
  EXPECT_EQ(bring("late").status, 200);
}

TEST_F(RegisterDisk, AFullDiskStopsNoStartAndNoSignIn) {
  state_on_a_disk_of("6m");
  stage.up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  for (const bool killed : {false, true}) {
    fill();
    if (killed) {
      stage.daemon->kill();
      stage.daemon.reset();
    }
    stage.start_daemon();
    EXPECT_TRUE(testing::eventually(seconds(10), [&] { return status_says("is full"); })) << killed;
    EXPECT_TRUE(status_says(state().string())) << "which disk";
    EXPECT_TRUE(stage.daemon->wait_for_line("register_unwritable", seconds(5)));
    stage.insert_and_wait();
    EXPECT_EQ(stage.sign_in().status, 201) << killed;
    EXPECT_EQ(stage.token().status, 200) << killed;
    const auto answer = bring("too-much", 3000);
    EXPECT_EQ(answer.status, 507) << answer.body;
    EXPECT_EQ(answer.error(), "disk_full");
    EXPECT_FALSE(is_there("too-much"));
    stage.pull();
    // Room again, and it goes on by itself.
    ASSERT_TRUE(fs::remove(state() / "filler"));
    EXPECT_TRUE(testing::eventually(seconds(20), [&] { return is_well(); })) << killed;
    EXPECT_TRUE(stage.daemon->wait_for_line("register_writable", seconds(5)));
    EXPECT_EQ(bring(killed ? "after-a-kill" : "after").status, 200);
  }
}

TEST_F(RegisterDisk, AStartThatCannotEvenOpenTheRegisterWaitsForRoom) {
  state_on_a_disk_of("6m");
  stage.up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(state() / (std::string("register.db") + suffix));
  fill();
  stage.launch_daemon();
  ASSERT_TRUE(stage.daemon->wait_for_line("is full", seconds(20)));
  ASSERT_TRUE(fs::remove(state() / "filler"));
  ASSERT_TRUE(stage.daemon->wait_for_line("serving", seconds(20)));
  EXPECT_EQ(bring("after").status, 200);
}

}  // namespace
}  // namespace cardgate
