// SPDX-License-Identifier: Apache-2.0
// Tokens a second: the real cardgated, signed in with a virtual card, asked over 1, 4, 16 and 64 keep-alive
// connections, beside a bare group commit of as many bytes on the same disk and beside MUNGE's `remunge -e`.
//
// The three take turns in short slices, so that a change of the machine's mood meets them alike; each figure
// is the median of its slices. The client is one thread that spends next to nothing on a request: it competes
// with the daemon for the processors. Runs inside in-reader-namespace; files are under $TMPDIR, which must be
// on a real disk.
#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/secret.hpp"
#include "tests/bench/bare_loop.hpp"
#include "tests/daemon/stage.hpp"

namespace {

using namespace cardgate;
using Steady = std::chrono::steady_clock;
using testing::Stage;

constexpr std::size_t connection_counts[] = {1, 4, 16, 64};

struct Settings {
  milliseconds slice{2000};
  int rounds = 3;
  bool hold = false;  // 16 connections, cardgated alone, for a profiler
};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

// --- the load client ---

struct Slice {
  double per_second = 0;
  std::vector<float> latencies;  // microseconds
};

class Client {
 public:
  explicit Client(const std::filesystem::path& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail("cannot connect to " + path.string());
  }
  int fd() const { return fd_.get(); }
  Steady::time_point asked() const { return asked_; }

