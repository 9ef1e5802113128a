// SPDX-License-Identifier: Apache-2.0
// The worked example of docs/audit-format.md is what the code writes, and it verifies.
#include <gmock/gmock.h>

#include "audit/record.hpp"
#include "base/file.hpp"
#include "tests/audit/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::audit {
namespace {

class AuditFormatDoc : public AuditTest {
 protected:
  static std::string document() { return read_file(source_file("docs/audit-format.md"), 1 << 20).value(); }
  /// The text of the fenced block that follows the marker.
  static std::string block(const std::string& text, const std::string& marker) {
    const std::size_t start = text.find("\n", text.find("```", text.find(marker))) + 1;
    return text.substr(start, text.find("```", start) - start);
  }
  void write_example() {
    const auto log = open();
    ASSERT_TRUE(log);
    clock.now += std::chrono::milliseconds(1250);
    ASSERT_TRUE(log->append_and_wait({.event = "sign_in",
                                      .person = "AB123",
                                      .client = "uid 1000, unit esr-desktop.service",
                                      .session = "Zk3qJ0m2T8yWcH5uVx1rNw",
                                      .details = {{"reader", "Desk reader 00"}}}));
    clock.now += std::chrono::milliseconds(310);
    ASSERT_TRUE(log->append_and_wait({.event = "token_refused",
                                      .person = "AB123",
                                      .role = "core",
                                      .client = "uid 1000, unit esr-desktop.service",
                                      .session = "Zk3qJ0m2T8yWcH5uVx1rNw",
                                      .reason = "prerequisites_unmet",
                                      .details = {{"unmet", {"form:ESR06"}}}}));
  }
};

TEST_F(AuditFormatDoc, TheExampleIsWhatTheCodeWrites) {
  write_example();
  const auto files = read_files(options.directory);
  EXPECT_EQ(block(document(), "`audit-00000000000000000001.jsonl`:"),
            files.at("audit-00000000000000000001.jsonl"));
  EXPECT_EQ(block(document(), "`key.pub`:"), files.at("key.pub"));
}

TEST_F(AuditFormatDoc, TheExampleVerifies) {
  const std::string segment = block(document(), "`audit-00000000000000000001.jsonl`:");
  std::string head = segment.substr(segment.rfind('\n', segment.size() - 2) + 1);
  head.insert(head.size() - 1, 512 - head.size(), ' ');
  write_files(options.directory, {{"audit-00000000000000000001.jsonl", segment},
                                  {"head", head},
                                  {"key.pub", block(document(), "`key.pub`:")}});
  const Report report = verify_log();
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  EXPECT_EQ(report.records, 5U);
}

TEST_F(AuditFormatDoc, NamesEveryEvent) {
  const std::string text = document();
  for (const auto& event : events()) {
    if (!event.is_recorded()) continue;
    EXPECT_NE(text.find("| `" + std::string(event.name) + "` |"), std::string::npos) << event.name;
  }
}

}  // namespace
}  // namespace cardgate::audit
