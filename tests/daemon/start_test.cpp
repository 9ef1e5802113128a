// SPDX-License-Identifier: Apache-2.0
// What decides a start and a reload, apart from the service: is the configuration in use the one on disk, is the state there
// that this installation had, and what the journal says of a refusal.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "daemon/http/server.hpp"
#include "daemon/installation.hpp"
#include "daemon/record/refusal_message.hpp"
#include "daemon/refused_start.hpp"
#include "daemon/rules/certificate_judge.hpp"
#include "daemon/rules/configuration_in_use.hpp"
#include "tests/support/process.hpp"
#include "tests/support/unix_socket.hpp"

namespace cardgate::daemon {
namespace {

using InUse = ConfigurationInUse::State;
using testing::TempDir;

void put(const std::filesystem::path& file, std::string_view text) {
  ASSERT_TRUE(write_file_atomic(file, as_bytes(text), 0644));
}

class ConfigurationOnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    put(config, "issuer: a\n");
    put(policy, "roles: b\n");
    in_use.taken(read());
  }
  FilesRead read() {
    FilesRead files;
    files.add(config);
    files.add(policy);
    return files;
  }
  TempDir dir;
  std::filesystem::path config = dir / "cardgated.yaml", policy = dir / "policy.yaml";
  ConfigurationInUse in_use;
};

TEST_F(ConfigurationOnDisk, IsInUseAsLongAsItSaysTheSame) {
  EXPECT_EQ(in_use.told().state, InUse::in_use);
  put(policy, "roles: b\n");
  EXPECT_EQ(in_use.told().state, InUse::in_use) << "saved again, with the same words";
  EXPECT_EQ(in_use.told().text, "");
}

TEST_F(ConfigurationOnDisk, IsNotInUseOnceItIsEdited) {
  put(policy, "roles: c\n");
  const auto told = in_use.told();
  EXPECT_EQ(told.state, InUse::changed);
  EXPECT_NE(told.text.find("The configuration on disk is not the one in use: " + policy.string()),
            std::string::npos)
      << told.text;
  EXPECT_EQ(told.text.find(config.string()), std::string::npos) << told.text;
  in_use.taken(read());
  EXPECT_EQ(in_use.told().state, InUse::in_use);
}

TEST_F(ConfigurationOnDisk, IsNotInUseOnceItIsGone) {
  std::filesystem::remove(config);
  EXPECT_EQ(in_use.told().state, InUse::changed);
}

TEST_F(ConfigurationOnDisk, ThatWasRefusedIsToldUntilItIsPutRight) {
  put(policy, "roles: [\n");
  in_use.refused("policy.yaml:1: not valid YAML", "Put that right");
  const auto told = in_use.told();
  EXPECT_EQ(told.state, InUse::refused);
  EXPECT_NE(told.text.find("policy.yaml:1: not valid YAML. Put that right"), std::string::npos) << told.text;
  put(policy, "roles: {\n");
  EXPECT_EQ(in_use.told().state, InUse::refused) << "edited again, and not taken over yet";
  put(policy, "roles: b\n");
  EXPECT_EQ(in_use.told().state, InUse::in_use) << "the words in use are back";
  EXPECT_EQ(in_use.told().text, "");
}

TEST_F(ConfigurationOnDisk, ThatWasRefusedForSomethingElseIsToldUntilItIsTaken) {
  in_use.refused("no trust anchor", "Put that right");  // the files did not change
  EXPECT_EQ(in_use.told().state, InUse::refused);
  in_use.taken(read());
  EXPECT_EQ(in_use.told().state, InUse::in_use);
}

class InstallationMark : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(state);
    std::filesystem::create_directory(audit);
  }
  TempDir dir;
  std::filesystem::path state = dir / "state", audit = dir / "audit";
  Installation installation{dir / "cardgated.yaml"};
  WallTime now = *parse_rfc3339("2026-03-02T09:00:00Z");
};

TEST_F(InstallationMark, LetsAFirstStartMakeEverything) {
  EXPECT_FALSE(installation.in_use());
  EXPECT_TRUE(installation.check(state));
  EXPECT_TRUE(installation.lost(state, audit, false).empty());
  ASSERT_TRUE(installation.remember(state, now));
  EXPECT_TRUE(installation.in_use());
  EXPECT_NE(read_file(installation.mark(), 4096)->find("2026-03-02T09:00:00"), std::string::npos);
  ASSERT_TRUE(installation.remember(state, now + std::chrono::hours(9)));
  EXPECT_NE(read_file(installation.mark(), 4096)->find("2026-03-02T09:00:00"), std::string::npos)
      << "as it was";
}

TEST_F(InstallationMark, RefusesAStartWithoutTheRegisterThatThereWas) {
  put(state / "register.db", "people");
  ASSERT_TRUE(installation.remember(state, now));
  EXPECT_TRUE(installation.check(state));
  for (const bool with_folder : {true, false}) {
    std::filesystem::remove_all(state);
    if (with_folder) std::filesystem::create_directory(state);
    const auto refused = installation.check(state);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().context.find("the staff register is gone"), std::string::npos)
        << refused.error().context;
    EXPECT_NE(refused.error().context.find(installation.mark().string()), std::string::npos)
        << "how to begin anew: " << refused.error().context;
    EXPECT_EQ(exit_of(refused.error()), exit_start_refused);
  }
}

