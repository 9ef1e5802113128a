// SPDX-License-Identifier: Apache-2.0
// Tokens a second: the real cardgated, signed in with a virtual card, asked over 1, 4, 16 and 64 keep-alive
// connections for tokens of each kind, and about them, beside a bare group commit of as many bytes on the same disk, MUNGE
// (`remunge -e` and `-d`) and the signatures of ssh-agent. And what a flood does to somebody else.
//
// They take turns in short slices, so that a change of the machine's mood meets them alike; each figure
// is the median of its slices. The client is one thread that spends next to nothing on a request: it competes
// with the daemon for the processors. Runs inside in-reader-namespace; files are under $TMPDIR, which must be
// on a real disk.
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
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
#include "tests/support/unix_socket.hpp"

namespace {

using namespace cardgate;
using Steady = std::chrono::steady_clock;
using testing::Stage;

constexpr std::size_t connection_counts[] = {1, 4, 16, 64};

struct Settings {
  milliseconds slice{2000};
  int rounds = 3;
  // 64 connections that ask for this, cardgated alone, for a profiler: jwt, reference, same or verify.
  std::string hold;
  std::size_t together = 1;
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

  void ask(std::string_view requests, std::size_t together) {
    asked_ = Steady::now();
    waiting_ += together;
    if (::send(fd_.get(), requests.data(), requests.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(requests.size()))
      fail("the connection does not take a request");
  }
  bool has_all() const { return waiting_ == 0; }
  /// So many answers came whole. Throws when one is anything but 200.
  std::size_t receive() {
    const auto count = ::recv(fd_.get(), buffer_ + have_, sizeof buffer_ - have_, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) fail("cardgated closed the connection");
    have_ += static_cast<std::size_t>(count);
    std::size_t answers = 0;
    for (std::size_t size = 0; (size = first_answer()) > 0; ++answers) {
      have_ -= size;
      std::memmove(buffer_, buffer_ + size, have_);
    }
    waiting_ -= answers;
    return answers;
  }

 private:
  /// Its bytes; 0: it is not whole.
  std::size_t first_answer() const {
    const std::string_view text(buffer_, have_);
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    static constexpr std::string_view field = "Content-Length: ";
    const auto at = text.find(field);
    std::size_t length = 0;
    if (at < head) std::from_chars(buffer_ + at + field.size(), buffer_ + head, length);
    if (have_ < head + 4 + length) return 0;
    if (!text.starts_with("HTTP/1.1 20")) fail("cardgated answered: " + std::string(text));
    return head + 4 + length;
  }

  FileDescriptor fd_;
  Steady::time_point asked_;
  std::size_t waiting_ = 0;  // for so many answers
  char buffer_[32768];
  std::size_t have_ = 0;
};

constexpr std::string_view fresh_token = R"({"role":"core","audience":"esr","fresh":true})";
constexpr std::string_view same_token = R"({"role":"core","audience":"esr"})";

std::string token_request(std::string_view body) {
  return fmt::format(
      "POST /v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "{}\r\n\r\n{}",
      body.size(), body);
}
std::string verify_request(std::string_view token) {
  return fmt::format(
      "GET /v1/verify?audience=esr&role=core HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
      token);
}
std::string introspect_request(std::string_view token) {
  return fmt::format(
      "POST /v1/introspect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: {}\r\n\r\ntoken={}",
      token.size() + 6, token);
}

/// A closed loop: each connection asks again, `together` times by one write, when it has all its answers.
Slice load(const std::filesystem::path& socket, std::size_t connections, milliseconds duration,
           const std::string& request, std::size_t together = 1) {
  std::string requests;
  for (std::size_t i = 0; i < together; ++i) requests += request;
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
  std::size_t in_flight = connections * together;
  auto began = Steady::now();
  auto until = began + duration;
  for (const auto& client : clients) client->ask(requests, together);
  epoll_event events[64];
  while (in_flight > 0) {
    const int count = ::epoll_wait(poll.get(), events, 64, 10'000);
    if (count <= 0) fail("cardgated does not answer");
    for (int i = 0; i < count; ++i) {
      auto& client = *static_cast<Client*>(events[i].data.ptr);
      const auto answers = client.receive();
      if (answers == 0) continue;
      const auto now = Steady::now();
      in_flight -= answers;
      if (warm) {
        slice.latencies.insert(slice.latencies.end(), answers,
                               std::chrono::duration<float, std::micro>(now - client.asked()).count());
        if (now < until && client.has_all()) {
          client.ask(requests, together);
          in_flight += together;
        }
      } else if (in_flight == 0) {
        warm = true;
        in_flight = connections * together;
        began = Steady::now();
        until = began + duration;
        for (const auto& each : clients) each->ask(requests, together);
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
  /// Credentials a second, made (`-e`), or made and checked (`-d`); 0 without MUNGE.
  double rate(const char* what, std::size_t threads, milliseconds duration) const {
    if (!process_) return 0;
    const auto whole = std::max<std::int64_t>(1, duration.count() / 1000);
    auto finished = testing::run({"remunge", "-q", what, "-S", socket_, "-T", std::to_string(threads), "-D",
                                  fmt::format("{}s", whole)});
    if (!finished || finished->status != 0)
      fail("remunge: " + (finished ? finished->all : finished.error().message()));
    return std::stod(finished->output);
  }

 private:
  std::string socket_;
  std::unique_ptr<testing::Process> process_;
};

/// Signatures a second of an ssh-agent of the benchmark's own, by one Ed25519 key (draft-miller-ssh-agent).
class SshAgent {
 public:
  explicit SshAgent(const std::filesystem::path& directory) : socket_(directory / "agent.sock") {
    if (!testing::has_program("ssh-agent") || !testing::has_program("ssh-keygen")) return;
    const auto key = (directory / "agent.key").string();
    auto made = testing::run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key});
    auto started = testing::Process::start({"ssh-agent", "-D", "-a", socket_.string()});
    if (!made || made->status != 0 || !started) fail("ssh-agent does not start");
    process_ = std::move(*started);
    if (!testing::eventually(seconds(10), [&] { return std::filesystem::exists(socket_); }))
      fail("ssh-agent does not start");
    ::setenv("SSH_AUTH_SOCK", socket_.c_str(), 1);
    if (const auto added = testing::run({"ssh-add", "-q", key}); !added || added->status != 0)
      fail("ssh-add: " + (added ? added->all : added.error().message()));
    const auto text = read_file(key + ".pub", 4096);
    const auto first = text->find(' ') + 1;
    blob_ = decoded(text->substr(first, text->find(' ', first) - first));
  }
  double rate(std::size_t connections, milliseconds duration) const {
    if (!process_) return 0;
    const std::string data(400, 'x');
    std::string request;
    put(request, static_cast<std::uint32_t>(1 + 4 + blob_.size() + 4 + data.size() + 4));
    request.push_back(13);  // SSH_AGENTC_SIGN_REQUEST
    put(request, static_cast<std::uint32_t>(blob_.size()));
    request += blob_;
    put(request, static_cast<std::uint32_t>(data.size()));
    request += data;
    put(request, 0);
    std::atomic<bool> stop = false;
    std::atomic<std::size_t> count = 0;
    std::vector<std::jthread> threads;
    const auto began = Steady::now();
    for (std::size_t i = 0; i < connections; ++i) {
      threads.emplace_back([&] {
        const auto fd = testing::connect_to(socket_);
        char answer[512];
        for (; !stop; ++count) {
          if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0 ||
              ::recv(fd.get(), answer, sizeof answer, 0) < 5 || answer[4] != 14)
            return;
        }
      });
    }
    std::this_thread::sleep_for(duration);
    stop = true;
    threads.clear();
    return static_cast<double>(count) / std::chrono::duration<double>(Steady::now() - began).count();
  }

 private:
  static void put(std::string& to, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<char>(number >> shift));
  }
  /// base64 with padding, which the key's file has.
  static std::string decoded(std::string text) {
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (text.ends_with('=')) text.pop_back();
    const auto bytes = from_base64url(text);
    if (!bytes) fail("the key's file of ssh-keygen cannot be read");
    return std::string(as_text(*bytes));
  }
  std::filesystem::path socket_;
  std::string blob_;
  std::unique_ptr<testing::Process> process_;
};

// --- the tables ---

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double percentile(std::vector<float>& values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, at);
  return static_cast<double>(*at) / 1000;
}

/// User and system time of the thread that serves, and of all others, in seconds.
struct Cpu {
  double serving = 0, others = 0;
};
Cpu cpu_of(pid_t pid) {
  Cpu out;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    auto* file = std::fopen((task.path() / "stat").c_str(), "re");
    if (file == nullptr) continue;  // it has ended
    unsigned long user = 0;
    unsigned long system = 0;
    const int found =
        std::fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    std::fclose(file);
    if (found != 2) continue;
    const double time = static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    (task.path().filename() == std::to_string(pid) ? out.serving : out.others) += time;
  }
  return out;
}

