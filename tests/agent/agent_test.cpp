// SPDX-License-Identifier: Apache-2.0
// The real agent on a terminal (tmux), with the real service, reader service, virtual card and pinentry-curses. logind and the
// desktop's notifications are stood in for (fake_desktop.cpp): the machine that runs tests has neither.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>

#include <fstream>

#include "base/number.hpp"
#include "tests/agent/desktop.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::eventually;
using testing::Process;
using testing::Stage;

// Digits that stand in no table of a library, so that the memory can be searched for them.
constexpr const char* passcode = "739164";

class AgentOnATerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    for (const char* program : {"tmux", "pinentry-curses", "dbus-daemon"}) {
      if (!testing::has_program(program)) GTEST_SKIP() << program << " is missing: run script/bootstrap";
    }
    stage.personalisation.pin = passcode;
    stage.up();
    ASSERT_NO_FATAL_FAILURE(desktop.start());
  }
  void TearDown() override {
    if (HasFailure() && pid > 0)
      std::fprintf(stderr, "--- terminal:\n%s\n--- agent:\n%s---\n", terminal().c_str(), said().c_str());
    (void)tmux({"kill-server"});
  }

  bool session_says(std::string_view member) const {
    return eventually(seconds(20), [&] {
      const auto answer = stage.ask("GET", "/v1/sessions").json();
      const auto* list = find_array(answer, "sessions");
      const auto* value =
          list == nullptr || list->empty() ? nullptr : list->at(0).as_object().if_contains(member);
      return value != nullptr && value->is_bool() && value->get_bool();
    });
  }
  testing::Finished tmux(std::vector<std::string> arguments) const {
    std::vector<std::string> argv{"tmux", "-f", "/dev/null", "-S", stage.dir / "tmux"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    auto done = testing::run(argv, seconds(10));
    return done ? *done : testing::Finished{};
  }
  std::string command(const std::string& more, const std::string& display = {}) const {
    return fmt::format(
        "exec env -u DISPLAY -u WAYLAND_DISPLAY TERM=xterm {5} XDG_RUNTIME_DIR={0} "
        "DBUS_SYSTEM_BUS_ADDRESS={1} "
        "DBUS_SESSION_BUS_ADDRESS={1} {2} --socket {3} agent {4} 2>>{0}/agent.log",
        stage.dir.path().string(), desktop.address, built_file("client/cardgate"), stage.socket.string(),
        more, display);
  }
  void launch(const std::string& more = {}) {
    ASSERT_EQ(tmux({"new-session", "-d", "-x", "100", "-y", "30", command(more)}).status, 0);
    const auto shown = tmux({"display-message", "-p", "#{pane_pid}"}).output;
    pid = whole_number<pid_t>(shown.substr(0, shown.find('\n'))).value_or(-1);
    ASSERT_GT(pid, 0);
  }
  void start_agent(const std::string& more = {}) {
    ASSERT_NO_FATAL_FAILURE(launch(more));
    // It holds the machine's sleep up as soon as it knows logind.
    ASSERT_TRUE(desktop.is_told("Inhibit", seconds(20))) << said();
  }
  std::string terminal() const { return tmux({"capture-pane", "-p"}).output; }
  bool shows(std::string_view words, seconds patience = seconds(20)) const {
    return eventually(patience, [&] { return terminal().find(words) != std::string::npos; });
  }
  bool hides(std::string_view words, seconds patience = seconds(20)) const {
    return eventually(patience, [&] { return terminal().find(words) == std::string::npos; });
  }
  void type(const std::string& text) {
    (void)tmux({"send-keys", "-l", text});
    (void)tmux({"send-keys", "Enter"});
  }
  std::string said() const {
    std::ifstream file(stage.dir / "agent.log");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t sessions() const {
    const auto answer = stage.ask("GET", "/v1/sessions").json();
    const auto* list = find_array(answer, "sessions");
    return list == nullptr ? 0 : list->size();
  }
  bool signed_in() const {
    return eventually(seconds(20), [&] { return sessions() == 1; });
  }
  /// The card is put in, and the passcode typed into the dialog that comes.
  void sign_in_when_asked() {
    stage.insert();
    ASSERT_TRUE(shows("Passcode:"));
    type(passcode);
    ASSERT_TRUE(signed_in());
  }
  bool desktop_is_told(std::string_view words, seconds patience = seconds(20)) const {
    return desktop.is_told(words, patience);
  }
  /// The processes that ask, of this agent.
  std::vector<pid_t> dialogs() const {
    std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", pid));
    std::vector<pid_t> out;
    for (pid_t each = 0; file >> each;) {
      std::ifstream name(fmt::format("/proc/{}/comm", each));
      std::string word;
      if (name >> word && word.starts_with("pinentry")) out.push_back(each);
    }
    return out;
  }
  /// The session is open a moment before the agent has read the answer, and until then it holds what it sent.
  bool is_wiped(std::string_view secret) const {
    return eventually(seconds(5), [&] { return testing::occurrences_in_memory(pid, secret) == 0; });
  }
  bool runs() const { return ::kill(pid, 0) == 0; }

  Stage stage;
  testing::Desktop desktop{stage.dir.path()};
  pid_t pid = -1;
};

TEST_F(AgentOnATerminal, AsksSignsInAndLocksWhenTheCardGoes) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("3 tries left"));
  EXPECT_TRUE(shows("Ada Example"));
  type(passcode);
  ASSERT_TRUE(signed_in());
  EXPECT_TRUE(desktop_is_told("Signed in: Ada Example"));
  EXPECT_TRUE(hides("Passcode:"));
  EXPECT_TRUE(is_wiped(passcode));
  EXPECT_TRUE(dialogs().empty());
  const auto before = std::chrono::steady_clock::now();
  stage.link->pull();
  ASSERT_TRUE(desktop_is_told("LockSession c1"));
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(2));
  EXPECT_EQ(sessions(), 0U);
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(AgentOnATerminal, EndsTheDialogWhenTheCardGoes) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("Passcode:"));
  (void)tmux({"send-keys", "-l", "12"});
  stage.pull();
  EXPECT_TRUE(eventually(seconds(2), [&] { return dialogs().empty(); }));
  EXPECT_TRUE(hides("Passcode:"));
  EXPECT_TRUE(runs());
  stage.insert();
  EXPECT_TRUE(shows("Passcode:")) << "and asks again";
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(AgentOnATerminal, AsksAgainAfterAWrongPasscode) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("3 tries left"));
  type("000000");
  ASSERT_TRUE(shows("2 tries left"));
  EXPECT_TRUE(shows("Wrong passcode"));
  type(passcode);
  ASSERT_TRUE(signed_in());
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(AgentOnATerminal, AnEmptyAnswerSpendsNothing) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("3 tries left"));
  type("");
  ASSERT_TRUE(shows("No try was spent"));
  type(passcode);
  ASSERT_TRUE(signed_in());
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(AgentOnATerminal, NeverSpendsTheLastTryUnasked) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("3 tries left"));
  type("000000");
  ASSERT_TRUE(shows("2 tries left"));
  type("000000");
  // Twice wrong: the service takes no third before the card was out.
  ASSERT_TRUE(desktop_is_told("take the card out"));
  stage.pull();
  stage.insert();
  ASSERT_TRUE(shows("One try is left"));
  EXPECT_EQ(stage.card->pin_tries(), 1);
  (void)tmux({"send-keys", "Tab"});
  (void)tmux({"send-keys", "Enter"});  // "Not now"
  EXPECT_TRUE(eventually(seconds(10), [&] { return dialogs().empty(); }));
  EXPECT_EQ(stage.card->pin_tries(), 1);
}

