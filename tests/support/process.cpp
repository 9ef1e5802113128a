// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace cardgate::testing {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::filesystem::path find_in_path(std::string_view name) {
  if (name.find('/') != std::string_view::npos)
    return ::access(std::string(name).c_str(), X_OK) == 0 ? name : "";
  const char* variable = std::getenv("PATH");
  // pcscd and nginx live in sbin, which an ordinary user's PATH leaves out.
  std::string path = std::string(variable != nullptr ? variable : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const auto candidate = std::filesystem::path(path.substr(begin, end - begin)) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

Result<std::pair<FileDescriptor, FileDescriptor>> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  return std::pair{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> child_environment(const ProcessOptions& options) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    bool replaced = false;
    for (const auto& [key, value] : options.environment) replaced = replaced || text.starts_with(key + "=");
    if (!replaced) result.emplace_back(text);
  }
  for (const auto& [key, value] : options.environment) result.push_back(key + "=" + value);
  return result;
}

// Only async-signal-safe calls: the parent may have threads.
[[noreturn]] void become(const char* program, char* const* argv, char* const* environment,
                         const char* directory, int in, int out, int err, pid_t parent, int failure) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == parent && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1 && ::dup2(err, 2) == 2 &&
      (directory[0] == '\0' || ::chdir(directory) == 0)) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    ::execve(program, argv, environment);
  }
  const int number = errno;
  if (::write(failure, &number, sizeof number) < 0) _exit(126);
  _exit(127);
}

void give_input(FileDescriptor pipe, std::string_view input) {
  // A child that does not read must not end the test with SIGPIPE.
  struct sigaction ignore{};
  struct sigaction before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  while (!input.empty()) {
    const ssize_t count = ::write(pipe.get(), input.data(), input.size());
    if (count < 0 && errno != EINTR) break;
    if (count > 0) input.remove_prefix(static_cast<std::size_t>(count));
  }
  ::sigaction(SIGPIPE, &before, nullptr);
}

/// Those of the addresses from `from` to `to` that hold something: a page that was never written to holds nothing, takes long to read,
/// and under a sanitizer there are a million of them. proc_pid_pagemap(5).
std::vector<std::pair<std::uint64_t, std::uint64_t>> used_pages(const FileDescriptor& pagemap,
                                                                std::uint64_t from, std::uint64_t to) {
  constexpr std::uint64_t present_or_swapped = 3ULL << 62;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> entries((to - from) / page);
  const auto bytes = entries.size() * sizeof(std::uint64_t);
  const auto at = static_cast<off_t>(from / page * sizeof(std::uint64_t));
  if (::pread(pagemap.get(), entries.data(), bytes, at) != static_cast<ssize_t>(bytes)) return {{from, to}};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if ((entries[i] & present_or_swapped) == 0) continue;
    const std::uint64_t begin = from + i * page;
    if (out.empty() || out.back().second != begin) out.emplace_back(begin, begin);
    out.back().second = begin + page;
  }
  return out;
}

}  // namespace

