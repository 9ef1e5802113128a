// SPDX-License-Identifier: Apache-2.0
// How long a token lives after its card was pulled, under full token load: from the moment at which a plain
// SCardGetStatusChange listener hears of it to the moment at which introspection says inactive, and at which
// a listener of GET /v1/events is told. Both wait for the same pcscd in the same run, so pcscd's own slowness
// (the virtual reader is looked at every 0.4 s) is in neither. Runs inside in-reader-namespace; files are
// under $TMPDIR, on a real disk.
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <winscard.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <thread>

#include "base/file.hpp"
#include "base/secret.hpp"
#include "tests/daemon/stage.hpp"

namespace {

using namespace cardgate;
using Steady = std::chrono::steady_clock;
using testing::Stage;

constexpr int loaders = 4;  // connections that ask for tokens all the time

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

/// One keep-alive connection; blocking.
class Connection {
 public:
  explicit Connection(const std::filesystem::path& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("cannot connect to " + path.string());
  }
  int fd() const { return fd_.get(); }
  void send(std::string_view request) {
    if (::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      fail("the connection does not take a request");
  }
  /// More of what comes; false at its end.
  bool more() {
    char piece[4096];
    const auto count = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (count <= 0) return false;
    buffer_.append(piece, static_cast<std::size_t>(count));
    return true;
  }
  /// The body of the next answer.
  std::string answer() {
    for (;;) {
      const auto head = buffer_.find("\r\n\r\n");
      if (head != std::string::npos) {
        std::size_t length = 0;
        const auto at = buffer_.find("Content-Length: ");
        if (at != std::string::npos && at < head)
          std::from_chars(buffer_.data() + at + 16, buffer_.data() + buffer_.size(), length);
        if (buffer_.size() >= head + 4 + length) {
          std::string body = buffer_.substr(head + 4, length);
          buffer_.erase(0, head + 4 + length);
          return body;
        }
      }
      if (!more()) fail("cardgated closed the connection");
    }
  }
  std::string& buffer() { return buffer_; }

 private:
  FileDescriptor fd_;
  std::string buffer_;
};

std::string post(std::string_view target, std::string_view type, std::string_view body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", target, type,
      body.size(), body);
}

/// Waits, in its own context, until the reader is empty.
Steady::time_point plain_removal() {
  SCARDCONTEXT context = 0;
  if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context) != SCARD_S_SUCCESS)
    fail("no pcscd");
  SCARD_READERSTATE state{};
  state.szReader = Stage::reader;
  state.dwCurrentState = SCARD_STATE_UNAWARE;
  for (;;) {
    const LONG status = SCardGetStatusChange(context, 1500, &state, 1);
    const auto now = Steady::now();
    if (status != SCARD_S_SUCCESS && status != SCARD_E_TIMEOUT) fail("SCardGetStatusChange");
    if ((state.dwEventState & SCARD_STATE_EMPTY) != 0) {
      SCardReleaseContext(context);
      return now;
    }
    state.dwCurrentState = state.dwEventState & ~static_cast<DWORD>(SCARD_STATE_CHANGED);
  }
}

struct Sample {
  double inactive_ms, told_ms;
};

Sample one_removal(Stage& stage, std::atomic<int>& loads) {
  stage.insert_and_wait();
  if (const auto in = stage.sign_in(); in.status != 201) fail("sign-in: " + in.body);
  const auto token = stage.token_text();
  const auto introspect = post("/v1/introspect", "application/x-www-form-urlencoded", "token=" + token);

  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < loaders; ++i) {
    threads.emplace_back([&] {
      Connection connection(stage.socket);
      const auto ask =
          post("/v1/token", "application/json", R"({"role":"core","audience":"esr","fresh":true})");
      while (!over) {
        connection.send(ask);
        if (connection.answer().find("access_token") != std::string::npos) ++loads;
      }
    });
  }
  std::optional<Steady::time_point> inactive;
  threads.emplace_back([&] {
    Connection connection(stage.socket);
    while (!inactive) {
      connection.send(introspect);
      if (connection.answer().find("\"active\":false") != std::string::npos) inactive = Steady::now();
    }
  });
  std::optional<Steady::time_point> told;
  Connection events(stage.socket);
  events.send("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while (events.buffer().find("\r\n\r\n") == std::string::npos && events.more()) {
  }
  threads.emplace_back([&] {
    while (events.buffer().find("card_removed") == std::string::npos && events.more()) {
    }
    told = Steady::now();
  });
  std::optional<Steady::time_point> plain;
  threads.emplace_back([&] { plain = plain_removal(); });
  std::this_thread::sleep_for(milliseconds(200));  // the load runs, and the plain listener listens
  stage.link->pull();
  for (std::size_t i = loaders; i < threads.size(); ++i) threads[i].join();
  over = true;
  for (int i = 0; i < loaders; ++i) threads[static_cast<std::size_t>(i)].join();
  const auto ms = [&](Steady::time_point at) {
    return std::chrono::duration<double, std::milli>(at - *plain).count();
  };
  return {ms(*inactive), ms(*told)};
}

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  const int rounds = argc > 1 && std::string_view(argv[1]) == "--quick" ? 15 : 100;
  try {
    Stage stage;
    stage.limits =
        "limits: {tokens_per_second: 1000000, requests_per_second: 1000000, sign_ins_per_minute: 100000, "
        "tokens_per_session: 10000000}\n";
    stage.up();
    std::atomic<int> loads = 0;
    const auto began = Steady::now();
    std::vector<double> inactive, told;
    for (int i = 0; i < rounds; ++i) {
      const auto sample = one_removal(stage, loads);
      inactive.push_back(sample.inactive_ms);
      told.push_back(sample.told_ms);
    }
    const double time = std::chrono::duration<double>(Steady::now() - began).count();
    fmt::print(
        "Card pulled, {} times, while {} connections ask for tokens ({} issued in {:.0f} s, most of it "
        "between the loads). "
        "Milliseconds after a plain SCardGetStatusChange listener heard of it; below 0: before\n\n"
        "| | p50 | p90 | p99 | worst |\n|---|--:|--:|--:|--:|\n",
        rounds, loaders, loads.load(), time);
    for (const auto& [name, values] : {std::pair{"token inactive at introspection", &inactive},
                                       std::pair{"told to a listener of /v1/events", &told}}) {
      fmt::print("| {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n", name, quantile(*values, 0.5),
                 quantile(*values, 0.9), quantile(*values, 0.99), *std::ranges::max_element(*values));
    }
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_removal: %s\n", failure.what());
    return 1;
  }
}
