// SPDX-License-Identifier: Apache-2.0
// A real staff register in a folder of its own, for tests of what reads it in process. One thread.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "register/import/file.hpp"
#include "register/register.hpp"
#include "tests/support/process.hpp"

namespace cardgate::testing {

class WithRegister : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
    auto opened = reg::open_sqlite(dir / "register.db");
    ASSERT_TRUE(opened) << opened.error().message();
    staff = std::move(*opened);
  }
  /// A whole staff file in YAML, which must have no problem.
  void import(const std::string& text) {
    const auto file = reg::parse_import(text, "staff.yaml");
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_TRUE(file->problems.empty()) << file->problems.front().text;
    const auto report = staff->import(file->file);
    ASSERT_TRUE(report) << report.error().message();
    ASSERT_TRUE(report->problems.empty()) << report->problems.front().text;
  }

  TempDir dir;
  std::unique_ptr<reg::Register> staff;
  std::atomic<bool> stop = false;
};

}  // namespace cardgate::testing
