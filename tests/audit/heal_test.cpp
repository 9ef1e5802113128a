// SPDX-License-Identifier: Apache-2.0
// What a crash leaves behind is healed without losing a complete line, and nothing else is.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;

class AuditHeal : public AuditTest {
 protected:
  /// The files as a crash leaves them after `count` records: preallocated, the records not covered by a
  /// checkpoint.
  Files crashed(int count) {
    const auto log = open();
    append(*log, count);
    return read_files(options.directory);
  }
  static std::size_t used(const std::string& content) { return content.find_last_not_of('\0') + 1; }
  std::vector<std::string> torn_files() const {
    std::vector<std::string> out;
    for (const auto& [name, content] : read_files(options.directory)) {
      if (name.starts_with("torn-")) out.push_back(content);
    }
    return out;
  }
};

TEST_F(AuditHeal, AfterACrashWithoutATornLineItJustGoesOn) {
  const Files files = crashed(3);
  write_files(options.directory, files);
  EXPECT_TRUE(verify_log().ok);
  write_log(1);
  EXPECT_THAT(people(), ElementsAre("P1", "P2", "P3", "P1"));
  EXPECT_THAT(event_names(), Not(Contains("healed")));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditHeal, EveryLengthBehindTheLastCheckpointHeals) {
  const Files files = crashed(3);
  const std::string name =
      files.rbegin()->first == "spare" ? std::next(files.rbegin())->first : files.rbegin()->first;
  std::string segment;
  for (const auto& [file, content] : files) {
    if (file.ends_with(".jsonl")) segment = file;
  }
  const std::string content = files.at(segment).substr(0, used(files.at(segment)));
  const std::size_t signed_bytes = content.find('\n', content.find("\"checkpoint\"")) + 1;
  for (std::size_t length = signed_bytes; length <= content.size(); length += place_step) {
    const bool preallocated = length % 2 == 0;
    Files cut = files;
    cut[segment] = content.substr(0, length);
    const auto complete = std::count(cut[segment].begin(), cut[segment].end(), '\n');
    const bool torn = cut[segment].back() != '\n';
    if (preallocated) cut[segment].resize(options.segment_bytes);
    write_files(options.directory, cut);
    const Report before = verify_log();
    ASSERT_TRUE(before.ok) << length;
    ASSERT_EQ(before.torn_tail, torn) << length;
    {
      ASSERT_TRUE(open());
    }
    const Report after = verify_log();
    ASSERT_TRUE(after.ok) << length;
    ASSERT_FALSE(after.torn_tail);
    ASSERT_EQ(after.unsigned_tail, 0U);
    ASSERT_EQ(people().size(), static_cast<std::size_t>(complete - 2)) << length;
    ASSERT_EQ(torn_files().size(), torn ? 1U : 0U);
    const auto names = event_names();
    ASSERT_EQ(std::count(names.begin(), names.end(), "healed"), torn ? 1 : 0);
    ASSERT_TRUE(!torn || content.find(torn_files()[0]) != std::string::npos);
  }
}

TEST_F(AuditHeal, AHoleInAnUnfinishedWriteIsHealedAndKept) {
  Files files = crashed(4);
  std::string& content = files[newest()];
  const std::size_t hole = content.find("\"P3\"");
  std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(hole), 20, '\0');
  write_files(options.directory, files);
  EXPECT_TRUE(verify_log().torn_tail);
  {
    ASSERT_TRUE(open());
  }
  EXPECT_THAT(people(), ElementsAre("P1", "P2"));
  ASSERT_THAT(torn_files(), SizeIs(1));
  EXPECT_THAT(torn_files()[0], testing::HasSubstr("\"P4\""));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditHeal, AnAlteredRecordInTheUnsignedTailIsNotHealedAway) {
  Files files = crashed(3);
  std::string& content = files[newest()];
  content.replace(content.find("\"P2\""), 4, "\"P9\"");
  write_files(options.directory, files);
  EXPECT_FALSE(verify_log().ok);
  EXPECT_EQ(try_open().error().code, Errc::corrupt);
  EXPECT_EQ(read_files(options.directory)[newest()], content);
}

TEST_F(AuditHeal, ATornLineAtASegmentsEdgeMovesOn) {
  // A segment that is full but for a torn line: the healing record goes where there is room.
  const Files files = crashed(75);
  for (int count = 60; count < 90; ++count) {
    std::filesystem::remove_all(options.directory);
    Files full = crashed(count);
    std::string& content = full[newest()];
    content.insert(used(content), "{\"seq\":");
    content.resize(options.segment_bytes);
    write_files(options.directory, full);
    {
      ASSERT_TRUE(open()) << count;
    }
    ASSERT_TRUE(verify_log().ok) << count;
    ASSERT_EQ(people().size(), static_cast<std::size_t>(count));
  }
}

TEST_F(AuditHeal, ACrashAtAnyPointOfTheFirstStartBeginsAnew) {
  write_log(0);
  const Files whole = read_files(options.directory);
  const std::string name = newest();
  Files early = whole;
  early.erase("head");
  early[name].resize(early[name].size() - 40);
  write_files(options.directory, early);
  write_log(1);
  EXPECT_TRUE(verify_log().ok);
  early = {{"key.pub", whole.at("key.pub")}, {"lock", ""}, {"spare", std::string(100, 'x')}};
  write_files(options.directory, early);
  write_log(1);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditHeal, ACrashBetweenTwoSegmentsGoesOn) {
  write_log(400);
  const auto names = segments();
  ASSERT_EQ(names.size(), 3U);
  const Files sound = read_files(options.directory);
  // The end checkpoint is durable, its space not given back, the head not written, the next segment not
  // there.
  Files files = sound;
  const std::string end = files[names[1]].substr(0, files[names[1]].size() - 1);
  const std::string line = end.substr(end.rfind('\n') + 1);
  files.erase(names[2]);
  files[names[1]].resize(options.segment_bytes);
  files["head"] = line + std::string(511 - line.size(), ' ') + "\n";
  write_files(options.directory, files);
  EXPECT_TRUE(verify_log().ok);
  write_log(3);
  EXPECT_TRUE(verify_log().ok) << testing::PrintToString(verify_log().problems);
  // The next segment has its header and nothing else.
  files = sound;
  files["head"] = line + std::string(511 - line.size(), ' ') + "\n";
  files[names[2]].resize(files[names[2]].find('\n') + 1);
  files[names[2]].resize(options.segment_bytes);
  write_files(options.directory, files);
  EXPECT_TRUE(verify_log().ok);
  write_log(3);
  EXPECT_TRUE(verify_log().ok) << testing::PrintToString(verify_log().problems);
}

TEST_F(AuditHeal, ACrashWithinRetentionIsNoGap) {
  options.keep_segments = 2;
  write_log(400);
  const Files after = read_files(options.directory);
  const auto kept = segments();
  // The same story without retention gives the same first segments.
  std::filesystem::remove_all(options.directory);
  options.keep_segments = 0;
  write_log(400);
  Files both = read_files(options.directory);
  for (const auto& [name, content] : after) both[name] = content;
  ASSERT_GT(segments().size(), kept.size());
  write_files(options.directory, both);
  EXPECT_TRUE(verify_log().ok) << testing::PrintToString(verify_log().problems);
}

}  // namespace
}  // namespace cardgate::audit