std::size_t token_record_bytes(const Stage& stage) {
  if (!stage.audit_says(R"("event":"token")")) fail("no token in the audit log");
  const auto text = stage.audit_text();
  const auto begin = text.rfind('\n', text.find(R"("event":"token")"));
  return text.find('\n', begin + 1) - begin;
}

/// The service with one kind of tokens, and somebody signed in.
std::unique_ptr<Stage> stage_with(const std::string& format, const std::string& algorithm) {
  auto stage = std::make_unique<Stage>();
  stage->audit_settings.clear();
  stage->format = format;
  stage->limits = fmt::format(
      "limits: {{tokens_per_session: 10000000, tokens_per_second: 1000000, requests_per_second: 1000000,\n"
      "         connections: 1024, connections_per_uid: 1024}}\ntokens: {{algorithm: {}}}\n",
      algorithm);
  stage->up();
  stage->insert_and_wait();
  if (const auto answer = stage->sign_in(); answer.status / 100 != 2) fail("sign-in: " + answer.body);
  if (stage->token_text().empty()) fail("no token");
  return stage;
}

struct Measured {
  std::vector<double> rates;
  std::vector<float> latencies;
  Cpu cpu;
  std::size_t count = 0;

  void add(const Stage& stage, std::size_t connections, milliseconds slice, const std::string& request,
           std::size_t together) {
    const Cpu before = cpu_of(stage.daemon->pid());
    auto one = load(stage.socket, connections, slice, request, together);
    const Cpu after = cpu_of(stage.daemon->pid());
    cpu.serving += after.serving - before.serving;
    cpu.others += after.others - before.others;
    count += one.latencies.size();
    rates.push_back(one.per_second);
    latencies.insert(latencies.end(), one.latencies.begin(), one.latencies.end());
  }
  double per(double time) const { return time / static_cast<double>(count) * 1e6; }
};

