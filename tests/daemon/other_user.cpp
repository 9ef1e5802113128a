// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/other_user.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace cardgate::testing {
namespace {

bool become(uid_t uid) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 && ::setresuid(uid, uid, uid) == 0;
}

}  // namespace

bool can_be_another_user() {
  const auto map = read_file("/proc/self/uid_map", 4096);
  return ::geteuid() == 0 && map && map->find("4294967295") != std::string::npos;
}

HttpAnswer as_user(uid_t uid, const std::function<HttpAnswer()>& ask) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!become(uid)) ::_exit(1);
    const auto answer = ask();
    const std::string text = fmt::format("{}\n{}", answer.status, answer.body);
    ::_exit(::write(pipe_ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(pipe_ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  HttpAnswer answer;
  if (const auto end = text.find('\n'); end != std::string::npos) {
    answer.status = std::stoi(text.substr(0, end));
    answer.body = text.substr(end + 1);
  }
  return answer;
}

Holder::Holder(uid_t uid, const std::filesystem::path& socket, int connections) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  child_ = ::fork();
  if (child_ == 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
    bool good = become(uid);
    for (int i = 0; good && i < connections; ++i) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      good = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    const char word = good ? 'y' : 'n';
    if (::write(pipe_ends[1], &word, 1) == 1) ::pause();
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  char word = 'n';
  EXPECT_EQ(::read(pipe_ends[0], &word, 1), 1);
  ::close(pipe_ends[0]);
  EXPECT_EQ(word, 'y') << "uid " << uid << " could not connect";
}

Holder::~Holder() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

}  // namespace cardgate::testing
