// SPDX-License-Identifier: Apache-2.0
// Programs that a test starts, watches and ends by their own pid; folders that vanish; waiting for what will
// come.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace cardgate::testing {

/// Polls until `predicate` is true or the deadline has passed; returns the predicate's last answer.
bool eventually(std::chrono::milliseconds deadline, const std::function<bool()>& predicate);

/// How often `text` stands in the writable memory of another process (root, or its own user). Throws when it
/// cannot be read: a search that sees nothing proves nothing.
std::size_t occurrences_in_memory(pid_t process, std::string_view text);

/// A new folder under $TMPDIR or /tmp, removed with its content. Its path is short enough for Unix sockets.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

struct ProcessOptions {
  std::filesystem::path directory;                               // working directory; empty: as the caller's
  std::vector<std::pair<std::string, std::string>> environment;  // added to the caller's own
  std::string input;  // given to standard input, which is then closed
};

/// One child process; its output and errors are collected together by a thread. Dies with the test
/// (PDEATHSIG).
class Process {
 public:
  /// argv[0] is searched in PATH. Errors: not_found, io.
  static Result<std::unique_ptr<Process>> start(std::vector<std::string> argv, ProcessOptions options = {});
  ~Process();  // SIGKILL when it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  /// Standard output and error so far, in the order they came.
  std::string output() const;
  /// Standard output alone.
  std::string standard_output() const;
  /// The first whole line (of either stream) that contains `text`, seen already or within the deadline.
  std::optional<std::string> wait_for_line(std::string_view text, std::chrono::milliseconds deadline);
  void signal(int number) const;
  /// Exit status (128 + signal when it was killed); nothing when it still runs after the deadline.
  std::optional<int> wait(std::chrono::milliseconds deadline);
  /// SIGTERM, then SIGKILL after the deadline; the exit status.
  int stop(std::chrono::milliseconds deadline = std::chrono::seconds(5));
  /// SIGKILL and reap.
  void kill();

 private:
  Process() = default;
  void collect();

  pid_t pid_ = -1;
  std::optional<int> status_;
  FileDescriptor pidfd_, output_, error_;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::string both_, standard_output_;
  bool closed_ = false;
  std::thread reader_;
};

struct Finished {
  int status = -1;
  std::string output;  // standard output
  std::string all;     // output and errors together
};
/// Runs a program to its end. Errors: not_found, io, timeout (killed then).
Result<Finished> run(std::vector<std::string> argv,
                     std::chrono::milliseconds deadline = std::chrono::seconds(30),
                     ProcessOptions options = {});

/// True when PATH has the program.
bool has_program(std::string_view name);

}  // namespace cardgate::testing
