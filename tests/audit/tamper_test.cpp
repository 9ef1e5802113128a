// SPDX-License-Identifier: Apache-2.0
// Every way to alter a log that was closed in order is found.
#include <gmock/gmock.h>

#include <algorithm>

#include "audit/line.hpp"
#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::Contains;
using testing::HasSubstr;

class AuditTamper : public AuditTest {
 protected:
  /// Verifies the files as they are given.
  Report judged(const Files& files) {
    write_files(options.directory, files);
    return verify_log();
  }
  Files small_log() {
    write_log(3);
    auto files = read_files(options.directory);
    files.erase("spare");
    return files;
  }
  Files long_log() {
    write_log(300);
    auto files = read_files(options.directory);
    files.erase("spare");
    EXPECT_GE(segments().size(), 3U);
    return files;
  }
  static std::vector<std::string> lines_of(const std::string& content) {
    std::vector<std::string> out;
    std::size_t at = 0;
    while (at < content.size()) {
      const std::size_t end = content.find('\n', at) + 1;
      out.push_back(content.substr(at, end - at));
      at = end;
    }
    return out;
  }
  static std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += line;
    return out;
  }
};

TEST_F(AuditTamper, AnAlteredByteAtAnyPlaceIsFound) {
  const Files sound = small_log();
  ASSERT_TRUE(judged(sound).ok);
  for (const auto& [name, content] : sound) {
    for (std::size_t i = 0; i < content.size(); i += place_step) {
      for (const char flip : {'\x01', '\x20', '\x80'}) {
        Files altered = sound;
        altered[name][i] = static_cast<char>(altered[name][i] ^ flip);
        ASSERT_FALSE(judged(altered).ok)
            << name << " byte " << i << " '" << content[i] << "' ^ " << int(flip);
      }
    }
  }
}

TEST_F(AuditTamper, ARemovedInsertedOrMovedLineIsFound) {
  const Files sound = small_log();
  const std::string name = newest();
  const auto lines = lines_of(sound.at(name));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    Files altered = sound;
    auto changed = lines;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    altered[name] = joined(changed);
    EXPECT_FALSE(judged(altered).ok) << "without line " << i;
    for (std::size_t at = 0; at <= lines.size(); ++at) {
      changed = lines;
      changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), lines[i]);
      altered[name] = joined(changed);
      EXPECT_FALSE(judged(altered).ok) << "line " << i << " again at " << at;
    }
    for (std::size_t k = 0; k < i; ++k) {
      changed = lines;
      std::swap(changed[i], changed[k]);
      altered[name] = joined(changed);
      EXPECT_FALSE(judged(altered).ok) << "lines " << i << " and " << k << " exchanged";
    }
  }
}

TEST_F(AuditTamper, TheReportNamesThePlace) {
  Files files = small_log();
  const std::string name = newest();
  files[name].replace(files[name].find("P2"), 2, "P9");
  const Report report = judged(files);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0],
            name + " line 5 (sequence 5): the hash does not fit: this line or the one before it was altered");
}

TEST_F(AuditTamper, TruncationAtEveryLengthIsFound) {
  const Files sound = small_log();
  const std::string name = newest();
  for (std::size_t length = 0; length < sound.at(name).size(); length += place_step) {
    Files altered = sound;
    altered[name].resize(length);
    const Report report = judged(altered);
    ASSERT_FALSE(report.ok) << length;
  }
  Files altered = sound;
  auto lines = lines_of(sound.at(name));
  lines.pop_back();
  altered[name] = joined(lines);
  EXPECT_THAT(judged(altered).problems, Contains(HasSubstr("lines 6 to 6 are missing at the end")));
}

TEST_F(AuditTamper, ARemovedSegmentIsFound) {
  const Files sound = long_log();
  const auto names = segments();
  for (const auto& name : names) {
    Files altered = sound;
    altered.erase(name);
    EXPECT_FALSE(judged(altered).ok) << name;
  }
  Files altered = sound;
  altered.erase(names.front());
  EXPECT_THAT(judged(altered).problems, Contains(HasSubstr("missing at the beginning")));
  altered = sound;
  altered.erase(names.back());
  EXPECT_THAT(judged(altered).problems, Contains(HasSubstr("missing at the end")));
}

