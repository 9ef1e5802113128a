// SPDX-License-Identifier: Apache-2.0
// Logging in with the card through PAM: the real module, service, pcscd and virtual card. The accounts are of every Debian:
// games is Ada's, news Max's, man both people's, lp nobody's.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <ranges>

#include "tests/daemon/stage.hpp"
#include "tests/pam/driver.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uid_t games = 5;

class Pam : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Pcscd::available()) GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.limits =
        "limits: {sign_ins_per_minute: 1000}\npam: {remote: allow}\n";  // the tests may run over ssh
    stage.up();
    other = std::make_unique<simcard::Card>(simcard::personalise(*stage.ca, {}).value());
    staff();
    std::filesystem::create_directory(stage.dir / "pam.d");
    PamDriver::write_service(stage.dir / "pam.d", "test", CARDGATE_PAM_MODULE, stage.socket);
  }
  void TearDown() override {
    if (second) second->pull();
  }
  /// Ada and Max with their accounts; `more` is said of Ada.
  void staff(const std::string& more = {}) {
    auto text = stage.people();
    const auto say = [&](std::string_view of, const std::string& what) {
      const auto place = text.find(of);
      ASSERT_NE(place, std::string::npos);
      text.insert(place + of.size(), what);
    };
    say("    name: Ada Example\n", "    unix_accounts: [games, man]\n" + more);
    say("{id: \"2000\", ", fmt::format("unix_accounts: [news, man], cards: [{{uuid: {}}}], ",
                                       simcard::to_text(other->data().uuid)));
    const auto done = stage.import(text);
    ASSERT_EQ(done.status, 200) << done.body;
  }
  void set_config(std::string_view from, const std::string& to) {
    auto text = *read_file(stage.dir / "cardgated.yaml", 1 << 20);
    const auto place = text.find(from);
    ASSERT_NE(place, std::string::npos);
    ASSERT_TRUE(write_file_atomic(stage.dir / "cardgated.yaml",
                                  as_bytes(text.replace(place, from.size(), to)), 0644));
    const auto done = stage.admin("POST", "/v1/reload");
    ASSERT_LT(done.status, 300) << done.body;
  }
  std::unique_ptr<PamDriver> program(const std::string& account = "games") {
    return std::make_unique<PamDriver>(stage.dir / "pam.d", "test", account);
  }
  /// Puts Max's card (or another) into the second reader.
  void insert_second(simcard::Card& card) {
    second = std::make_unique<simcard::VpcdLink>(card, simcard::second_reader);
    ASSERT_TRUE(second->insert());
    ASSERT_TRUE(eventually(seconds(15), [&] {
      const auto status = stage.card_status(Pcscd::second_name);
      const auto* state = find_string(status, "state");
      return state != nullptr && *state != "reading";
    }));
  }
  json::array sessions() const { return stage.admin("GET", "/v1/sessions").json().at("sessions").as_array(); }
  static PamDriver::Typed right() { return PamDriver::type(Stage::pin); }

  Stage stage;
  std::unique_ptr<simcard::Card> other;  // Max's
  std::unique_ptr<simcard::VpcdLink> second;
};

TEST_F(Pam, TheCardAndItsPasscodeOpenTheAccount) {
  stage.insert_and_wait();
  const auto login = program();
  ASSERT_EQ(login->authenticate(Stage::pin), PAM_SUCCESS);
  ASSERT_THAT(login->shown, SizeIs(1));
  EXPECT_EQ(login->shown[0].messages, 2) << "text and prompt in one call";
  EXPECT_EQ(login->shown[0].text, "Your staff card, 3 tries left.");
  EXPECT_THAT(login->shown[0].prompt, HasSubstr("Passcode of your card"));
  EXPECT_FALSE(login->shown[0].echo || login->shown[0].is_error);
  const auto open = sessions();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(login->variable("CARDGATE_SESSION"), open[0].at("id").as_string());
  EXPECT_EQ(login->account(), PAM_SUCCESS);
  EXPECT_EQ(login->open_session(), PAM_SUCCESS);
  EXPECT_EQ(login->close_session(), PAM_SUCCESS);
  EXPECT_THAT(sessions(), IsEmpty()) << "logged out";
}

