// SPDX-License-Identifier: Apache-2.0
// The passcode prompt on a real pseudo-terminal.
#include "client/command/terminal.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "base/file.hpp"

namespace cardgate::client {
namespace {

constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/// A child whose terminal this test holds; it asks for a secret and exits with the number of its characters.
class Prompt {
 public:
  Prompt() {
    int master = -1;
    child_ = forkpty(&master, nullptr, nullptr, nullptr);
    if (child_ == 0) {
      // As a shell starts a program, whatever this test was started with.
      sigset_t none;
      sigemptyset(&none);
      sigprocmask(SIG_SETMASK, &none, nullptr);
      for (const int number : ending_signals) std::signal(number, SIG_DFL);
      auto secret = ask_secret("Passcode: ", 64);
      _exit(secret ? static_cast<int>(secret->size()) : 100);
    }
    master_ = FileDescriptor(master);
  }
  ~Prompt() {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
  }
  void type(std::string_view text) const {
    ASSERT_EQ(write(master_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// What the terminal has shown until `text` came, or until nothing comes any more.
  std::string shown_until(std::string_view text) {
    while (shown_.find(text) == std::string::npos) {
      pollfd waiting{master_.get(), POLLIN, 0};
      char piece[256];
      if (poll(&waiting, 1, 5000) <= 0) break;
      const auto count = read(master_.get(), piece, sizeof piece);
      if (count <= 0) break;
      shown_.append(piece, static_cast<std::size_t>(count));
    }
    return shown_;
  }
  bool echoes() const {
    termios now{};
    return tcgetattr(master_.get(), &now) == 0 && (now.c_lflag & ECHO) != 0;
  }
  void signal(int number) const { kill(child_, number); }
  int wait() {
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return status;
  }

 private:
  pid_t child_ = -1;
  FileDescriptor master_;
  std::string shown_;
};

TEST(AskSecret, TakesALineAndShowsNothingOfIt) {
  Prompt prompt;
  prompt.shown_until("Passcode: ");
  EXPECT_FALSE(prompt.echoes());
  prompt.type("864209\n");
  const auto shown = prompt.shown_until("\n");
  EXPECT_EQ(shown.find("864209"), std::string::npos);
  const int status = prompt.wait();
  EXPECT_EQ(WEXITSTATUS(status), 6);
  EXPECT_TRUE(prompt.echoes());
}

TEST(AskSecret, GivesTheTerminalBackWhenASignalEndsIt) {
  for (const int number : ending_signals) {
    Prompt prompt;
    prompt.shown_until("Passcode: ");
    prompt.type("8642");
    prompt.signal(number);
    const int status = prompt.wait();
    EXPECT_TRUE(WIFSIGNALED(status)) << number;
    EXPECT_EQ(WTERMSIG(status), number);
    EXPECT_TRUE(prompt.echoes()) << number;
  }
}

TEST(AskSecret, SaysWhenNothingIsGiven) {
  Prompt prompt;
  prompt.shown_until("Passcode: ");
  prompt.type("\x04");  // end of input
  EXPECT_EQ(WEXITSTATUS(prompt.wait()), 100);
  EXPECT_TRUE(prompt.echoes());
}

Result<Secret> read_from_pipe(std::string_view text, std::size_t max_bytes) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const FileDescriptor out(ends[0]);
  FileDescriptor in(ends[1]);
  EXPECT_EQ(write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  in.reset();
  return read_secret_line(out.get(), max_bytes);
}

TEST(ReadSecretLine, TakesOneLine) {
  EXPECT_EQ(read_from_pipe("864209\nmore", 64)->text(), "864209");
  EXPECT_EQ(read_from_pipe("864209\r\n", 64)->text(), "864209");
  EXPECT_EQ(read_from_pipe("864209", 6)->text(), "864209");
  EXPECT_EQ(read_from_pipe("8642091", 6).error().code, Errc::too_large);
  EXPECT_EQ(read_from_pipe("", 6).error().code, Errc::cancelled);
  EXPECT_TRUE(read_from_pipe("\n", 6)->empty());
  EXPECT_EQ(read_secret_line(999, 6).error().code, Errc::io);
}

}  // namespace
}  // namespace cardgate::client
