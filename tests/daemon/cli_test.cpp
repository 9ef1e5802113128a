// SPDX-License-Identifier: Apache-2.0
// The cardgate command against the running service, as a person and as a script use it.
#include <gtest/gtest.h>

#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

using testing::Stage;

class Command : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  void expect(int status, std::string_view words, std::vector<std::string> arguments,
              const std::string& input = {}) {
    const std::string line = ::testing::PrintToString(arguments);
    const auto done = stage.cardgate(std::move(arguments), input);
    EXPECT_EQ(done.status, status) << line << "\n" << done.all;
    EXPECT_NE(done.all.find(words), std::string::npos) << line << " does not say \"" << words << "\":\n"
                                                       << done.all;
    output = done.output;
  }
  Stage stage;
  std::string output;
};

TEST_F(Command, LeadsAPersonThroughADay) {
  stage.up();
  ASSERT_TRUE(stage.daemon->wait_for_line("the readers are reachable", std::chrono::seconds(20)));
  expect(0, "no card", {"status"});
  expect(1, "card", {"login", "--passcode-stdin"}, "123456");
  expect(1, "Nobody is signed in", {"whoami"});
  stage.insert_and_wait();
  expect(0, "3 tries left", {"status"});
  expect(1, "2 tries", {"login", "--passcode-stdin"}, "000000");
  expect(0, "Ada Example", {"login", "--passcode-stdin"}, "123456\n");
  expect(0, "Ada Example", {"whoami"});
  expect(0, "", {"token", "--role", "core", "--audience", "esr"});
  const std::string token = output;
  expect(0, "1000", {"introspect"}, token);
  expect(1, "next step", {"token", "--role", "manager-self-service", "--audience", "esr"});
  expect(0, "Core ESR", {"access"});
  expect(0, "", {"revoke"}, token);
  expect(1, "", {"introspect"}, token);
  expect(0, "", {"policy", "explain", "--person", "1000", "--role", "core"});
  expect(0, "", {"logout"});
  expect(1, "Nobody is signed in", {"whoami"});
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(Command, AnswersProgramsInJson) {
  stage.up();
  stage.insert_and_wait();
  expect(0, "", {"--json", "login", "--passcode-stdin"}, "123456");
  ASSERT_TRUE(parse_json(output)) << output;
  for (const char* verb : {"status", "whoami", "access"}) {
    expect(0, "", {"--json", verb});
    EXPECT_TRUE(parse_json(output)) << verb << ": " << output;
  }
  expect(1, "", {"--json", "token", "--role", "manager-self-service", "--audience", "esr"});
}

TEST_F(Command, ImportsStaffAndNamesEachBadLine) {
  stage.up();
  const auto good = stage.dir / "good.yaml";
  ASSERT_TRUE(write_file_atomic(good, as_bytes(stage.people()), 0644));
  expect(0, "3 people", {"staff", "import", good});
  const auto bad = stage.dir / "bad.yaml";
  ASSERT_TRUE(write_file_atomic(
      bad, as_bytes("people:\n  - {id: \"7\"}\n  - {id: \"8\", name: X, employed_from: soon}\n"), 0644));
  expect(1, "2", {"staff", "import", bad});
  EXPECT_EQ(stage.admin("GET", "/v1/policy/explain?person=7&role=core").status, 404);
}

TEST_F(Command, SaysWhenTheServiceIsAway) {
  expect(3, "cardgated", {"status"});
}

TEST_F(Command, VerifiesTheAuditLogOfTheService) {
  stage.up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  expect(0, "whole", {"audit", "verify", "--dir", stage.dir / "audit"});
}

}  // namespace
}  // namespace cardgate
