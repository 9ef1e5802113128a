// SPDX-License-Identifier: Apache-2.0
// Walking through a log: quickly, exactly, and with little memory.
#include "audit/reader.hpp"

#include <gmock/gmock.h>
#include <malloc.h>

#include <algorithm>
#include <fstream>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/scan.hpp"
#include "audit/segment_reader.hpp"
#include "base/file.hpp"
#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AuditReader : public AuditTest {
 protected:
  std::string content(const std::string& name) const { return read_files(options.directory)[name]; }
};

std::string member_of(const Line& line, std::string_view name) {
  const auto* text = find_string(line.object, name);
  return text == nullptr ? std::string() : std::string(*text);
}

/// Whatever the quick look takes, the strict parser takes, too, and sees the same. True when the quick look took it.
bool agree(std::string_view line) {
  const auto quick = scan_line(line);
  if (!quick) return false;
  const auto strict = parse_line(line);
  EXPECT_TRUE(strict) << line << ": " << strict.error().context;
  if (!strict) return true;
  EXPECT_EQ(quick->sequence, strict->sequence);
  EXPECT_EQ(quick->time, strict->time);
  EXPECT_EQ(quick->prev, strict->prev);
  EXPECT_EQ(quick->event, strict->event);
  EXPECT_EQ(unescape(quick->person), member_of(*strict, "person")) << line;
  EXPECT_EQ(unescape(quick->role), member_of(*strict, "role")) << line;
  EXPECT_EQ(unescape(quick->client), member_of(*strict, "client")) << line;
  EXPECT_EQ(unescape(quick->session), member_of(*strict, "session")) << line;
  EXPECT_EQ(unescape(quick->reason), member_of(*strict, "reason")) << line;
  EXPECT_EQ(unescape(quick->policy), member_of(*strict, "policy")) << line;
  EXPECT_EQ(unescape(quick->signature), member_of(*strict, "sig")) << line;
  EXPECT_EQ(!quick->details.empty(), strict->object.contains("details"));
  if (!quick->details.empty()) {
    EXPECT_EQ(json::serialize(parse_json(quick->details).value()), json::serialize(strict->details()));
  }
  return true;
}

std::string line_with(std::string_view rest) {
  return R"({"seq":7,"time":"2026-03-02T09:00:00.000Z","prev":")" + no_hash() + "\"," + std::string(rest) +
         "}";
}

TEST_F(AuditReader, TheQuickLookTakesWhatTheWriterWrites) {
  {
    const auto log = open();
    ASSERT_TRUE(
        log->append_and_wait({"access_removed",
                              "Zoë \"O'Brien\"\n",
                              "rôle",
                              "uid 1000, \\",
                              "s",
                              "日本語 𝔘",
                              "p",
                              {{"a", {1, -2, "x", nullptr, true, false, json::object{}, json::array{}}},
                               {"b", {{"c", "\t\x01"}}}}}));
    append(*log, 3);
  }
  for (const auto& name : segments()) {
    std::string text = content(name);
    while (!text.empty()) {
      const auto end = text.find('\n');
      EXPECT_TRUE(agree(text.substr(0, end))) << text.substr(0, end);
      text.erase(0, end + 1);
    }
  }
}