bool eventually(milliseconds deadline, const std::function<bool()>& predicate) {
  const auto end = steady_clock::now() + deadline;
  while (!predicate()) {
    if (steady_clock::now() >= end) return predicate();
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

bool has_program(std::string_view name) {
  return !find_in_path(name).empty();
}

std::size_t occurrences_in_memory(pid_t process, std::string_view text) {
  const std::string proc = "/proc/" + std::to_string(process);
  const auto maps = read_file(proc + "/maps", 16 << 20);
  const FileDescriptor memory(::open((proc + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  const FileDescriptor pages(::open((proc + "/pagemap").c_str(), O_RDONLY | O_CLOEXEC));
  if (!maps || !memory || !pages)
    throw std::runtime_error("the memory of process " + std::to_string(process) + " is closed");
  std::size_t found = 0;
  std::size_t looked_at = 0;
  std::istringstream lines(*maps);
  for (std::string line; std::getline(lines, line);) {
    unsigned long long from = 0;
    unsigned long long to = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s", &from, &to, mode) != 3 || mode[0] != 'r' || mode[1] != 'w')
      continue;
    if (to - from > (256ULL << 20)) continue;  // a sanitizer's shadow, or a stack that was only reserved
    for (const auto& [begin, end] : used_pages(pages, from, to)) {
      std::vector<char> bytes(end - begin);
      const auto count = ::pread(memory.get(), bytes.data(), bytes.size(), static_cast<off_t>(begin));
      if (count <= 0) continue;
      bytes.resize(static_cast<std::size_t>(count));
      looked_at += bytes.size();
      for (const char* at = bytes.data(); at != nullptr;) {
        const auto left = static_cast<std::size_t>(bytes.data() + bytes.size() - at);
        at = static_cast<const char*>(::memmem(at, left, text.data(), text.size()));
        if (at == nullptr) break;
        ++found;
        ++at;
      }
    }
  }
  if (looked_at < (1U << 18)) throw std::runtime_error("hardly any memory could be read");
  return found;
}

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/cg.XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;  // what cannot be removed is left to the system's own cleaning of /tmp
  std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<Process>> Process::start(std::vector<std::string> argv, ProcessOptions options) {
  if (argv.empty()) return Error(Errc::invalid_argument, "no program named");
  const auto program = find_in_path(argv[0]);
  if (program.empty()) return Error(Errc::not_found, argv[0] + ": no such program in PATH");
  auto in = TRY(make_pipe());
  auto out = TRY(make_pipe());
  auto err = TRY(make_pipe());
  auto failure = TRY(make_pipe());
  auto environment = child_environment(options);
  const auto arguments = pointers(argv);
  const auto variables = pointers(environment);
  const std::string directory = options.directory.string();
  const pid_t parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) return errno_error("fork", errno);
  if (pid == 0)
    become(program.c_str(), arguments.data(), variables.data(), directory.c_str(), in.first.get(),
           out.second.get(), err.second.get(), parent, failure.second.get());

  std::unique_ptr<Process> self(new Process);
  self->pid_ = pid;
  self->pidfd_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  self->output_ = std::move(out.first);
  self->error_ = std::move(err.first);
  in.first.reset();
  out.second.reset();
  err.second.reset();
  failure.second.reset();
  int number = 0;
  ssize_t count = 0;
  do count = ::read(failure.first.get(), &number, sizeof number);
  while (count < 0 && errno == EINTR);
  if (count > 0) return errno_error(program.string() + ": cannot start", number);
  self->reader_ = std::thread([raw = self.get()] { raw->collect(); });
  give_input(std::move(in.second), options.input);
  return self;
}

Process::~Process() {
  kill();
  if (reader_.joinable()) reader_.join();
}

void Process::collect() {
  std::array<pollfd, 2> watched{pollfd{output_.get(), POLLIN, 0}, pollfd{error_.get(), POLLIN, 0}};
  std::array<char, 4096> buffer{};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (::poll(watched.data(), watched.size(), 100) < 0 && errno != EINTR) break;
    bool idle = true;
    for (auto& one : watched) {
      if (one.fd < 0 || one.revents == 0) continue;
      const ssize_t count = ::read(one.fd, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      idle = false;
      const std::lock_guard lock(mutex_);
      if (count <= 0) {
        one.fd = -1;
      } else {
        both_.append(buffer.data(), static_cast<std::size_t>(count));
        if (&one == watched.data()) standard_output_.append(buffer.data(), static_cast<std::size_t>(count));
      }
      arrived_.notify_all();
    }
    // A grandchild may hold the pipes open for longer than the child lives; then what is there is all there
    // is.
    if (idle) {
      const std::lock_guard lock(mutex_);
      if (status_) break;
    }
  }
  const std::lock_guard lock(mutex_);
  closed_ = true;
  arrived_.notify_all();
}

std::string Process::output() const {
  const std::lock_guard lock(mutex_);
  return both_;
}

std::string Process::standard_output() const {
  const std::lock_guard lock(mutex_);
  return standard_output_;
}

std::optional<std::string> Process::wait_for_line(std::string_view text, milliseconds deadline) {
  std::optional<std::string> found;
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, deadline, [&] {
    const std::size_t at = both_.find(text);
    const std::size_t end = at == std::string::npos ? at : both_.find('\n', at);
    if (at != std::string::npos && (end != std::string::npos || closed_)) {
      const std::size_t newline = at == 0 ? std::string::npos : both_.rfind('\n', at - 1);
      const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
      found = both_.substr(begin, end == std::string::npos ? end : end - begin);
    }
    return found.has_value() || closed_;
  });
  return found;
}

void Process::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

std::optional<int> Process::wait(milliseconds deadline) {
  if (!status_) {
    pollfd watched{pidfd_.get(), POLLIN, 0};
    const auto end = steady_clock::now() + deadline;
    int ready = 0;
    do {
      const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
      ready = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return std::nullopt;
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
    const std::lock_guard lock(mutex_);
    status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  if (reader_.joinable()) reader_.join();
  return status_;
}

int Process::stop(milliseconds deadline) {
  signal(SIGTERM);
  if (const auto status = wait(deadline)) return *status;
  kill();
  return status_.value_or(-1);
}

void Process::kill() {
  if (pid_ <= 0 || status_) return;
  ::kill(pid_, SIGKILL);
  wait(std::chrono::seconds(10));
}

Result<Finished> run(std::vector<std::string> argv, milliseconds deadline, ProcessOptions options) {
  const std::string name = argv.empty() ? "" : argv[0];
  auto process = TRY(Process::start(std::move(argv), std::move(options)));
  const auto status = process->wait(deadline);
  if (!status) {
    process->kill();
    return Error(Errc::timeout, name + " did not end in time: " + process->output());
  }
  return Finished{*status, process->standard_output(), process->output()};
}

}  // namespace cardgate::testing