std::string ratio(double part, double whole) {
  return whole > 0 ? fmt::format("{:.2f}", part / whole) : "-";
}

void measure(const std::string& title, const Stage& stage, const Settings& settings, const Munge& munge,
             const SshAgent& agent, bool with_questions) {
  const auto line_bytes = token_record_bytes(stage);
  fmt::print("\n{} ({} bytes of audit record each)\n\n", title, line_bytes);
  fmt::print(
      "| what | connections | a second | p50 ms | p99 ms | CPU us: serving | log and others | MUNGE/s | of "
      "MUNGE | "
      "ssh-agent/s | bare group commit/s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  const auto token = stage.token_text();
  struct Kind {
    const char* name;
    std::string request;
    const char* munge;
    std::size_t together = 1;
  };
  std::vector<Kind> kinds{{"a new token", token_request(fresh_token), "-e"},
                          {"new tokens, eight by one write", token_request(fresh_token), "-e", 8},
                          {"the same again", token_request(same_token), "-e"},
                          {"the same, eight by one write", token_request(same_token), "-e", 8}};
  if (with_questions) {
    kinds.push_back({"verify", verify_request(token), "-d"});
    kinds.push_back({"introspect", introspect_request(token), "-d"});
  }
  for (const auto& kind : kinds) {
    for (const auto connections : connection_counts) {
      Measured measured;
      std::vector<double> munges, agents, bares;
      for (int round = 0; round < settings.rounds; ++round) {
        measured.add(stage, connections, settings.slice, kind.request, kind.together);
        munges.push_back(munge.rate(kind.munge, connections, settings.slice));
        if (&kind != &kinds.front()) continue;
        agents.push_back(agent.rate(connections, settings.slice));
        bares.push_back(bare(stage.dir.path(), connections, line_bytes, settings.slice));
      }
      const double rate = median(measured.rates);
      const double credentials = median(munges);
      fmt::print("| {} | {} | {:.0f} | {:.2f} | {:.2f} | {:.0f} | {:.0f} | {:.0f} | {} | {} | {} |\n",
                 kind.name, connections, rate, percentile(measured.latencies, 0.5),
                 percentile(measured.latencies, 0.99), measured.per(measured.cpu.serving),
                 measured.per(measured.cpu.others), credentials, ratio(rate, credentials),
                 agents.empty() ? "" : fmt::format("{:.0f}", median(agents)),
                 bares.empty() ? "" : fmt::format("{:.0f}", median(bares)));
      std::fflush(stdout);
    }
  }
}

/// Latencies of one connection of another uid, which asks for the status.
std::vector<float> as_another_uid(const std::filesystem::path& socket, milliseconds duration) {
  int ends[2];
  if (::pipe(ends) != 0) fail("pipe");
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    ::close(ends[0]);
    if (::setgroups(0, nullptr) != 0 || ::setresgid(65533, 65533, 65533) != 0 ||
        ::setresuid(65533, 65533, 65533) != 0)
      ::_exit(1);
    try {
      const auto slice = load(socket, 1, duration, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const auto bytes = slice.latencies.size() * sizeof(float);
      std::size_t sent = 0;
      while (sent < bytes) {
        const auto count =
            ::write(ends[1], reinterpret_cast<const char*>(slice.latencies.data()) + sent, bytes - sent);
        if (count <= 0) ::_exit(1);
        sent += static_cast<std::size_t>(count);
      }
      ::_exit(0);
    } catch (const std::exception&) {
      ::_exit(1);
    }
  }
  ::close(ends[1]);
  std::vector<float> out;
  float one = 0;
  FILE* in = ::fdopen(ends[0], "r");
  while (std::fread(&one, sizeof one, 1, in) == 1) out.push_back(one);
  std::fclose(in);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0 || out.empty()) fail("the other user got no answers");
  return out;
}

