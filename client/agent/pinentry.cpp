// SPDX-License-Identifier: Apache-2.0
#include "client/agent/pinentry.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/file.hpp"
#include "client/agent/assuan.hpp"

extern char** environ;

namespace cardgate::agent {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

constexpr std::size_t longest_typed = 256;
constexpr milliseconds patience_to_go{1000};

/// Starts the program with `talk` as its input and output, and with no signal blocked or ignored. The process, or -1.
pid_t spawn(const std::string& program, int talk) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  if (::posix_spawn_file_actions_init(&files) != 0) return -1;
  if (::posix_spawnattr_init(&how) != 0) {
    ::posix_spawn_file_actions_destroy(&files);
    return -1;
  }
  ::posix_spawn_file_actions_adddup2(&files, talk, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, talk, STDOUT_FILENO);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&how, &none);
  ::posix_spawnattr_setsigdefault(&how, &all);
  ::posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = program;
  char* argv[] = {name.data(), nullptr};
  pid_t pid = -1;
  if (::posix_spawnp(&pid, name.c_str(), &files, &how, argv, environ) != 0) pid = -1;
  ::posix_spawnattr_destroy(&how);
  ::posix_spawn_file_actions_destroy(&files);
  return pid;
}

}  // namespace

Pinentry::Pinentry(boost::asio::io_context& io, Setting setting)
    : io_(io), setting_(std::move(setting)), talk_(io), end_(io), patience_(io, [this] {
        if (pid_ > 0) ::kill(pid_, SIGKILL);
      }) {}

Pinentry::~Pinentry() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  // It has a moment to give the terminal back as it was.
  for (int i = 0; i < 100; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0) return;
    ::usleep(10'000);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Pinentry::ask(const Prompt& prompt, Done done) {
  done_ = std::move(done);
  ++dialog_;
  lines_ = dialog_lines(prompt, setting_.tty, setting_.terminal_type, setting_.patience);
  next_ = 0;
  greeted_ = false;
  answer_.reset();
  input_ = Secret(2 * longest_assuan_line);
  typed_ = Secret(longest_typed);
  input_size_ = typed_size_ = 0;
  if (start()) return;
  answer_ = Answer::failed;
  boost::asio::post(io_, [this] { finish(); });
}

bool Pinentry::start() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  FileDescriptor ours(pair[0]);
  const FileDescriptor theirs(pair[1]);
  pid_ = spawn(setting_.program, theirs.get());
  if (pid_ < 0) return false;
  FileDescriptor end(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!end || ::fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    return false;
  }
  talk_.assign(ours.release());
  end_.assign(end.release());
  read();
  wait_for_end();
  return true;
}

void Pinentry::close() {
  if (pid_ <= 0) return;
  conclude(Answer::closed);
  // Closing its input alone does not close the window.
  ::kill(pid_, SIGTERM);
}

void Pinentry::read() {
  talk_.async_wait(Descriptor::wait_read, [this, dialog = dialog_](const boost::system::error_code& failure) {
    if (failure || answer_ || dialog != dialog_) return;  // concluded
    const auto room = input_.bytes().subspan(input_size_);
    const auto count = ::read(talk_.native_handle(), room.data(), room.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      read();
      return;
    }
    if (count <= 0) {  // gone without an answer, or it says too much
      conclude(Answer::failed);
      ::kill(pid_, SIGTERM);
      return;
    }
    input_size_ += static_cast<std::size_t>(count);
    take_lines();
    if (!answer_) read();
  });
}

void Pinentry::take_lines() {
  while (!answer_) {
    const auto text = input_.text().substr(0, input_size_);
    const auto end = text.find('\n');
    if (end == std::string_view::npos) break;
    take_line(text.substr(0, end));
    auto bytes = input_.bytes();
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(end + 1),
              bytes.begin() + static_cast<std::ptrdiff_t>(input_size_), bytes.begin());
    input_size_ -= end + 1;
  }
  if (answer_) input_.clear();
}

void Pinentry::take_line(std::string_view line) {
  const bool asked = next_ == lines_.size();  // the question is out
  if (line.starts_with("D ")) {
    if (!asked || !take_data(line.substr(2), typed_, typed_size_)) conclude(Answer::failed);
  } else if (line == "OK" || line.starts_with("OK ")) {
    if (!std::exchange(greeted_, true) || !asked) {
      send_next();
    } else {
      conclude(Answer::given);
    }
  } else if (line.starts_with("ERR ")) {
    // An option that this pinentry does not know is not needed.
    if (!greeted_) {
      conclude(Answer::failed);
    } else if (asked) {
      conclude(answer_of_error(line.substr(4)));
    } else {
      send_next();
    }
  }  // else: a comment, or a status line
}

void Pinentry::send_next() {
  if (next_ >= lines_.size()) return conclude(Answer::failed);
  const auto line = lines_[next_++] + "\n";
  // A dialog's lines always fit into the socket.
  if (::send(talk_.native_handle(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size()))
    conclude(Answer::failed);
}

/// The dialog is decided; what is left is that its process goes.
void Pinentry::conclude(Answer answer) {
  if (answer_) return;
  answer_ = answer;
  boost::system::error_code ignored;
  talk_.close(ignored);
  patience_.set(BootClock::now() + patience_to_go);
}

void Pinentry::wait_for_end() {
  end_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& failure) {
    if (failure) return;
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    // It may have answered just before.
    while (!answer_ && input_size_ < input_.size()) {
      const auto room = input_.bytes().subspan(input_size_);
      const auto count = ::read(talk_.native_handle(), room.data(), room.size());
      if (count <= 0) break;
      input_size_ += static_cast<std::size_t>(count);
      take_lines();
    }
    finish();
  });
}

void Pinentry::finish() {
  boost::system::error_code ignored;
  talk_.close(ignored);
  end_.close(ignored);
  patience_.set(std::nullopt);
  input_.clear();
  ++dialog_;
  const auto answer = answer_.value_or(Answer::failed);
  Secret typed = std::move(typed_);
  if (answer == Answer::given) {
    Secret exact(BytesView(typed.bytes()).first(typed_size_));
    typed = std::move(exact);
  } else {
    typed.clear();
  }
  const auto done = std::exchange(done_, nullptr);
  done(answer, std::move(typed));
}

}  // namespace cardgate::agent
