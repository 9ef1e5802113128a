// SPDX-License-Identifier: Apache-2.0
#include "client/command/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>

namespace cardgate::client {

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return text;
}

std::string bar_text(std::uint64_t done, std::uint64_t of) {
  constexpr std::uint64_t width = 30;
  const std::uint64_t shown = of == 0 ? 0 : std::min(done, of);
  const auto filled = of == 0 ? 0 : static_cast<std::size_t>(shown * width / of);
  return fmt::format("[{}{}] {} % ({} of {})", std::string(filled, '='), std::string(width - filled, ' '),
                     of == 0 ? 0 : shown * 100 / of, with_commas(shown), with_commas(of));
}

Progress::Progress(std::function<std::string()> line) {
  if (::isatty(STDERR_FILENO) == 0) return;
  thread_ = std::jthread([line = std::move(line)](const std::stop_token& stop) {
    constexpr auto between = std::chrono::milliseconds(250);
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, stop, between, [] { return false; }) && !stop.stop_requested()) {
      fmt::print(stderr, "\r\x1b[K{}", line());
      std::fflush(stderr);
    }
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  });
}

}  // namespace cardgate::client