void measure_flood(const Stage& stage, const Settings& settings) {
  std::filesystem::permissions(stage.dir.path(), std::filesystem::perms(0711));
  fmt::print(
      "\nOne connection of another user that asks for the status, beside one user's flood of new tokens\n\n"
      "| flood: connections | p50 ms | p99 ms |\n|--:|--:|--:|\n");
  for (const std::size_t connections : {0UL, 16UL, 64UL, 256UL}) {
    std::vector<float> latencies;
    if (connections == 0) {
      latencies = as_another_uid(stage.socket, settings.slice);
    } else {
      std::jthread flood(
          [&] { load(stage.socket, connections, settings.slice + seconds(1), token_request(fresh_token)); });
      std::this_thread::sleep_for(milliseconds(500));
      latencies = as_another_uid(stage.socket, settings.slice);
    }
    fmt::print("| {} | {:.2f} | {:.2f} |\n", connections, percentile(latencies, 0.5),
               percentile(latencies, 0.99));
    std::fflush(stdout);
  }
}

void run(const Settings& settings) {
  if (!settings.hold.empty()) {
    const auto stage = stage_with(settings.hold == "reference" ? "reference" : "jwt", "EdDSA");
    const auto request = settings.hold == "same"     ? token_request(same_token)
                         : settings.hold == "verify" ? verify_request(stage->token_text())
                                                     : token_request(fresh_token);
    fmt::print("asking process {} over 64 connections for {} ms\n", stage->daemon->pid(),
               settings.slice.count());
    std::fflush(stdout);
    const auto slice = load(stage->socket, 64, settings.slice, request, settings.together);
    fmt::print("{:.0f} a second\n", slice.per_second);
    return;
  }
  fmt::print("Tokens (median of {} slices of {} ms; {} processors)\n", settings.rounds,
             settings.slice.count(), std::thread::hardware_concurrency());
  const testing::TempDir rivals;
  const Munge munge(rivals.path());
  const SshAgent agent(rivals.path());
  {
    const auto stage = stage_with("jwt", "EdDSA");
    measure("JWT, EdDSA", *stage, settings, munge, agent, true);
    measure_flood(*stage, settings);
  }
  measure("JWT, ES256", *stage_with("jwt", "ES256"), settings, munge, agent, false);
  measure("Reference tokens", *stage_with("reference", "EdDSA"), settings, munge, agent, true);
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
    } else if (argument == "--hold" && i + 1 < argc) {
      settings.hold = argv[++i];
      settings.slice = seconds(10);
    } else if (argument == "--together" && i + 1 < argc) {
      settings.together = std::stoul(argv[++i]);
    } else {
      std::fputs(
          "bench_tokens [--quick | --hold jwt|reference|same|verify [--together N]]\n"
          "  --quick  one slice of a second each\n"
          "  --hold   64 connections for 10 s, nothing else: to look at cardgated with a profiler; N "
          "requests\n"
          "           by one write\n",
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
