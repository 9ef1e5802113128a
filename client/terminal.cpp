// SPDX-License-Identifier: Apache-2.0
#include "client/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/file.hpp"

namespace cardgate::client {
namespace {

constexpr std::array caught_signals{SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGTSTP,
                                    SIGTTIN, SIGTTOU, SIGPIPE, SIGALRM};
// A handler can reach nothing but a global.
volatile sig_atomic_t last_signal = 0;
extern "C" void remember_signal(int number) {
  last_signal = number;
}

/// While it lives, a signal interrupts a read and is remembered instead of acting.
class HeldSignals {
 public:
  HeldSignals() {
    last_signal = 0;
    struct sigaction action{};
    action.sa_handler = remember_signal;  // without SA_RESTART
    for (std::size_t i = 0; i < caught_signals.size(); ++i)
      sigaction(caught_signals[i], &action, &before_[i]);
  }
  ~HeldSignals() {
    for (std::size_t i = 0; i < caught_signals.size(); ++i)
      sigaction(caught_signals[i], &before_[i], nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  std::array<struct sigaction, caught_signals.size()> before_{};
};

/// While it lives, the terminal does not show what is typed.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd) {
    if (tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL | ICANON;
    changed_ = tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~Silence() {
    // Interrupted by a signal that is held: the terminal must get its echo back all the same.
    while (changed_ && tcsetattr(fd_, TCSAFLUSH, &before_) != 0 && errno == EINTR && last_signal != SIGTTOU) {
    }
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  bool works() const { return changed_; }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

/// Up to a line end or the end of input. Errors: cancelled (end of input at once, or a held signal),
/// too_large, io.
Result<Secret> read_line(int fd, std::size_t max_bytes) {
  Secret buffer(max_bytes + 1);
  std::size_t size = 0;
  for (;;) {
    char c = 0;
    const auto count = read(fd, &c, 1);
    if (count < 0 && errno == EINTR && last_signal == 0) continue;
    if (count < 0 && errno == EINTR) return Error{Errc::cancelled, "interrupted"};
    if (count < 0) return errno_error("reading the secret", errno);
    if (count == 0 && size == 0) return Error{Errc::cancelled, "nothing was given"};
    if (count == 0 || c == '\n') break;
    if (size == max_bytes)
      return Error{Errc::too_large, fmt::format("more than {} characters were given", max_bytes)};
    buffer.bytes()[size++] = static_cast<std::uint8_t>(c);
    wipe(&c, 1);
  }
  if (size > 0 && buffer.bytes()[size - 1] == '\r') --size;
  return Secret(BytesView(buffer.bytes()).first(size));
}

Result<Secret> ask_at_terminal(std::string_view prompt, std::size_t max_bytes, bool echo) {
  for (;;) {
    int signal_number = 0;
    std::optional<Result<Secret>> line;
    {
      const FileDescriptor tty(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
      if (!tty) return Error{Errc::not_found, "there is no terminal to ask at"};
      const HeldSignals held;
      std::optional<Silence> silence;
      if (!echo) {
        silence.emplace(tty.get());
        if (!silence->works())
          return Error{Errc::io, "the terminal cannot be kept from showing the passcode"};
      }
      if (write(tty.get(), prompt.data(), prompt.size()) < 0) return errno_error("/dev/tty", errno);
      line = read_line(tty.get(), max_bytes);
      signal_number = last_signal;
      if (signal_number != 0 && write(tty.get(), "\n", 1) < 0) return errno_error("/dev/tty", errno);
    }
    if (signal_number == 0) return *std::move(line);
    line.reset();  // wiped before the signal acts
    if (raise(signal_number) != 0) return errno_error("raising a signal", errno);
    const bool stopped = signal_number == SIGTSTP || signal_number == SIGTTIN || signal_number == SIGTTOU;
    if (!stopped) return Error{Errc::cancelled, "interrupted"};  // the signal was ignored before
  }
}

}  // namespace

void forbid_dumps() {
  const rlimit none{0, 0};
  // Best effort: the secret's own pages are left out of dumps in any case.
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

bool has_terminal() {
  return static_cast<bool>(FileDescriptor(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
}

Result<Secret> ask_secret(std::string_view prompt, std::size_t max_bytes) {
  return ask_at_terminal(prompt, max_bytes, false);
}

Result<std::string> ask(std::string_view prompt, std::size_t max_bytes) {
  const auto line = TRY(ask_at_terminal(prompt, max_bytes, true));
  return std::string(line.text());
}

Result<Secret> read_secret_line(int fd, std::size_t max_bytes) {
  last_signal = 0;
  return read_line(fd, max_bytes);
}

}  // namespace cardgate::client
