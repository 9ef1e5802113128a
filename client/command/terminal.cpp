// SPDX-License-Identifier: Apache-2.0
#include "client/command/terminal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
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

/// While it lives, a signal arrives in wait_for_input() alone, and is remembered instead of acting: one that
/// came between a look at last_signal and the read after it would leave the read waiting for ever.
class HeldSignals {
 public:
  HeldSignals() {
    last_signal = 0;
    sigset_t held;
    sigemptyset(&held);
    for (const int number : caught_signals) {
      // These two come from our own calls on the terminal, which would go on, or fail, were they blocked.
      if (number != SIGTTIN && number != SIGTTOU) sigaddset(&held, number);
    }
    sigprocmask(SIG_BLOCK, &held, &mask_before_);
    struct sigaction action{};
    action.sa_handler = remember_signal;  // without SA_RESTART
    for (std::size_t i = 0; i < caught_signals.size(); ++i)
      sigaction(caught_signals[i], &action, &before_[i]);
  }
  ~HeldSignals() {
    // In this order: one that came too late to be remembered acts as it would have before.
    for (std::size_t i = 0; i < caught_signals.size(); ++i)
      sigaction(caught_signals[i], &before_[i], nullptr);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  const sigset_t& mask_before() const { return mask_before_; }

 private:
  sigset_t mask_before_{};
  std::array<struct sigaction, caught_signals.size()> before_{};
};

/// Until `fd` can be read, or a signal came. `mask` is the signals that stay blocked meanwhile; null leaves
/// them as they are.
bool wait_for_input(int fd, const sigset_t* mask) {
  pollfd waiting{fd, POLLIN, 0};
  return ppoll(&waiting, 1, nullptr, mask) > 0;
}

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
Result<Secret> read_line(int fd, std::size_t max_bytes, const sigset_t* mask) {
  Secret buffer(max_bytes + 1);
  std::size_t size = 0;
  for (;;) {
    char c = 0;
    const auto count = wait_for_input(fd, mask) ? read(fd, &c, 1) : -1;
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
        if (!silence->works() && last_signal == 0)
          return Error{Errc::io, "the terminal cannot be kept from showing the passcode"};
      }
      if (last_signal == 0) {
        if (write(tty.get(), prompt.data(), prompt.size()) < 0) return errno_error("/dev/tty", errno);
        line = read_line(tty.get(), max_bytes, &held.mask_before());
      }
      signal_number = last_signal;
      if (signal_number != 0 && write(tty.get(), "\n", 1) < 0) return errno_error("/dev/tty", errno);
    }
    if (signal_number == 0) return *std::move(line);  // no signal: it was read
    line.reset();                                     // wiped before the signal acts
    if (raise(signal_number) != 0) return errno_error("raising a signal", errno);
    const bool stopped = signal_number == SIGTSTP || signal_number == SIGTTIN || signal_number == SIGTTOU;
    if (!stopped) return Error{Errc::cancelled, "interrupted"};  // the signal was ignored before
  }
}

}  // namespace

bool has_terminal() {
  return static_cast<bool>(FileDescriptor(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
}

std::size_t terminal_width(int fd) {
  constexpr std::size_t otherwise = 80;
  winsize size{};
  if (::isatty(fd) == 0 || ::ioctl(fd, TIOCGWINSZ, &size) != 0) return otherwise;
  return size.ws_col > 0 ? size.ws_col : otherwise;
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
  return read_line(fd, max_bytes, nullptr);
}

}  // namespace cardgate::client
