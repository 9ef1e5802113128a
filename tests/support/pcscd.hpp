// SPDX-License-Identifier: Apache-2.0
// A pcscd of the test's own, with vpcd's two virtual readers.
//
// The test program must run through in-reader-namespace (cardgate_reader_test() sees to it): /run and the
// network are its own there, so nothing clashes with the machine's pcscd or with another test. One thread at
// a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "tests/support/process.hpp"

namespace cardgate::testing {

class Pcscd {
 public:
  static constexpr int most_readers = 16;  // that pcscd serves

  /// An even number of readers, 2 to most_readers; reader N listens on simcard::first_reader + N.
  explicit Pcscd(int readers = 2) : readers_(readers) {}
  /// From the next start on, the two readers call themselves so, in whatever bytes; " 00 00" and " 00 01" follow.
  void call_readers(std::string name) { called_ = std::move(name); }
  ~Pcscd();  // stops it
  Pcscd(const Pcscd&) = delete;
  Pcscd& operator=(const Pcscd&) = delete;

  /// True inside in-reader-namespace; start() refuses elsewhere.
  static bool in_namespace();
  /// True when vpcd is unpacked (script/bootstrap) and pcscd installed.
  static bool available();
  /// Folder with vpcd's reader configuration: $CARDGATE_VPCD, or the build tree's build/vpcd, +
  /// /reader.conf.d.
  static std::filesystem::path configuration();

  /// Returns when pcscd accepts clients and both readers listen. Errors: unavailable (with pcscd's last
  /// words), timeout.
  Result<void> start(std::chrono::milliseconds deadline = std::chrono::seconds(10));
  /// SIGTERM, then SIGKILL after the deadline.
  void stop(std::chrono::milliseconds deadline = std::chrono::seconds(5));
  /// SIGKILL: sockets and pid file stay behind, as after a crash.
  void kill();
  /// SIGSTOP and SIGCONT: as a machine that sleeps.
  void signal(int number) { process_->signal(number); }
  /// stop() and start().
  Result<void> restart();
  bool running() const { return process_ != nullptr; }
  /// What pcscd wrote so far.
  std::string log() const { return process_ ? process_->output() : last_log_; }

  // Names that pcscd gives to vpcd's readers, first_reader and second_reader.
  static constexpr const char* first_name = "Virtual PCD 00 00";
  static constexpr const char* second_name = "Virtual PCD 00 01";
  /// The name of reader 0 to most_readers - 1; the two above are the first.
  static std::string name_of(int reader);

 private:
  Result<std::filesystem::path> configure();

  int readers_;
  std::string called_;
  std::unique_ptr<TempDir> many_;  // configuration of more than two readers
  std::unique_ptr<Process> process_;
  std::string last_log_;
};

}  // namespace cardgate::testing