TEST_F(InstallationMark, NamesEachOtherPartThatIsGone) {
  ASSERT_TRUE(installation.remember(state, now));
  put(state / "register.db", "people");
  put(state / "token-key", "t");
  put(state / "audit-key", "a");
  put(audit / "000001.log", "r");
  EXPECT_TRUE(installation.lost(state, audit, false).empty()) << "no pool, no card-key";
  const auto keys = installation.lost(state, audit, true);
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_NE(keys.front().find("card-key, is missing"), std::string::npos) << keys.front();
  put(state / "card-key", "c");
  EXPECT_TRUE(installation.lost(state, audit, true).empty());
  std::filesystem::remove(state / "token-key");
  EXPECT_EQ(installation.lost(state, audit, true).size(), 1U);
  std::filesystem::remove(audit / "000001.log");
  std::filesystem::remove(state / "audit-key");
  EXPECT_EQ(installation.lost(state, audit, true).size(), 3U);
}

TEST_F(InstallationMark, BelongsToOneConfigurationFile) {
  ASSERT_TRUE(installation.remember(state, now));
  EXPECT_FALSE(Installation(dir / "other.yaml").in_use());
}

TEST(RefusalMessage, SaysWhatWasRefusedAndToWhom) {
  audit::Record record;
  record.event = "sign_in_refused";
  record.reason = "passcode_incorrect";
  record.person = "1000";
  record.details["reader"] = "Ward 4 00 00";
  EXPECT_EQ(refusal_message(record),
            "A sign-in was refused: passcode incorrect. Person 1000, reader Ward 4 00 00.");
  record = {};
  record.event = "token_refused";
  record.reason = "access";
  record.role = "core";
  EXPECT_EQ(refusal_message(record), "A token was refused: access. Role core.");
  record = {};
  record.event = "client_refused";
  EXPECT_EQ(refusal_message(record), "A call was refused.");
}

TEST(RevocationLists, AreToldWhenTheyAreDue) {
  const auto due = *parse_rfc3339("2026-03-02T09:00:00Z");
  const trust::ListTimes lists{1, due - std::chrono::days(7), due, "/etc/crls/issuing.crl"};
  EXPECT_FALSE(told_of_overdue({}, due));
  EXPECT_FALSE(told_of_overdue(lists, due - std::chrono::hours(25)));
  EXPECT_NE(told_of_overdue(lists, due - std::chrono::hours(23))
                ->find("/etc/crls/issuing.crl ends at 2026-03-02T09"),
            std::string::npos);
  EXPECT_NE(told_of_overdue(lists, due + seconds(1))->find("was due to be replaced by"), std::string::npos);
}

TEST(RefusedStart, TellsWhoeverWaits) {
  const TempDir dir;
  const auto opened = listen_on(dir / "s", 0600);
  ASSERT_TRUE(opened) << opened.error().message();
  const FileDescriptor listening(*opened);
  const auto call = [&] {
    auto caller = testing::connect_to(dir / "s");
    EXPECT_TRUE(caller);
    const std::string_view asked = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(::send(caller.get(), asked.data(), asked.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(asked.size()));
    return caller;
  };
  std::vector<FileDescriptor> callers;
  for (int i = 0; i < 3; ++i) callers.push_back(call());
  turn_away({listening.get()}, "The configuration is refused.", std::chrono::milliseconds(300));
  for (const auto& caller : callers) {
    std::string answer(4096, '\0');
    const auto got = ::recv(caller.get(), answer.data(), answer.size(), 0);
    ASSERT_GT(got, 0);
    answer.resize(static_cast<std::size_t>(got));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
    EXPECT_NE(answer.find("\r\nRetry-After: "), std::string::npos) << answer;
    EXPECT_NE(answer.find("\r\nContent-Type: application/problem+json\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("\"error\":\"not_started\""), std::string::npos) << answer;
    EXPECT_NE(answer.find("The configuration is refused."), std::string::npos) << answer;
  }
}

TEST(RefusedStart, IsTriedAgainOnlyWhereThatMayHelp) {
  EXPECT_EQ(exit_of({Errc::config_invalid, ""}), exit_start_refused);
  EXPECT_EQ(exit_of({Errc::corrupt, ""}), exit_start_refused);
  EXPECT_EQ(exit_of({Errc::permission_denied, ""}), exit_start_refused);
  EXPECT_EQ(exit_of({Errc::invalid_argument, ""}), exit_start_refused);
  EXPECT_EQ(exit_of({Errc::io, ""}), exit_start_failed);
  EXPECT_EQ(exit_of({Errc::unavailable, ""}), exit_start_failed);
  EXPECT_EQ(exit_start_refused, 78) << "systemd/cardgated.service names it (RestartPreventExitStatus)";
}

}  // namespace
}  // namespace cardgate::daemon
