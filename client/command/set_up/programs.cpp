// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/programs.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/file.hpp"

namespace cardgate::client {
namespace {

constexpr std::size_t most_output = 4UL << 20;

/// Nothing of our own environment but where programs are: what it says must not depend on who calls.
char path_entry[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
char language_entry[] = "LC_ALL=C.UTF-8";
char debconf_entry[] = "DEBIAN_FRONTEND=noninteractive";

Result<pid_t> start_program(const std::vector<std::string>& command, int output, bool all) {
  posix_spawn_file_actions_t files;
  if (const int failed = ::posix_spawn_file_actions_init(&files); failed != 0)
    return errno_error(command.front(), failed);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  if (all)
    ::posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  else
    ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<char*, 4> environment{path_entry, language_entry, debconf_entry, nullptr};
  pid_t child = -1;
  const int failed =
      ::posix_spawn(&child, words.front().c_str(), &files, nullptr, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return errno_error(command.front(), failed);
  return child;
}

Result<std::string> read_output(int from, const std::string& what) {
  std::string out;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(what, errno);
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > most_output)
      return Error{Errc::too_large, what + ": said too much"};
    out.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<Ran> run_program(const std::vector<std::string>& command, bool all) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error(command.front(), errno);
  const FileDescriptor ours(ends[0]);
  FileDescriptor theirs(ends[1]);
  const pid_t child = TRY(start_program(command, theirs.get(), all));
  theirs.reset();
  auto output = read_output(ours.get(), command.front());
  if (!output) ::kill(child, SIGTERM);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno_error(command.front(), errno);
  }
  if (!output) return output.error();
  constexpr int ended_by_signal = 128;
  return Ran{WIFEXITED(status) ? WEXITSTATUS(status) : ended_by_signal + WTERMSIG(status),
             std::move(*output)};
}

}  // namespace cardgate::client