  void ask(std::string_view request) {
    asked_ = Steady::now();
    if (::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      fail("the connection does not take a request");
  }
  /// True when the answer is whole. Throws when it is anything but 200.
  bool receive() {
    const auto count = ::recv(fd_.get(), buffer_ + have_, sizeof buffer_ - have_, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return false;
    if (count <= 0) fail("cardgated closed the connection");
    have_ += static_cast<std::size_t>(count);
    const std::string_view text(buffer_, have_);
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return false;
    static constexpr std::string_view field = "Content-Length: ";
    const auto at = text.find(field);
    std::size_t length = 0;
    if (at < head) std::from_chars(buffer_ + at + field.size(), buffer_ + head, length);
    if (have_ < head + 4 + length) return false;
    if (!text.starts_with("HTTP/1.1 200")) fail("cardgated answered: " + std::string(text));
    have_ = 0;
    return true;
  }

 private:
  FileDescriptor fd_;
  Steady::time_point asked_;
  char buffer_[8192];
  std::size_t have_ = 0;
};

constexpr std::string_view fresh_token = R"({"role":"core","audience":"esr","fresh":true})";
constexpr std::string_view same_token = R"({"role":"core","audience":"esr"})";

Slice load(const std::filesystem::path& socket, std::size_t connections, milliseconds duration,
           std::string_view body = fresh_token) {
  const std::string request = fmt::format(
      "POST /v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "{}\r\n\r\n{}",
      body.size(), body);
  std::vector<std::unique_ptr<Client>> clients;
  const FileDescriptor poll(::epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<Client>(socket));
    epoll_event event{EPOLLIN, {.ptr = clients.back().get()}};
    if (::epoll_ctl(poll.get(), EPOLL_CTL_ADD, clients.back()->fd(), &event) != 0) fail("epoll_ctl");
  }
  // The first round is not counted: connections are accepted and their peers attested in it.
  Slice slice;
  slice.latencies.reserve(1 << 18);
  bool warm = false;
  std::size_t in_flight = connections;
  auto began = Steady::now();
  auto until = began + duration;
  for (const auto& client : clients) client->ask(request);
  epoll_event events[64];
  while (in_flight > 0) {
    const int count = ::epoll_wait(poll.get(), events, 64, 10'000);
    if (count <= 0) fail("cardgated does not answer");
    for (int i = 0; i < count; ++i) {
      auto& client = *static_cast<Client*>(events[i].data.ptr);
      if (!client.receive()) continue;
      const auto now = Steady::now();
      if (warm)
        slice.latencies.push_back(std::chrono::duration<float, std::micro>(now - client.asked()).count());
      if (warm && now >= until) {
        --in_flight;
        continue;
      }
      if (!warm && --in_flight == 0) {
        warm = true;
        in_flight = connections;
        began = Steady::now();
        until = began + duration;
        for (const auto& each : clients) each->ask(request);
      } else if (warm) {
        client.ask(request);
      }
    }
  }
  const auto took = std::chrono::duration<double>(Steady::now() - began).count();
  slice.per_second = static_cast<double>(slice.latencies.size()) / took;
  return slice;
}

// --- what it is beside ---

double bare(const std::filesystem::path& directory, std::size_t waiters, std::size_t line_bytes,
            milliseconds duration) {
  bench::BareLoop loop(directory / "bare", line_bytes, false);
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> records = 0;
  std::vector<std::jthread> threads;
  const auto began = Steady::now();
  for (std::size_t i = 0; i < waiters; ++i) {
    threads.emplace_back([&] {
      std::size_t mine = 0;
      for (; !stop; ++mine) loop.append_and_wait();
      records += mine;
    });
  }
  std::this_thread::sleep_for(duration);
  stop = true;
  threads.clear();
  return static_cast<double>(records) / std::chrono::duration<double>(Steady::now() - began).count();
}

/// A munged of the benchmark's own, with its defaults.
class Munge {
 public:
  explicit Munge(const std::filesystem::path& directory) : socket_((directory / "munge.socket").string()) {
    if (!testing::has_program("remunge")) return;
    const auto file = [&](std::string_view name) { return (directory / name).string(); };
    if (!write_file_atomic(file("munge.key"), random_bytes(128), 0600)) fail("cannot write munge.key");
    auto started = testing::Process::start(
        {"/usr/sbin/munged", "--foreground", "--force", "--origin=127.0.0.1", "--socket=" + socket_,
         "--key-file=" + file("munge.key"), "--pid-file=" + file("munged.pid"),
         "--seed-file=" + file("munged.seed"), "--log-file=" + file("munged.log")});
    if (!started) fail(started.error().message());
    process_ = std::move(*started);
    if (!testing::eventually(seconds(10), [&] { return std::filesystem::exists(socket_); }))
      fail("munged does not start:\n" + process_->output());
  }
  /// Credentials a second; 0 without MUNGE.
  double encode(std::size_t threads, milliseconds duration) const {
    if (!process_) return 0;
    const auto whole = std::max<std::int64_t>(1, duration.count() / 1000);
    auto finished = testing::run({"remunge", "-q", "-e", "-S", socket_, "-T", std::to_string(threads), "-D",
                                  fmt::format("{}s", whole)});
    if (!finished || finished->status != 0)
      fail("remunge: " + (finished ? finished->all : finished.error().message()));
    return std::stod(finished->output);
  }

 private:
  std::string socket_;
  std::unique_ptr<testing::Process> process_;
};

// --- the table ---

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double percentile(std::vector<float>& values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, at);
  return static_cast<double>(*at) / 1000;
}

/// User and system time of all threads of a process, in seconds.
double cpu_seconds(pid_t pid) {
  auto* file = std::fopen(fmt::format("/proc/{}/stat", pid).c_str(), "re");
  if (file == nullptr) fail("no such process");
  unsigned long user = 0;
  unsigned long system = 0;
  const int found =
      std::fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  std::fclose(file);
  if (found != 2) fail("/proc/PID/stat cannot be read");
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t token_record_bytes(const Stage& stage) {
  if (!stage.audit_says(R"("event":"token")")) fail("no token in the audit log");
  const auto text = stage.audit_text();
  const auto begin = text.rfind('\n', text.find(R"("event":"token")"));
  return text.find('\n', begin + 1) - begin;
}

void run(const Settings& settings) {
  Stage stage;
  stage.audit_settings.clear();
  stage.limits =
      "limits: {tokens_per_session: 10000000, tokens_per_second: 1000000, requests_per_second: 1000000,\n"
      "         connections: 1024, connections_per_uid: 1024}\n";
  stage.up();
  stage.insert_and_wait();
  if (const auto answer = stage.sign_in(); answer.status / 100 != 2) fail("sign-in: " + answer.body);
  if (stage.token_text().empty()) fail("no token");
  const auto line_bytes = token_record_bytes(stage);
  if (settings.hold) {
    fmt::print("asking process {} over 16 connections for {} ms\n", stage.daemon->pid(),
               settings.slice.count());
    std::fflush(stdout);
    const auto slice = load(stage.socket, 16, settings.slice);
    fmt::print("{:.0f} tokens/s\n", slice.per_second);
    return;
  }
  const Munge munge(stage.dir.path());
  fmt::print("Tokens ({} bytes of audit record each; median of {} slices of {} ms; {} processors)\n\n",
             line_bytes, settings.rounds, settings.slice.count(), std::thread::hardware_concurrency());
  fmt::print(
      "| connections | bare group commit/s | tokens/s | p50 ms | p99 ms | CPU us/token | MUNGE/s | "
      "token/bare | token/MUNGE | the same again/s | CPU us | same/MUNGE |\n"
      "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  std::fflush(stdout);
  for (const auto connections : connection_counts) {
    std::vector<double> bares, tokens, munges, same;
    std::vector<float> latencies;
    double cpu = 0, same_cpu = 0, same_count = 0;
    for (int round = 0; round < settings.rounds; ++round) {
      bares.push_back(bare(stage.dir.path(), connections, line_bytes, settings.slice));
      const double before = cpu_seconds(stage.daemon->pid());
      const auto slice = load(stage.socket, connections, settings.slice);
      cpu += cpu_seconds(stage.daemon->pid()) - before;
      tokens.push_back(slice.per_second);
      latencies.insert(latencies.end(), slice.latencies.begin(), slice.latencies.end());
      const double between = cpu_seconds(stage.daemon->pid());
      const auto again = load(stage.socket, connections, settings.slice, same_token);
      same_cpu += cpu_seconds(stage.daemon->pid()) - between;
      same.push_back(again.per_second);
      same_count += static_cast<double>(again.latencies.size());
      munges.push_back(munge.encode(connections, settings.slice));
    }
    const double token = median(tokens);
    const double commit = median(bares);
    const double credential = median(munges);
    const double per_token = cpu / static_cast<double>(latencies.size()) * 1e6;
    const double repeated = median(same);
    fmt::print(
        "| {} | {:.0f} | {:.0f} | {:.2f} | {:.2f} | {:.0f} | {} | {:.0f} % | {} | {:.0f} | {:.0f} | {} |\n",
        connections, commit, token, percentile(latencies, 0.5), percentile(latencies, 0.99), per_token,
        credential > 0 ? fmt::format("{:.0f}", credential) : "not installed", 100 * token / commit,
        credential > 0 ? fmt::format("{:.0f} %", 100 * token / credential) : "-", repeated,
        same_cpu / same_count * 1e6,
        credential > 0 ? fmt::format("{:.0f} %", 100 * repeated / credential) : "-");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      settings.slice = milliseconds(1000);
      settings.rounds = 1;
    } else if (argument == "--hold") {
      settings.hold = true;
      settings.slice = seconds(10);
    } else {
      std::fputs(
          "bench_tokens [--quick | --hold]\n"
          "  --quick  one slice of a second each\n"
          "  --hold   16 connections for 10 s, nothing else: to look at cardgated with a profiler\n",
          stderr);
      return 2;
    }
  }
  try {
    run(settings);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_tokens: %s\n", failure.what());
    return 1;
  }
}
