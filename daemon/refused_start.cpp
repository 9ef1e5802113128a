// SPDX-License-Identifier: Apache-2.0
#include "daemon/refused_start.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/file.hpp"
#include "base/secret.hpp"
#include "daemon/http/message.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t largest_request = 65536;

/// One caller: what was asked is read so that the answer is not lost with it, and is not looked at.
void answer(int caller, const std::string& text) {
  const timeval moment{.tv_sec = 0, .tv_usec = 100'000};
  ::setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
  ::setsockopt(caller, SOL_SOCKET, SO_SNDTIMEO, &moment, sizeof moment);
  std::string asked(largest_request, '\0');
  (void)::recv(caller, asked.data(), asked.size(), 0);
  wipe(asked);  // it may hold a passcode
  (void)::send(caller, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace

StartExit exit_of(const Error& refusal) {
  switch (refusal.code) {
    case Errc::already_exists:  // another one holds the state directory, and may be about to end
    case Errc::io:
    case Errc::no_space:
    case Errc::timeout:
    case Errc::unavailable:
    case Errc::internal:
      return exit_start_failed;
    default:
      return exit_start_refused;
  }
}

void turn_away(const std::vector<int>& listening, const std::string& detail,
               std::chrono::milliseconds patience) {
  if (listening.empty()) return;
  const auto response = problem(503, "not_started", detail);
  const std::string text = head_of(response, false) + response.body;
  std::vector<pollfd> waiting;
  for (const int socket : listening) waiting.push_back({socket, POLLIN, 0});
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) < 0) return;
    for (const auto& socket : waiting) {
      if ((socket.revents & POLLIN) == 0) continue;
      const FileDescriptor caller(::accept4(socket.fd, nullptr, nullptr, SOCK_CLOEXEC));
      if (caller) answer(caller.get(), text);
    }
  }
}

}  // namespace cardgate::daemon