TEST_F(Pam, AScreenLockThatMisreadsTheAnswersDoesNotCrash) {
  stage.insert_and_wait();
  const auto lock = program();
  lock->as_i3lock = true;  // its crash would open the screen
  ASSERT_EQ(lock->authenticate({PamDriver::type("000000"), right()}), PAM_SUCCESS);
  EXPECT_THAT(lock->shown, SizeIs(2));
}

TEST_F(Pam, ASecondLoginTakesUpTheSessionAndDoesNotEndIt) {
  stage.insert_and_wait();
  const auto desktop = program();
  ASSERT_EQ(desktop->authenticate(Stage::pin), PAM_SUCCESS);
  {
    const auto sudo = program();
    ASSERT_EQ(sudo->authenticate(Stage::pin), PAM_SUCCESS);
    EXPECT_EQ(sudo->variable("CARDGATE_SESSION"), desktop->variable("CARDGATE_SESSION"));
    sudo->open_session();
    sudo->close_session();
  }
  EXPECT_THAT(sessions(), SizeIs(1));
}

TEST_F(Pam, AWrongPasscodeIsAskedForOnceMore) {
  stage.insert_and_wait();
  const auto login = program();
  ASSERT_EQ(login->authenticate({PamDriver::type("000000"), right()}), PAM_SUCCESS);
  ASSERT_THAT(login->shown, SizeIs(2));
  EXPECT_EQ(login->shown[1].text, "Wrong passcode. 2 tries are left.");
  EXPECT_TRUE(login->shown[1].is_error);
}

TEST_F(Pam, TwoWrongPasscodesEndItAndTheThirdTryIsLeft) {
  stage.insert_and_wait();
  const auto login = program();
  EXPECT_EQ(login->authenticate({PamDriver::type("000000"), PamDriver::type("111111")}), PAM_AUTH_ERR);
  EXPECT_EQ(stage.card->pin_tries(), 1);
  EXPECT_THAT(login->shown.back().text, HasSubstr("One try is left"));
  EXPECT_EQ(login->authenticate({PamDriver::type("")}), fell_through);
  EXPECT_THAT(login->shown.at(0).text, HasSubstr("take the card out and put it in again"));
  EXPECT_EQ(stage.card->pin_tries(), 1);
}

TEST_F(Pam, WhatWasWrongIsNotSentASecondTime) {
  stage.insert_and_wait();
  const auto login = program();
  // A screen lock that answers every prompt with what was typed once.
  EXPECT_EQ(login->authenticate({PamDriver::type("000000"), PamDriver::type("000000")}), PAM_AUTH_ERR);
  EXPECT_EQ(stage.card->pin_tries(), 2);
  EXPECT_THAT(login->shown.back().text, HasSubstr("same passcode"));
}

TEST_F(Pam, APasswordGivenToALockWithOneFieldReachesTheNextModule) {
  stage.insert_and_wait();
  const auto lock = program();
  const auto password = PamDriver::type("my Unix password");
  EXPECT_EQ(lock->authenticate({password, password}), fell_through);
  EXPECT_THAT(lock->shown, SizeIs(2));
  EXPECT_EQ(stage.card->pin_tries(), 3);
  // It is not counted as wrong.
  EXPECT_EQ(lock->authenticate({password, PamDriver::type("000000"), right()}), PAM_SUCCESS);
}

TEST_F(Pam, TheSessionThatAnUnlockOpenedEndsAtLogout) {
  stage.insert_and_wait();
  const auto desktop = program();
  ASSERT_EQ(desktop->authenticate(Stage::pin), PAM_SUCCESS);
  stage.pull();
  ASSERT_TRUE(eventually(seconds(10), [&] { return sessions().empty(); }));
  stage.insert_and_wait();
  const auto lock = program();
  ASSERT_EQ(lock->authenticate(Stage::pin), PAM_SUCCESS);
  EXPECT_THAT(sessions(), SizeIs(1));
  EXPECT_EQ(desktop->close_session(), PAM_SUCCESS);
  EXPECT_THAT(sessions(), IsEmpty());
}