TEST_F(AuditReader, TheQuickLookTakesNothingThatTheParserRefuses) {
  const std::string sound =
      line_with(R"("event":"sign_in","person":"Zo\u00eb","details":{"a":[1,{"b":"é"}],"c":-20,"d":"𝔘"})");
  ASSERT_TRUE(agree(sound));
  // Every byte changed, removed, doubled.
  for (std::size_t i = 0; i < sound.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = sound;
      changed[i] = static_cast<char>(byte);
      agree(changed);
    }
    std::string changed = sound;
    changed.erase(i, 1);
    agree(changed);
    agree(sound.substr(0, i));
    changed = sound;
    changed.insert(i, 1, sound[i]);
    agree(changed);
  }
  for (const auto* odd : {R"("event":"a","details":{"x":1,"x":2})",
                          R"("event":"a","details":{"x":01})",
                          R"("event":"a","details":{"x":-})",
                          R"("event":"a","details":{"x":1.5})",
                          R"("event":"a","details":{"x":1e400})",
                          R"("event":"a","details":{"x":"\ud800"})",
                          R"("event":"a","details":{"x":"\uDC00"})",
                          R"("event":"a","details":{"x":"\x"})",
                          R"("event":"a","details":[])",
                          R"("event":"a","details":{"x":123456789012345678901234567890})",
                          R"("event":"a","details":{,})",
                          R"("event":"a","details":{"x":1,})",
                          R"("event":"a","sig":"x")",
                          R"("event":"checkpoint")",
                          R"("event":"")",
                          R"("event":"a","person":"x","person":"y")",
                          R"("event":"a","role":"x","person":"y")",
                          R"("event":"a","other":"x")",
                          R"("event":"a", "person":"x")",
                          R"("event":"a","details":{"\u0078":1,"x":2})",
                          R"("event":"a","details":{"x":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]})"}) {
    agree(line_with(odd));
    agree(line_with(odd) + " ");
  }
  for (const auto* time : {"2026-02-29T09:00:00.000Z", "2024-02-29T09:00:00.000Z", "2026-04-31T09:00:00.000Z",
                           "2026-13-01T09:00:00.000Z", "0000-01-01T00:00:00.000Z", "2026-03-02T24:00:00.000Z",
                           "2026-03-02T09:60:00.000Z", "2026-03-02T09:00:60.000Z"}) {
    std::string line = line_with(R"("event":"a")");
    line.replace(line.find("2026-03-02T09:00:00.000Z"), 24, time);
    agree(line);
  }
}

TEST_F(AuditReader, GivesEveryLineItsPlaceAndFindsItAgain) {
  write_log(200);
  ASSERT_GT(segments().size(), 1U);
  std::vector<std::string> lines;
  std::vector<Place> places;
  ASSERT_TRUE(for_each_line(options.directory, [&](const RawLine& line) {
    lines.emplace_back(line.text);
    places.push_back(line.place);
    return true;
  }));
  ASSERT_GT(lines.size(), 200U);
  EXPECT_TRUE(std::ranges::is_sorted(places));
  for (std::size_t i = 0; i < lines.size(); i += 17) {
    EXPECT_EQ(*line_at(options.directory, places[i]), lines[i]);
    // From there on it is the same walk.
    std::size_t count = 0;
    std::string first;
    ASSERT_TRUE(for_each_line(
        options.directory,
        [&](const RawLine& line) {
          if (count++ == 0) first = line.text;
          return true;
        },
        places[i]));
    EXPECT_EQ(first, lines[i]);
    EXPECT_EQ(count, lines.size() - i);
  }
  EXPECT_EQ(line_at(options.directory, {99999, 0}).error().code, Errc::not_found);
  EXPECT_EQ(line_at(options.directory, {1, 1 << 20}).error().code, Errc::not_found);
}

