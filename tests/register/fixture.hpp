// SPDX-License-Identifier: Apache-2.0
// A register in a folder of its own, and files of staff for it. Everybody here is invented.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/crypto.hpp"
#include "register/credentials.hpp"
#include "register/register.hpp"

namespace cardgate::reg {

/// Tight enough that a test reaches each bound.
inline constexpr ThrottleRules throttle_rules{.free_failures = 5,
                                              .first_wait = seconds(30),
                                              .longest_wait = std::chrono::minutes(15),
                                              .uid_failures = 50,
                                              .uid_period = std::chrono::hours(1),
                                              .account_failures = 100,
                                              .enrolments = 6,
                                              .remembered = std::chrono::hours(24),
                                              .marks = 200};

inline Date date(std::string_view text) {
  return parse_date(text).value();
}

/// A folder that only its owner may enter, gone with the test.
class Folder {
 public:
  Folder() : path_(std::filesystem::path(testing::TempDir()) / ("cardgate_register_" + random_id())) {
    std::filesystem::create_directories(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file() const { return path_ / "register.db"; }

 private:
  std::filesystem::path path_;
};

inline std::unique_ptr<Register> open(const std::filesystem::path& file) {
  auto opened = open_sqlite(file);
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().context);
  return opened ? std::move(*opened) : nullptr;
}

inline std::vector<std::string> texts(const std::vector<ImportProblem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(std::to_string(problem.line) + ": " + problem.text);
  return out;
}

inline ImportReport import_csv(Register& staff, std::string_view table, const ImportOptions& options = {}) {
  auto parsed = parse_import_csv(table, "staff.csv");
  EXPECT_THAT(texts(parsed.problems), testing::IsEmpty());
  auto report = staff.import(parsed.file, options);
  EXPECT_TRUE(report) << (report ? "" : report.error().context);
  return report ? std::move(*report) : ImportReport{};
}

/// Parses and imports; a test that expects bad lines looks at them itself.
inline ImportReport import(Register& staff, std::string_view yaml) {
  auto parsed = parse_import(yaml, "staff.yaml");
  EXPECT_TRUE(parsed) << parsed.error().context;
  EXPECT_THAT(texts(parsed->problems), testing::IsEmpty());
  auto report = staff.import(parsed->file);
  EXPECT_TRUE(report) << (report ? "" : report.error().context);
  return report ? std::move(*report) : ImportReport{};
}

inline std::vector<std::string> problems_of(std::string_view yaml) {
  auto parsed = parse_import(yaml, "staff.yaml");
  if (!parsed) return {"refused: " + parsed.error().context};
  EXPECT_EQ(parsed->file.complete, parsed->problems.empty());
  return texts(parsed->problems);
}

}  // namespace cardgate::reg