/// What logind says of logins, in files of its own as it writes them: the test has a /run of its own.
class PamWithLogins : public Pam {
 protected:
  void SetUp() override {
    Pam::SetUp();
    if (IsSkipped()) return;
    ASSERT_FALSE(std::filesystem::exists(logind / "sessions")) << "not in a namespace of its own";
    std::filesystem::create_directories(logind / "sessions");
    std::filesystem::create_directories(logind / "users");
  }
  void TearDown() override {
    std::filesystem::remove_all(logind / "sessions");
    std::filesystem::remove_all(logind / "users");
    Pam::TearDown();
  }
  struct Known {
    std::string number;
    uid_t uid = games;
    const char* kind = "user";
    int remote = 0;
  };
  void logind_knows(const std::vector<Known>& logins) {
    std::map<uid_t, std::string> numbers;
    for (const auto& login : logins) {
      numbers[login.uid] += (numbers[login.uid].empty() ? "" : " ") + login.number;
      put(logind / "sessions" / login.number,
          fmt::format("UID={}\nACTIVE=1\nSTATE=active\nREMOTE={}\nCLASS={}\n", login.uid, login.remote,
                      login.kind));
    }
    for (const auto& [uid, list] : numbers)
      put(logind / "users" / std::to_string(uid),
          fmt::format("STATE=active\nSESSIONS={0}\nONLINE_SESSIONS={0}\n", list));
  }
  /// Somebody who was let in by password logs out.
  void logs_out(const char* number, const char* from = nullptr) {
    const auto login = program();
    login->open_session();
    if (from != nullptr) {
      ASSERT_EQ(login->set(PAM_RHOST, from), PAM_SUCCESS);
    }
    if (number != nullptr) {
      ASSERT_EQ(login->put("XDG_SESSION_ID=" + std::string(number)), PAM_SUCCESS);
    }
    EXPECT_EQ(login->close_session(), PAM_SUCCESS);
  }
  void unlock() {
    stage.insert_and_wait();
    const auto lock = program();
    ASSERT_EQ(lock->authenticate(Stage::pin), PAM_SUCCESS);
    ASSERT_THAT(sessions(), SizeIs(1));
  }

  const std::filesystem::path logind = "/run/systemd";

 private:
  static void put(const std::filesystem::path& file, const std::string& text) {
    ASSERT_TRUE(write_file_atomic(file, as_bytes(text), 0644));
  }
};

TEST_F(PamWithLogins, TheSessionThatAnUnlockOpenedEndsAtTheLogoutOfALoginByPassword) {
  logind_knows({{"7"}});
  unlock();
  logs_out("7");
  EXPECT_THAT(sessions(), IsEmpty());
}

TEST_F(PamWithLogins, ALogoutEndsNothingWhileThePersonHasAnotherLoginHere) {
  logind_knows({{"7"}, {"9"}});
  unlock();
  logs_out("7");
  EXPECT_THAT(sessions(), SizeIs(1));
}

TEST_F(PamWithLogins, WhatIsNoLoginEndsNothing) {
  logind_knows({{"6", 0}, {"7", games, "user", 1}, {"8", games, "background"}, {"9", games, "greeter"}});
  unlock();
  for (const char* number :
       {static_cast<const char*>(nullptr), "", "6", "7", "8", "9", "10", "../sessions/6", "7&account=news"}) {
    logs_out(number);
    EXPECT_THAT(sessions(), SizeIs(1)) << (number == nullptr ? "without a number" : number);
  }
}

TEST_F(PamWithLogins, ALogoutFromAfarEndsNothingHere) {
  logind_knows({{"7"}});
  unlock();
  logs_out("7", "192.0.2.7");
  EXPECT_THAT(sessions(), SizeIs(1));
}

TEST_F(Pam, TheLastTryIsUsedAfterAWordOfItsOwnAlone) {
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.pin_tries = 1; }));
  stage.insert_and_wait();
  const auto login = program();
  for (const char* answer : {"", "no", Stage::pin}) {
    EXPECT_EQ(login->authenticate(std::string(answer)), fell_through);
    ASSERT_THAT(login->shown, SizeIs(1));
    EXPECT_THAT(login->shown[0].text, HasSubstr("one try left. If it is wrong, the card is blocked."));
    EXPECT_TRUE(login->shown[0].echo);
  }
  EXPECT_EQ(stage.card->pin_tries(), 1);
  EXPECT_EQ(login->authenticate({PamDriver::type("Yes"), right()}), PAM_SUCCESS);
}