TEST_F(AgentOnATerminal, StaysWhenPinentryIsKilled) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("Passcode:"));
  ASSERT_EQ(dialogs().size(), 1U);
  ::kill(dialogs().front(), SIGKILL);
  EXPECT_TRUE(eventually(seconds(10), [&] { return said().find("--pinentry") != std::string::npos; }))
      << said();
  EXPECT_TRUE(runs());
  (void)tmux({"send-keys", "-R"});
  stage.pull();
  stage.insert();
  ASSERT_TRUE(eventually(seconds(10), [&] { return dialogs().size() == 1; }));
}

TEST_F(AgentOnATerminal, StaysWithoutPinentry) {
  start_agent("--pinentry /nonexistent/pinentry");
  stage.insert();
  EXPECT_TRUE(eventually(seconds(20), [&] { return said().find("--pinentry") != std::string::npos; }))
      << said();
  EXPECT_TRUE(runs());
}

TEST_F(AgentOnATerminal, SurvivesARestartBetweenPromptAndAnswer) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("3 tries left"));
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.start_daemon();
  ASSERT_TRUE(eventually(seconds(20), [&] {
    const auto status = stage.card_status();
    const auto* state = find_string(status, "state");
    return state != nullptr && *state == "ready";
  }));
  ASSERT_TRUE(shows("Passcode:"));
  type(passcode);
  ASSERT_TRUE(signed_in());
  EXPECT_EQ(stage.card->pin_tries(), 3);
}

