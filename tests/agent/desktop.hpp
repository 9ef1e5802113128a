// SPDX-License-Identifier: Apache-2.0
// A bus of the test's own, and what stands on it for logind and for a desktop's notifications (fake_desktop.cpp).
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/process.hpp"

namespace cardgate::testing {

class Desktop {
 public:
  explicit Desktop(const std::filesystem::path& folder) : address("unix:path=" + (folder / "bus").string()) {}

  void start() {
    auto started = Process::start(
        {"dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=" + address, "--print-address"});
    ASSERT_TRUE(started);
    bus = std::move(*started);
    ASSERT_TRUE(bus->wait_for_line("unix:", std::chrono::seconds(10)));
    started = Process::start({CARDGATE_FAKE_DESKTOP, address});
    ASSERT_TRUE(started);
    process = std::move(*started);
    ASSERT_TRUE(process->wait_for_line("ready", std::chrono::seconds(10))) << process->output();
  }
  /// Has something happen on it.
  void steer(const std::string& word) const {
    const auto done = run({CARDGATE_FAKE_DESKTOP, address, word}, std::chrono::seconds(10));
    ASSERT_TRUE(done);
    ASSERT_EQ(done->status, 0) << done->all;
  }
  bool is_told(std::string_view words, std::chrono::milliseconds patience) const {
    return process->wait_for_line(words, patience).has_value();
  }
  /// All that was done to it.
  std::string output() const { return process->output(); }

  const std::string address;

 private:
  std::unique_ptr<Process> bus, process;
};

}  // namespace cardgate::testing