TEST_F(Pam, ABlockedCardIsSaidAndThePasswordGoesOn) {
  ASSERT_TRUE(stage.card->change([](simcard::CardData& data) { data.pin_tries = 0; }));
  stage.insert_and_wait();
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  ASSERT_THAT(login->shown, SizeIs(1));
  EXPECT_THAT(login->shown[0].text, HasSubstr("Your staff card is blocked"));
}

TEST_F(Pam, ACardOfSomebodyElseOpensNothing) {
  insert_second(*other);
  const auto login = program("games");
  EXPECT_EQ(login->authenticate(Stage::pin), fell_through);
  ASSERT_THAT(login->shown, SizeIs(1)) << "asked to go on, and for no passcode";
  EXPECT_THAT(login->shown[0].text, HasSubstr("does not belong to the account 'games'"));
  EXPECT_EQ(other->pin_tries(), 3);
}

TEST_F(Pam, AnUnregisteredCardIsSaid) {
  simcard::Card unknown(simcard::personalise(*stage.ca, {}).value());
  insert_second(unknown);
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  EXPECT_THAT(login->shown.at(0).text, HasSubstr("not registered to anybody"));
  second->pull();
  second.reset();
}

TEST_F(Pam, ARevokedCardIsSaid) {
  stage.insert_and_wait();
  ASSERT_TRUE(stage.ca->revoke(stage.card->data().authentication.certificate));
  ASSERT_TRUE(eventually(seconds(10), [&] {
    return stage.ask("GET", "/v1/login?account=games").body.find("refused") != std::string::npos;
  }));
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  EXPECT_THAT(login->shown.at(0).text, HasSubstr("withdrawn by its issuer"));
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(Pam, WhoHasLeftIsRefusedByCardAndByPassword) {
  stage.insert_and_wait();
  staff("    employed_until: 2026-01-31\n");
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  EXPECT_THAT(login->shown.at(0).text, HasSubstr("Your employment ended on 31 January 2026"));
  EXPECT_EQ(login->account(), PAM_SUCCESS) << "not enforced";
  set_config("pam: {", "pam: {account: enforce, ");
  EXPECT_EQ(login->account(), PAM_ACCT_EXPIRED);
  ASSERT_THAT(login->shown, SizeIs(1));
  EXPECT_THAT(login->shown[0].text, HasSubstr("so this account is closed"));
  for (const char* account : {"news", "lp", "root"})
    EXPECT_EQ(program(account)->account(), PAM_SUCCESS) << account;
  ASSERT_EQ(stage.stop_daemon(), 0);
  EXPECT_EQ(login->account(), PAM_SUCCESS) << "the service is down";
}

TEST_F(Pam, WhoIsRemovedIsRefusedByCardAndByPassword) {
  stage.insert_and_wait();
  staff("    removed: {reason: Under investigation}\n");
  set_config("pam: {", "pam: {account: enforce, ");
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  EXPECT_THAT(login->shown.at(0).text, HasSubstr("Your access has been paused"));
  EXPECT_EQ(login->account(), PAM_ACCT_EXPIRED);
  EXPECT_EQ(login->shown.at(0).text.find("investigation"), std::string::npos);
}

TEST_F(Pam, AnAccountOfTwoPeopleIsRefusedAndSaid) {
  stage.insert_and_wait();
  const auto login = program("man");
  EXPECT_EQ(login->authenticate(Stage::pin), fell_through);
  EXPECT_THAT(login->shown.at(0).text, HasSubstr("more than one person"));
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(Pam, NothingIsAskedForRootForNobodysAccountAndFromAnotherMachine) {
  stage.insert_and_wait();
  for (const char* account : {"root", "lp", "no-such-account"}) {
    const auto login = program(account);
    EXPECT_EQ(login->authenticate(Stage::pin), fell_through) << account;
    EXPECT_THAT(login->shown, IsEmpty()) << account;
  }
  const auto login = program();
  ASSERT_EQ(login->set(PAM_RHOST, "192.0.2.7"), PAM_SUCCESS);
  EXPECT_EQ(login->authenticate(Stage::pin), fell_through);
  EXPECT_THAT(login->shown, IsEmpty()) << "sshd would answer with the password";
  ASSERT_EQ(login->set(PAM_RHOST, ""), PAM_SUCCESS);  // login says so at the terminal
  EXPECT_EQ(login->authenticate(Stage::pin), PAM_SUCCESS);
}

TEST_F(Pam, RootsAccountNeedsTheConfigurationAndTheRegister) {
  stage.insert_and_wait();
  set_config("pam: {", "pam: {root: allow, ");
  auto login = program("root");
  EXPECT_EQ(login->authenticate(Stage::pin), fell_through);
  EXPECT_THAT(login->shown, IsEmpty()) << "root is nobody's account";
}

TEST_F(Pam, WithoutACardItIsAskedForAndMayComeMeanwhile) {
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  ASSERT_THAT(login->shown, SizeIs(1));
  EXPECT_THAT(login->shown[0].text, HasSubstr("Put your staff card into the reader"));
  const auto put_in = [&](const Shown&) -> std::optional<std::string> {
    stage.insert();
    EXPECT_TRUE(eventually(seconds(10), [&] { return !stage.card_status().empty(); }));
    return "654321";  // what is typed here is no passcode
  };
  EXPECT_EQ(login->authenticate({put_in, right()}), PAM_SUCCESS);
  EXPECT_EQ(login->shown.at(1).text, "Your staff card, 3 tries left.");
}

TEST_F(Pam, ACardThatIsPulledAtThePromptSpendsNothing) {
  stage.insert_and_wait();
  const auto login = program();
  const auto pull = [&](const Shown&) -> std::optional<std::string> {
    stage.pull();
    return Stage::pin;
  };
  EXPECT_EQ(login->authenticate({pull, PamDriver::type("")}), fell_through);
  ASSERT_THAT(login->shown, SizeIs(2));
  EXPECT_THAT(login->shown[1].text, HasSubstr("Put your staff card into the reader"));
  EXPECT_EQ(stage.card->pin_tries(), 3);
  EXPECT_THAT(sessions(), IsEmpty());
}

TEST_F(Pam, ACardThatIsPulledWhileItWorksOpensNothing) {
  stage.insert_and_wait();
  const auto login = program();
  const auto break_off = [&](const Shown&) -> std::optional<std::string> {
    simcard::Faults faults;
    faults.pulled_in_command = true;
    stage.card->set_faults(faults);
    return Stage::pin;
  };
  EXPECT_EQ(login->authenticate({break_off, PamDriver::type(""), PamDriver::type("")}), fell_through);
  EXPECT_THAT(sessions(), IsEmpty());
}

TEST_F(Pam, OfTwoCardsTheAccountsOwnIsNamed) {
  insert_second(*other);
  stage.insert_and_wait();
  const auto login = program("games");
  EXPECT_EQ(login->authenticate(Stage::pin), PAM_SUCCESS);
  EXPECT_EQ(login->shown.at(0).text, fmt::format("Your staff card in {}, 3 tries left.", Stage::reader));
  const auto max = program("news");
  EXPECT_EQ(max->authenticate(Stage::pin), PAM_SUCCESS);
  EXPECT_THAT(max->shown.at(0).text, HasSubstr(Pcscd::second_name));
}

TEST_F(Pam, AServiceThatStartsAnewAtThePromptAsksAgain) {
  stage.insert_and_wait();
  const auto login = program();
  const auto restart = [&](const Shown&) -> std::optional<std::string> {
    EXPECT_EQ(stage.stop_daemon(), 0);
    stage.start_daemon();
    return Stage::pin;
  };
  const int result = login->authenticate({restart, right(), right()});
  EXPECT_EQ(result, PAM_SUCCESS) << login->shown.back().text;
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(Pam, AServiceThatIsGoneLetsThePasswordIn) {
  stage.insert_and_wait();
  const auto login = program();
  const auto stop = [&](const Shown&) -> std::optional<std::string> {
    EXPECT_EQ(stage.stop_daemon(), 0);
    return Stage::pin;
  };
  EXPECT_EQ(login->authenticate({stop, PamDriver::type("")}), fell_through);
  EXPECT_THAT(login->shown.back().text, HasSubstr("does not answer"));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(login->authenticate(Stage::pin), fell_through);
  EXPECT_THAT(login->shown, IsEmpty());
  EXPECT_EQ(login->account(), PAM_SUCCESS);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(1));
}

TEST_F(Pam, NothingANullAndAnEndedConversationSpendNothing) {
  stage.insert_and_wait();
  const auto login = program();
  EXPECT_EQ(login->authenticate(""), fell_through);
  EXPECT_EQ(login->authenticate({[](const Shown&) -> std::optional<std::string> { return std::nullopt; }}),
            fell_through);
  login->hangs_up = true;
  EXPECT_EQ(login->authenticate(Stage::pin), fell_through);
  login->hangs_up = false;
  EXPECT_EQ(login->authenticate(std::string(10'000, '1')), fell_through)
      << "longer than anything that is asked";
  EXPECT_EQ(login->authenticate({PamDriver::type(std::string(65, '1')), PamDriver::type("")}), fell_through);
  EXPECT_THAT(login->shown.at(1).text, HasSubstr("not a passcode"));
  EXPECT_EQ(stage.card->pin_tries(), 3);
  EXPECT_THAT(sessions(), IsEmpty());
}

TEST_F(Pam, AScriptInALoopCostsNoTryNoExchangeAndNoRecord) {
  // The log's own checkpoints come by time.
  const auto records = [&] {
    const auto log = stage.audit_text();
    std::vector<std::string> lines;
    for (auto line : std::views::split(log, '\n'))
      if (std::string text(line.begin(), line.end());
          text.find(R"("event":"checkpoint")") == std::string::npos)
        lines.push_back(std::move(text));
    return lines;
  };
  stage.insert_and_wait();
  const auto before = records();
  stage.card->clear_exchanges();
  for (int i = 0; i < 200; ++i) {
    const auto login = program();
    ASSERT_EQ(login->authenticate(""), fell_through);
  }
  EXPECT_EQ(stage.card->exchanges(), 0);
  EXPECT_EQ(stage.card->pin_tries(), 3);
  EXPECT_EQ(records(), before);
}

TEST_F(Pam, ThePasscodeIsNowhereInTheProgramAfterwards) {
  stage.insert_and_wait();
  const auto login = program();
  // One digit too long for the card: the virtual card, which is part of this program, does not see it.
  login->backwards = "847203941";
  EXPECT_EQ(login->authenticate({PamDriver::type("not these"), PamDriver::type("")}), fell_through);
  EXPECT_THAT(login->shown.back().text, HasSubstr("Not a passcode of this card"));
  // Another process looks, so that the looking leaves nothing here.
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      std::string text = login->backwards;
      std::ranges::reverse(text);
      ::_exit(static_cast<int>(occurrences_in_memory(::getppid(), text)));
    } catch (const std::exception&) {
      ::_exit(99);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "no memory of another process can be read here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Pam, AnotherUsersScreenLockAsksForItsOwnAccountAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  stage.insert_and_wait();
  set_config("readers:\n  - users: [0, 65533]", fmt::format("readers:\n  - users: [0, {}, 65533]", games));
  set_config("clients:\n",
             fmt::format("clients:\n  - {{name: lock, match: {{user: {}}}, sign_in: true}}\n", games));
  const auto as_games = [&](const std::string& account) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setresgid(games, games, games) != 0 || ::setresuid(games, games, games) != 0) ::_exit(99);
      PamDriver lock(stage.dir / "pam.d", "test", account);
      ::_exit(lock.authenticate(Stage::pin));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(as_games("games"), PAM_SUCCESS);
  EXPECT_EQ(as_games("news"), fell_through);
  EXPECT_EQ(as_games("root"), fell_through);
}

}  // namespace
}  // namespace cardgate::testing