TEST_F(AgentOnATerminal, AsksAnewWhenTheServiceIsBackAfterTheAnswer) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("3 tries left"));
  ASSERT_EQ(stage.stop_daemon(), 0);
  type(passcode);
  ASSERT_TRUE(desktop_is_told("does not answer"));
  stage.start_daemon();
  ASSERT_TRUE(shows("3 tries left"));
  type(passcode);
  ASSERT_TRUE(signed_in());
}

TEST_F(AgentOnATerminal, EndsItsDialogWhenSomebodyElseSignedIn) {
  start_agent();
  stage.insert_and_wait();
  ASSERT_TRUE(shows("Passcode:"));
  ASSERT_EQ(stage.sign_in(passcode).status, 201);
  EXPECT_TRUE(eventually(seconds(10), [&] { return dialogs().empty(); }));
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(AgentOnATerminal, SaysWhenNothingLocksTheScreen) {
  start_agent();
  desktop.steer("ignore");
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  stage.pull();
  EXPECT_TRUE(desktop_is_told("The screen is not locked", seconds(5))) << desktop.output();
  EXPECT_EQ(desktop.output().find("TerminateSession"), std::string::npos);
}

TEST_F(AgentOnATerminal, EndsTheLoginWhenNothingLocksAndItIsToldTo) {
  start_agent("--on-no-locker end-session");
  desktop.steer("ignore");
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  stage.pull();
  EXPECT_TRUE(desktop_is_told("TerminateSession c1", seconds(5)));
}

TEST_F(AgentOnATerminal, LocksBeforeSleep) {
  start_agent();
  desktop.steer("sleep");
  EXPECT_TRUE(desktop_is_told("LockSession c1"));
  EXPECT_TRUE(desktop_is_told("may sleep"));
}

TEST_F(AgentOnATerminal, LocksALoginThatIsNotAtTheFrontAndWhatElseIsTheUsers) {
  start_agent();
  desktop.steer("ignore");
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  ASSERT_TRUE(desktop_is_told("Signed in"));
  desktop.steer("away");
  stage.pull();
  ASSERT_TRUE(desktop_is_told("LockSession c1"));
  EXPECT_TRUE(desktop_is_told("LockSession c2"));
  desktop.steer("here");
  EXPECT_TRUE(eventually(seconds(10), [&] {
    const auto all = desktop.output();
    const auto first = all.find("LockSession c1");
    return all.find("LockSession c1", first + 1) != std::string::npos;
  })) << "it came to the front unlocked";
  EXPECT_TRUE(desktop_is_told("The screen is not locked", seconds(5)));
  for (const char* other : {"LockSession c3", "LockSession c4"})
    EXPECT_EQ(desktop.output().find(other), std::string::npos) << other;
}

TEST_F(AgentOnATerminal, LooksWhetherTheDesktopAtTheFrontIsLockedWhicheverItIs) {
  start_agent();
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  ASSERT_TRUE(desktop_is_told("Signed in"));
  desktop.steer("other here");
  desktop.steer("ignore");
  stage.pull();
  ASSERT_TRUE(desktop_is_told("LockSession c2"));
  EXPECT_TRUE(desktop_is_told("The screen is not locked", seconds(5))) << desktop.output();
}

TEST_F(AgentOnATerminal, AsksForACardThatGoesInAsItStarts) {
  const auto lock = stage.dir / "cardgate-agent.lock";
  for (int i = 0; i < 6; ++i) {
    std::filesystem::remove(lock);
    if (i % 3 == 0) stage.insert();
    ASSERT_NO_FATAL_FAILURE(launch());
    if (i % 3 == 1) stage.insert();
    if (i % 3 == 2) {
      ASSERT_TRUE(eventually(seconds(10), [&] { return std::filesystem::exists(lock); }));
      stage.insert();
    }
    EXPECT_TRUE(shows("Passcode:")) << "run " << i;
    (void)tmux({"kill-server"});
    EXPECT_TRUE(eventually(seconds(10), [&] { return !runs(); }));
    stage.pull();
  }
}

TEST_F(AgentOnATerminal, EndsWithTheLastDesktopOfItsUser) {
  auto started = Process::start({"sh", "-c", command("< /dev/null", "DISPLAY=:99")});
  ASSERT_TRUE(started);
  ASSERT_TRUE(desktop_is_told("Type /c2")) << said();
  desktop.steer("other ends");
  EXPECT_FALSE((*started)->wait(std::chrono::milliseconds(500)));
  desktop.steer("ends");
  EXPECT_EQ((*started)->wait(seconds(10)), 0);
  EXPECT_NE(said().find("has ended, and the agent with it"), std::string::npos) << said();
}

TEST_F(AgentOnATerminal, BelievesAGreeterThatUnlocksTheLogin) {
  start_agent();
  desktop.steer("ignore");
  desktop.steer("sleep");
  ASSERT_TRUE(desktop_is_told("LockSession c1"));
  desktop.steer("away");
  ASSERT_TRUE(desktop_is_told("may sleep"));
  desktop.steer("here unlocked");
  EXPECT_FALSE(desktop_is_told("The screen is not locked", seconds(4)));
  const auto all = desktop.output();
  EXPECT_EQ(all.find("LockSession c1"), all.rfind("LockSession c1"));
}

TEST_F(AgentOnATerminal, WaitsForItsTurnWhileAnotherAgentOfTheUserAsks) {
  FileDescriptor asking(
      ::open((stage.dir / "cardgate-agent.asking").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(asking);
  ASSERT_EQ(::flock(asking.get(), LOCK_EX | LOCK_NB), 0);
  start_agent();
  stage.insert_and_wait();
  EXPECT_FALSE(shows("Passcode:", seconds(2)));
  EXPECT_TRUE(dialogs().empty());
  asking.reset();
  EXPECT_TRUE(shows("Passcode:"));
}

TEST_F(AgentOnATerminal, DoesNotAskInFrontOfALockedScreen) {
  start_agent();
  desktop.steer("locked");
  stage.insert_and_wait();
  EXPECT_TRUE(dialogs().empty());
  desktop.steer("unlocked");
  EXPECT_TRUE(shows("Passcode:"));
}

TEST_F(AgentOnATerminal, RunsOnceHoweverOftenItIsStarted) {
  start_agent();
  std::vector<std::unique_ptr<Process>> others;
  for (int i = 0; i < 20; ++i) {
    auto started = Process::start({"sh", "-c", command({})});
    ASSERT_TRUE(started);
    others.push_back(std::move(*started));
  }
  for (auto& each : others) EXPECT_EQ(each->wait(seconds(30)), 1);
  EXPECT_NE(said().find("An agent already runs"), std::string::npos);
  stage.insert();
  ASSERT_TRUE(shows("Passcode:"));
  EXPECT_EQ(dialogs().size(), 1U);
}

TEST_F(AgentOnATerminal, IsQuietWithoutADisplayOrATerminal) {
  auto started = Process::start({"sh", "-c", command("< /dev/null")});
  ASSERT_TRUE(started);
  EXPECT_TRUE(eventually(
      seconds(20), [&] { return said().find("neither a display nor a terminal") != std::string::npos; }));
  EXPECT_EQ((*started)->stop(), 0);
}

TEST_F(AgentOnATerminal, UnblocksACardWithItsUnblockingKey) {
  start_agent();
  stage.insert_and_wait();
  ASSERT_TRUE(shows("3 tries left"));
  type("000000");
  ASSERT_TRUE(shows("2 tries left"));
  type("000000");
  ASSERT_TRUE(desktop_is_told("take the card out"));
  stage.pull();
  stage.insert();
  ASSERT_TRUE(shows("Use the last try"));
  (void)tmux({"send-keys", "Enter"});
  ASSERT_TRUE(shows("Passcode:"));
  type("000000");
  ASSERT_TRUE(shows("The card is blocked"));
  EXPECT_EQ(stage.card->pin_tries(), 0);
  (void)tmux({"send-keys", "Enter"});
  ASSERT_TRUE(shows("Code or PUK:"));
  type("12345678");
  ASSERT_TRUE(shows("Choose a new passcode"));
  type("846275");
  ASSERT_TRUE(shows("again"));
  type("846275");
  ASSERT_TRUE(desktop_is_told("The card works again"));
  ASSERT_TRUE(shows("3 tries left"));
  type("846275");
  ASSERT_TRUE(signed_in());
  for (const char* secret : {"846275", passcode}) EXPECT_TRUE(is_wiped(secret));
}

TEST_F(AgentOnATerminal, ResumesALockedSessionInOnePrompt) {
  stage.with_core("lock");
  start_agent();
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  const auto token = stage.token_text();
  stage.pull();
  ASSERT_TRUE(desktop_is_told("LockSession c1"));
  EXPECT_FALSE(stage.is_active(token));
  stage.insert_and_wait();
  EXPECT_TRUE(dialogs().empty()) << "the screen is locked";
  desktop.steer("unlocked");  // by password
  ASSERT_TRUE(shows("Your session is locked"));
  type(passcode);
  EXPECT_TRUE(eventually(seconds(20), [&] { return stage.is_active(token); }));
  EXPECT_TRUE(desktop_is_told("Unlocked: Ada Example"));
  EXPECT_EQ(sessions(), 1U);
}

TEST_F(AgentOnATerminal, WhereTheCardMayGoItLocksNothingAndAsksForAFreshProof) {
  stage.with_core("keep 8h");
  start_agent();
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  const auto token = stage.token_text();
  stage.pull();
  ASSERT_TRUE(session_says("card_out"));
  EXPECT_TRUE(stage.is_active(token));
  EXPECT_EQ(stage.token("employee-self-service").error(), "step_up_required");
  ASSERT_TRUE(desktop_is_told("Your card is needed"));
  EXPECT_EQ(desktop.output().find("LockSession"), std::string::npos);
  stage.insert();
  ASSERT_TRUE(shows("still you"));
  EXPECT_TRUE(shows("employee-self-service"));
  type(passcode);
  EXPECT_TRUE(eventually(seconds(20), [&] { return stage.token("employee-self-service").status == 200; }));
  EXPECT_TRUE(stage.is_active(token)) << "the session is the same";
}

TEST_F(AgentOnATerminal, TellsTheServiceThatTheScreenIsLocked) {
  start_agent();
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  ASSERT_TRUE(desktop_is_told("Signed in"));
  desktop.steer("locked");
  EXPECT_TRUE(session_says("screen_locked"));
}

TEST_F(AgentOnATerminal, AsksForOneOfTwoCardsAtATime) {
  auto other = stage.personalisation;
  other.person = "Max Invented";
  auto data = simcard::personalise(*stage.ca, other);
  ASSERT_TRUE(data);
  simcard::Card second(std::move(*data));
  simcard::VpcdLink link(second, simcard::second_reader);
  start_agent();
  stage.insert_and_wait();
  ASSERT_TRUE(shows("Ada Example"));
  ASSERT_TRUE(link.insert());
  // It is nobody's here: told when Ada's dialog is over, and never asked about.
  EXPECT_TRUE(
      eventually(seconds(20), [&] { return !stage.card_status(testing::Pcscd::second_name).empty(); }));
  EXPECT_EQ(dialogs().size(), 1U);
  type(passcode);
  ASSERT_TRUE(signed_in());
  EXPECT_TRUE(desktop_is_told("This card is not registered here"));
  EXPECT_EQ(second.pin_tries(), 3);
  EXPECT_TRUE(dialogs().empty());
  link.pull();
}

TEST_F(AgentOnATerminal, ShowsTheGreeterToAnotherPerson) {
  auto other = stage.personalisation;
  other.person = "Max Invented";
  auto data = simcard::personalise(*stage.ca, other);
  ASSERT_TRUE(data);
  simcard::Card second(std::move(*data));
  const auto people = fmt::format(
      "people:\n  - {{id: \"2000\", name: Max Invented, employed_from: 2020-01-01, cards: [{{uuid: {}}}]}}\n",
      simcard::to_text(second.data().uuid));
  ASSERT_EQ(stage.import(people).status, 200);
  start_agent(fmt::format("--switch-user 'touch {}/greeter'", stage.dir.path().string()));
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  stage.pull();
  ASSERT_TRUE(desktop_is_told("LockSession c1"));
  simcard::VpcdLink link(second, simcard::second_reader);
  ASSERT_TRUE(link.insert());
  EXPECT_TRUE(eventually(seconds(20), [&] { return std::filesystem::exists(stage.dir / "greeter"); }))
      << said();
  EXPECT_EQ(sessions(), 0U);
  EXPECT_TRUE(dialogs().empty());
  link.pull();
}

TEST_F(AgentOnATerminal, LocksWhenTheReaderServiceIsGone) {
  start_agent();
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  stage.pcscd.stop();
  EXPECT_TRUE(desktop_is_told("LockSession c1"));
}

TEST_F(AgentOnATerminal, LocksWhenTheCardWentWhileTheServiceWasAway) {
  start_agent();
  ASSERT_NO_FATAL_FAILURE(sign_in_when_asked());
  ASSERT_TRUE(desktop_is_told("Signed in"));
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.link->pull();
  stage.start_daemon();
  EXPECT_TRUE(desktop_is_told("LockSession c1"));
}

TEST_F(AgentOnATerminal, EndsInOrderAndTakesItsDialogAlong) {
  start_agent();
  stage.insert();
  ASSERT_TRUE(shows("Passcode:"));
  const auto dialog = dialogs().front();
  ::kill(pid, SIGTERM);
  EXPECT_TRUE(eventually(seconds(5), [&] { return ::kill(dialog, 0) != 0; }));
  EXPECT_TRUE(eventually(seconds(5), [&] { return !runs(); }));
}

}  // namespace
}  // namespace cardgate
