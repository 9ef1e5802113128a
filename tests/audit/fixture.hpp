// SPDX-License-Identifier: Apache-2.0
// A small language for stories about logs: a directory of its own, a known key, a clock that the test turns.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audit/log.hpp"
#include "audit/reader.hpp"
#include "audit/verify.hpp"
#include "tests/support/sanitized.hpp"

namespace cardgate::audit {

/// Of every place in a file, or every length of it: under a sanitizer all of them took minutes.
inline constexpr std::size_t place_step = under_sanitizer ? 5 : 1;

/// The test turns it while the log's thread reads it.
class FixedClock : public Clock {
 public:
  struct Turned {
    std::atomic<WallTime> at;
    operator WallTime() const { return at; }  // NOLINT: it is read as the time that it is
    void operator+=(milliseconds by) { at = at.load() + by; }
  };
  WallTime wall() const override { return now; }
  BootTime boot() const override { return {}; }
  Turned now{WallTime(
      std::chrono::sys_days(Date(std::chrono::year(2026), std::chrono::month(3), std::chrono::day(2))) +
      std::chrono::hours(9))};
};

/// The key whose seed is 32 bytes of `fill`.
SigningKey test_key(std::uint8_t fill = 7);
Record sign_in(const std::string& person);

using Files = std::map<std::string, std::string>;  // name -> content
Files read_files(const std::filesystem::path& directory);
void write_files(const std::filesystem::path& directory, const Files& files);

class AuditTest : public testing::Test {
 protected:
  AuditTest();
  ~AuditTest() override;

  std::unique_ptr<Log> open();
  Result<std::unique_ptr<Log>> try_open(std::uint8_t key = 7);
  /// Opens, appends `count` records for P1, P2, ..., closes.
  void write_log(int count);
  /// Appends to an open log, waiting for each.
  static void append(Log& log, int count);
  Report verify_log() const;
  std::vector<std::string> segments() const;
  /// The `person` of every record of event sign_in, in order.
  std::vector<std::string> people() const;
  std::vector<std::string> event_names() const;
  std::filesystem::path path(const std::string& name) const { return options.directory / name; }
  std::string newest() const { return segments().back(); }

  std::filesystem::path root;
  Options options;
  FixedClock clock;
};

}  // namespace cardgate::audit
