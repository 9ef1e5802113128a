// SPDX-License-Identifier: Apache-2.0
#include "tests/audit/fixture.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace cardgate::audit {

SigningKey test_key(std::uint8_t fill) {
  return SigningKey::from_seed(Bytes(32, fill)).value();
}

Record sign_in(const std::string& person) {
  return {
      .event = "sign_in", .person = person, .client = "uid 1000", .details = {{"reader", "Desk reader 00"}}};
}

Files read_files(const std::filesystem::path& directory) {
  Files out;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    out[entry.path().filename().string()] = text.str();
  }
  return out;
}

void write_files(const std::filesystem::path& directory, const Files& files) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directory(directory);
  for (const auto& [name, content] : files) {
    std::ofstream(directory / name, std::ios::binary) << content;
  }
}

AuditTest::AuditTest() {
  // In memory where there is such a place: thousands of small logs are written here, and kill -9 spares the
  // page cache.
  const bool memory = ::access("/dev/shm", W_OK) == 0;
  const auto base = memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  std::string name = (base / "cardgate-audit-XXXXXX").string();
  root = ::mkdtemp(name.data());
  options.directory = root / "log";
  options.segment_bytes = 32768;
  options.retry_after = milliseconds(0);
}

AuditTest::~AuditTest() {
  std::filesystem::remove_all(root);
}

Result<std::unique_ptr<Log>> AuditTest::try_open(std::uint8_t key) {
  return Log::open(options, test_key(key), clock);
}

std::unique_ptr<Log> AuditTest::open() {
  auto log = try_open();
  EXPECT_TRUE(log) << log.error().message();
  return log ? std::move(*log) : nullptr;
}

void AuditTest::append(Log& log, int count) {
  for (int i = 1; i <= count; ++i) {
    const auto done = log.append_and_wait(sign_in("P" + std::to_string(i)));
    ASSERT_TRUE(done) << done.error().message();
  }
}

void AuditTest::write_log(int count) {
  const auto log = open();
  ASSERT_TRUE(log);
  append(*log, count);
}

Report AuditTest::verify_log() const {
  auto report = verify(options.directory, test_key().public_key());
  EXPECT_TRUE(report) << report.error().message();
  return report ? *report : Report{};
}

std::vector<std::string> AuditTest::segments() const {
  std::vector<std::string> out;
  for (const auto& [name, content] : read_files(options.directory)) {
    if (name.ends_with(".jsonl")) out.push_back(name);
  }
  return out;
}

std::vector<std::string> AuditTest::people() const {
  std::vector<std::string> out;
  const auto walked = for_each(options.directory, [&](const json::object& record, std::string_view) {
    if (record.at("event") == "sign_in") out.emplace_back(record.at("person").as_string());
    return true;
  });
  EXPECT_TRUE(walked) << walked.error().message();
  return out;
}

std::vector<std::string> AuditTest::event_names() const {
  std::vector<std::string> out;
  const auto walked = for_each(options.directory, [&](const json::object& record, std::string_view) {
    out.emplace_back(record.at("event").as_string());
    return true;
  });
  EXPECT_TRUE(walked) << walked.error().message();
  return out;
}

}  // namespace cardgate::audit