TEST_F(AuditTamper, ARenamedExchangedOrForeignSegmentIsFound) {
  const Files sound = long_log();
  const auto names = segments();
  Files altered = sound;
  std::swap(altered[names[0]], altered[names[1]]);
  EXPECT_FALSE(judged(altered).ok);
  altered = sound;
  auto node = altered.extract(names[1]);
  node.key().replace(node.key().find(".jsonl") - 1, 1, "0");
  altered.insert(std::move(node));
  EXPECT_EQ(judged(altered).ok, altered == sound);
  altered = sound;
  altered[names[1]] += altered[names[2]];
  altered.erase(names[2]);
  EXPECT_FALSE(judged(altered).ok);
  altered = sound;
  altered[names[0]] += std::string(100, '\0');
  EXPECT_THAT(judged(altered).problems, Contains(HasSubstr("bytes behind the last line")));
}

TEST_F(AuditTamper, AMissingHeadOrKeyFileIsFound) {
  const Files sound = small_log();
  for (const char* name : {"head", "key.pub"}) {
    Files altered = sound;
    altered.erase(name);
    EXPECT_FALSE(judged(altered).ok) << name;
    altered[name] = std::string(2000, 'x');
    EXPECT_FALSE(judged(altered).ok) << name;
  }
}

TEST_F(AuditTamper, AnotherKeyIsFoundByThePinnedOneOnly) {
  const Files sound = small_log();
  const auto pinned = verify(options.directory, test_key(8).public_key());
  EXPECT_FALSE(pinned->ok);
  EXPECT_TRUE(pinned->key_pinned);
  // A whole log forged with another key is sound in itself: this is what pinning is for.
  const auto believed = verify(options.directory, std::nullopt);
  EXPECT_TRUE(believed->ok);
  EXPECT_FALSE(believed->key_pinned);
  EXPECT_EQ(believed->key, test_key().public_key());
  EXPECT_TRUE(sound.contains("head"));
}

TEST_F(AuditTamper, AForgedRetentionRecordNeedsASignature) {
  const Files sound = long_log();
  const auto names = segments();
  const auto remaining = lines_of(sound.at(names[1]));
  const auto last = lines_of(sound.at(names.back())).back();
  const auto header = parse_line(std::string_view(remaining[0]).substr(0, remaining[0].size() - 1));
  const auto end = parse_line(std::string_view(last).substr(0, last.size() - 1));
  Record record{.event = "retention"};
  record.details = {{"first_kept", header->sequence}, {"kept_prev", header->prev}, {"segments", 1}};
  Files altered = sound;
  altered.erase(names[0]);
  append_line(altered[names.back()], end->sequence + 1, "2026-03-02T09:00:00.000Z", chain_hash(last),
              encode_unchecked(record));
  EXPECT_THAT(judged(altered).problems, Contains(HasSubstr("no signed retention record")));
}

TEST_F(AuditTamper, WhatFollowsTheLastCheckpointIsCountedAsUnsigned) {
  // Stated in docs/audit-format.md: whoever can write to the disk can add to, or cut, the unsigned tail.
  Files files = small_log();
  const std::string name = newest();
  const auto last = lines_of(files[name]).back();
  append_line(files[name], 7, "2026-03-02T09:00:00.000Z", chain_hash(last), "\"event\":\"stop\"");
  const Report report = judged(files);
  EXPECT_TRUE(report.ok);
  EXPECT_EQ(report.unsigned_tail, 1U);
}

TEST_F(AuditTamper, ALogThatWasTruncatedIsNotContinued) {
  const Files sound = long_log();
  const auto names = segments();
  for (std::size_t length : {std::size_t(0), std::size_t(10), sound.at(names.back()).size() - 1}) {
    Files altered = sound;
    altered[names.back()].resize(length);
    write_files(options.directory, altered);
    EXPECT_EQ(try_open().error().code, Errc::corrupt) << length;
    EXPECT_FALSE(verify_log().ok);
  }
  Files altered = sound;
  altered.erase(names.back());
  write_files(options.directory, altered);
  EXPECT_EQ(try_open().error().code, Errc::corrupt);
  altered = sound;
  altered.erase("head");
  write_files(options.directory, altered);
  EXPECT_EQ(try_open().error().code, Errc::corrupt);
  altered = sound;
  altered["key.pub"] = "cardgate-audit-ed25519 AAAA\n";
  write_files(options.directory, altered);
  EXPECT_EQ(try_open().error().code, Errc::corrupt);
  write_files(options.directory, {{"head", sound.at("head")}});
  EXPECT_EQ(try_open().error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cardgate::audit