TEST_F(AuditReader, LinesAcrossBlocksTailsAndLinesThatAreTooLong) {
  const auto file = root / "lines";
  const auto read = [&](const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
    auto reader = SegmentReader::open(file).value();
    std::vector<std::string> out;
    for (;;) {
      const auto found = reader.next().value();
      if (found.too_long) {
        out.emplace_back("TOO LONG");
        continue;
      }
      if (found.line.empty()) break;
      out.emplace_back(found.line);
    }
    EXPECT_TRUE(reader.next().value().line.empty());
    const auto tail = reader.tail().value();
    EXPECT_EQ(reader.good_bytes() + tail.bytes, text.size());
    out.push_back("torn " + std::to_string(tail.torn));
    return out;
  };
  const std::string nuls(700'000, '\0');
  EXPECT_THAT(read(""), ElementsAre("torn 0"));
  EXPECT_THAT(read("a\nb\n"), ElementsAre("a\n", "b\n", "torn 0"));
  EXPECT_THAT(read("a\nb"), ElementsAre("a\n", "torn 1"));
  EXPECT_THAT(read("a\nb" + nuls), ElementsAre("a\n", "torn 1"));
  EXPECT_THAT(read("a\n" + nuls), ElementsAre("a\n", "torn 0"));
  EXPECT_THAT(read("a\n" + nuls + "bc\n" + nuls), ElementsAre("a\n", "torn 700003"));
  const std::string longest(max_line_bytes, 'x');
  EXPECT_THAT(read(longest + "\na\n"), ElementsAre(longest + "\n", "a\n", "torn 0"));
  for (const std::size_t length : {max_line_bytes + 1, std::size_t(300'000), std::size_t(900'000)}) {
    const std::string line(length, 'x');
    EXPECT_THAT(read("a\n" + line + "\nb\n"), ElementsAre("a\n", "TOO LONG", "b\n", "torn 0")) << length;
    EXPECT_THAT(read("a\n" + line), ElementsAre("a\n", "torn " + std::to_string(length)));
    EXPECT_THAT(read("a\n" + line + nuls + "\nb\n"),
                ElementsAre("a\n", "torn " + std::to_string(length + nuls.size() + 3)));
  }
  // A line at every place of a block's edge.
  std::string many;
  std::size_t count = 0;
  for (std::size_t length = 1; many.size() < 1'000'000; length = length % 9000 + 7, ++count)
    many += std::string(length, 'y') + "\n";
  EXPECT_EQ(read(many).size(), count + 1);
}

TEST_F(AuditReader, ADamagedLineIsNamed) {
  write_log(3);
  auto files = read_files(options.directory);
  const auto name = newest();
  files[name].replace(files[name].find("sign_in"), 7, "sign\x01in");
  write_files(options.directory, files);
  const auto walked = for_each(options.directory, [](const json::object&, std::string_view) { return true; });
  ASSERT_FALSE(walked);
  EXPECT_EQ(walked.error().code, Errc::corrupt);
  EXPECT_THAT(walked.error().context, HasSubstr(name + " line 3: "));
}

TEST_F(AuditReader, ALargeSegmentTakesLittleMemory) {
  {
    options.segment_bytes = 64UL << 20;
    options.queue_limit = 200'000;
    const auto log = open();
    for (int i = 0; i < 100'000; ++i) log->append(sign_in("P"), {});
  }
  const auto before = ::mallinfo2();
  std::size_t most = 0;
  std::size_t count = 0;
  ASSERT_TRUE(for_each_line(options.directory, [&](const RawLine&) {
    if (++count % 1000 == 0) {
      const auto now = ::mallinfo2();
      most = std::max(most, now.uordblks + now.hblkhd);
    }
    return true;
  }));
  EXPECT_GT(count, 100'000U);
  EXPECT_EQ(segments().size(), 1U);
  EXPECT_LT(most, before.uordblks + before.hblkhd + (1UL << 20));
}

class SegmentReaderTail : public AuditTest {};

TEST_F(SegmentReaderTail, WholeLinesThatCameMeanwhileAreNoTornWrite) {
  const auto file = root / "segment";
  const auto tail_after = [&](const std::string& before, const std::string& after) {
    EXPECT_TRUE(write_file_atomic(file, as_bytes(before), 0600));
    auto reader = SegmentReader::open(file).value();
    while (!reader.next()->line.empty()) continue;
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << after;
    return reader.tail().value();
  };
  const std::string nuls(5000, '\0');
  EXPECT_EQ(tail_after("one\n" + nuls, "one\ntwo\nthree\n").torn, 0U);
  EXPECT_EQ(tail_after("one\n", "one\ntwo\n").torn, 0U);
  EXPECT_EQ(tail_after("one\n" + nuls, "one\ntwo").torn, 3U);
  EXPECT_EQ(tail_after("one\nt" + std::string(1, '\0') + "o\n" + nuls, "").torn, 4U);
  EXPECT_EQ(tail_after("one\n" + nuls + "\n", "").torn, 5001U);
}

TEST_F(SegmentReaderTail, ASegmentOfASizeThatNoWriterMakesIsRefused) {
  const auto file = root / "segment";
  ASSERT_TRUE(write_file_atomic(file, as_bytes(std::string("x\n")), 0600));
  std::filesystem::resize_file(file, 2 * max_segment_bytes);
  EXPECT_TRUE(SegmentReader::open(file));
  std::filesystem::resize_file(file, 2 * max_segment_bytes + 1);
  EXPECT_EQ(SegmentReader::open(file).error().code, Errc::too_large);
}

}  // namespace
}  // namespace cardgate::audit
