// SPDX-License-Identifier: Apache-2.0
// Looking something up in a real log: by what, from which end, with an index and without, and in a log that is not whole.
#include "audit/search.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "audit/people_in.hpp"
#include "audit/segment_text.hpp"
#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct AuditSearch : AuditTest {
  Search ask;
  std::unique_ptr<Index> index;
  std::filesystem::path index_file() const { return root / "index.db"; }

  void use_index() {
    index.reset();
    auto opened = Index::open(index_file());
    ASSERT_TRUE(opened) << opened.error().message();
    index = std::move(*opened);
    const auto all = index->catch_up(options.directory, [](Index::Progress) { return true; });
    ASSERT_TRUE(all) << all.error().message();
  }
  FoundPage page() {
    auto found = search(options.directory, ask, index.get(), [] { return true; });
    EXPECT_TRUE(found) << found.error().message();
    return found ? std::move(*found) : FoundPage{};
  }
  /// The numbers of all that fit, page by page.
  std::vector<std::uint64_t> all() {
    std::vector<std::uint64_t> out;
    for (int pages = 0; pages < 10'000; ++pages) {
      const auto found = page();
      for (const auto& one : found.records) out.push_back(one.sequence);
      if (!found.next) return out;
      (ask.newest_first ? ask.before : ask.after) = *found.next;
    }
    ADD_FAILURE() << "the pages do not end";
    return out;
  }
  /// What a plain walk over the whole log finds.
  std::vector<std::uint64_t> walked() {
    std::vector<std::uint64_t> out;
    const auto done = for_each(options.directory, [&](const json::object& record, std::string_view) {
      if (ask.filter.fits(record)) out.push_back(static_cast<std::uint64_t>(record.at("seq").as_int64()));
      return true;
    });
    EXPECT_TRUE(done);
    return out;
  }
  void write_many(int count) {
    const auto log = open();
    ASSERT_TRUE(log);
    for (int i = 0; i < count; ++i) {
      Record record = sign_in(fmt::format("P{}", i % 7));
      if (i % 5 == 0) {
        record.event = "sign_in_refused";
        record.reason = "passcode_incorrect";
      }
      if (i % 11 == 0) record.details["by"] = "P3";
      if (i % 13 == 0) record.session = fmt::format("session-{}", i / 13);
      ASSERT_TRUE(log->append_and_wait(record));
      clock.now += milliseconds(1000);
    }
  }
};

TEST_F(AuditSearch, FindsTheSameFromBothEndsWithAnIndexAndWithout) {
  write_many(600);
  ASSERT_GT(segments().size(), 3U);
  std::vector<Filter> filters(6);
  filters[0].person = "P3";
  filters[1].event = "sign_in_refused";
  filters[2].outcome = Outcome::refused;
  filters[2].person = "P2";
  filters[3].from = "2026-03-02T09:03:00.000Z";
  filters[3].before = "2026-03-02T09:05:00.000Z";
  filters[4] = filters[3];
  filters[4].person = "P1";
  filters[5].session = "session-20";
  for (const bool indexed : {false, true}) {
    if (indexed) use_index();
    for (const auto& filter : filters) {
      for (const std::size_t limit : {1U, 7U, 1000U}) {
        ask = {.filter = filter, .limit = limit};
        const auto expected = walked();
        ASSERT_FALSE(expected.empty());
        EXPECT_EQ(all(), expected);
        ask = {.filter = filter, .newest_first = true, .limit = limit};
        auto found = all();
        std::ranges::reverse(found);
        EXPECT_EQ(found, expected);
      }
    }
  }
}

TEST_F(AuditSearch, APersonIsFoundWhereARecordNamesThem) {
  write_many(50);
  ask.filter.person = "P3";
  const auto found = page();
  bool by_another = false;
  for (const auto& one : found.records) {
    EXPECT_TRUE(names(one.record, "P3"));
    by_another = by_another || one.record.at("person") != "P3";
  }
  EXPECT_TRUE(by_another);
  ask.filter.about_them = true;
  for (const auto& one : page().records) EXPECT_EQ(one.record.at("person"), "P3");
}

TEST_F(AuditSearch, APageCostsNoMoreThanItMayAndSaysWhereToGoOn) {
  write_many(600);
  ask.max_bytes = 1;  // a block each
  ask.filter.person = "nobody";
  ask.limit = 1000;
  const auto first = page();
  EXPECT_THAT(first.records, IsEmpty());
  ASSERT_TRUE(first.next);
  EXPECT_LT(first.read, 200'000U);
  EXPECT_THAT(all(), IsEmpty());
  ask = {.newest_first = true, .limit = 1000, .max_bytes = 1};
  EXPECT_EQ(all().size(), walked().size());
}

TEST_F(AuditSearch, EndsEarlyWhenTheTimeIsOverAndStillComesToTheEnd) {
  write_many(300);
  ask.limit = 1000;
  std::size_t records = 0;
  int pages = 0;
  for (;; ++pages) {
    ASSERT_LT(pages, 1000);
    auto found = search(options.directory, ask, nullptr, [] { return false; });
    ASSERT_TRUE(found);
    records += found->records.size();
    if (!found->next) break;
    ask.after = *found->next;
  }
  EXPECT_GT(pages, 1);
  ask = {.limit = 1000};
  EXPECT_EQ(records, walked().size());
}

TEST_F(AuditSearch, ReadsALogThatIsBeingWritten) {
  const auto log = open();
  append(*log, 3);
  ask.filter.event = "sign_in";
  EXPECT_THAT(page().records, SizeIs(3));
  append(*log, 2);
  const auto found = page();
  EXPECT_THAT(found.records, SizeIs(5));
  EXPECT_EQ(found.highest, 7U);
  EXPECT_THAT(found.damage, IsEmpty()) << "the space behind the last line is none";
}

TEST_F(AuditSearch, ShowsWhatCanBeReadOfADamagedLogAndSaysWhatCannot) {
  write_many(300);
  const auto name = segments().at(1);
  auto files = read_files(options.directory);
  auto& content = files[name];
  const auto line = content.find('\n', content.size() / 2) + 1;
  content.replace(line, 20, "{\"seq\":\"what is this\"");
  write_files(options.directory, files);
  const auto lines = [&] {
    std::size_t count = 0;
    for (const auto& [file, text] : read_files(options.directory)) {
      if (file.ends_with(".jsonl")) count += static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }
    return count;
  }();
  ask.limit = 10'000;
  const auto found = page();
  EXPECT_EQ(found.records.size(), lines - 1);
  EXPECT_EQ(found.damaged, 1U);
  ASSERT_THAT(found.damage, SizeIs(1));
  EXPECT_EQ(found.damage[0].segment, name);
  EXPECT_EQ(found.damage[0].offset, line);
  // With an index the same is said.
  use_index();
  ask.filter.person = "P1";
  EXPECT_EQ(page().damaged, 1U);
}

TEST_F(AuditSearch, PassesOverALineWithoutAnEndAndBytesOfNothing) {
  write_log(5);
  auto files = read_files(options.directory);
  auto& content = files[newest()];
  content += std::string(3 << 20, 'x') + "\n";
  content += std::string(100, '\0') + "\n";
  write_files(options.directory, files);
  ask.limit = 1000;
  const auto found = page();
  EXPECT_EQ(found.records.size(), 8U);
  EXPECT_EQ(found.damaged, 2U);
  ask.newest_first = true;
  EXPECT_EQ(page().records.size(), 8U);
}

TEST_F(AuditSearch, SaysSoOfANewerLogAndOfNone) {
  write_log(2);
  auto files = read_files(options.directory);
  auto& content = files[newest()];
  const auto at = content.find("\"format\":1");
  content.replace(at, 10, "\"format\":9");
  write_files(options.directory, files);
  ask.filter.event = "sign_in";
  const auto found = page();
  EXPECT_THAT(found.records, SizeIs(2));
  ASSERT_THAT(found.damage, SizeIs(1));
  EXPECT_THAT(found.damage[0].what, HasSubstr("newer cardgate (format 9"));

  std::filesystem::create_directory(root / "empty");
  const auto none = search(root / "empty", ask, nullptr, [] { return true; });
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().context, HasSubstr("no audit log here"));
  EXPECT_EQ(search(root / "gone", ask, nullptr, [] { return true; }).error().code, Errc::not_found);
}

TEST_F(AuditSearch, RefusesWhatNothingCanFit) {
  write_log(1);
  ask.filter.event = "sign_ins";
  const auto unknown = search(options.directory, ask, nullptr, [] { return true; });
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().context, HasSubstr("no record is called \"sign_ins\". They are: "));
  ask.filter = {};
  ask.filter.from = "2026-03-03T00:00:00.000Z";
  ask.filter.before = "2026-03-02T00:00:00.000Z";
  const auto backwards = search(options.directory, ask, nullptr, [] { return true; });
  ASSERT_FALSE(backwards);
  EXPECT_THAT(backwards.error().context, HasSubstr("ends (2026-03-02T00:00:00.000Z) before it begins"));
}

// The index.

TEST_F(AuditSearch, TheIndexReadsOnAndIsMadeAnewWhenItDoesNotFit) {
  write_many(300);
  use_index();
  write_many(300);
  use_index();
  ask.filter.person = "P4";
  ask.limit = 10'000;
  EXPECT_EQ(all(), walked());
  // Another log under the same names.
  const auto first = root / "first";
  std::filesystem::rename(options.directory, first);
  clock.now += milliseconds(5);
  write_many(450);
  use_index();
  ask = {.limit = 10'000};
  ask.filter.person = "P4";
  EXPECT_EQ(all(), walked());
  // A file that is no index.
  index.reset();
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(index_file().string() + suffix);
  std::ofstream(index_file(), std::ios::binary) << std::string(5000, 'x');
  use_index();
  ask = {.limit = 10'000};
  ask.filter.person = "P4";
  EXPECT_EQ(all(), walked());
}

/// What an index says of other lines is never shown, and the segment is read without it.
TEST_F(AuditSearch, AnIndexThatIsWrongShowsNothingWrong) {
  write_many(300);
  use_index();
  // The same length and the same ends, but another person in the middle.
  auto files = read_files(options.directory);
  auto& content = files[segments().at(1)];
  std::size_t at = content.find("\"person\":\"P4\"", content.size() / 3);
  content.replace(at, 13, "\"person\":\"P9\"");
  write_files(options.directory, files);
  ask.filter.person = "P4";
  ask.limit = 10'000;
  const auto found = page();
  for (const auto& one : found.records) EXPECT_TRUE(names(one.record, "P4"));
  std::vector<std::uint64_t> numbers;
  for (const auto& one : found.records) numbers.push_back(one.sequence);
  EXPECT_EQ(numbers, walked());
}

TEST_F(AuditSearch, TheIndexForgetsWhatRetentionDeleted) {
  write_many(600);
  use_index();
  std::filesystem::remove(path(segments().front()));
  use_index();
  EXPECT_EQ(index->extent(1), nullptr);
  ask.filter.person = "P4";
  ask.limit = 10'000;
  EXPECT_EQ(all(), walked());
}

TEST_F(AuditSearch, AnIndexOfSomebodyElseIsNotUsed) {
  std::ofstream(index_file()) << "";
  std::filesystem::permissions(index_file(), std::filesystem::perms(0666));
  const auto opened = Index::open(index_file());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::permission_denied);
  std::filesystem::remove(index_file());
  std::filesystem::create_symlink(root / "elsewhere", index_file());
  EXPECT_FALSE(Index::open(index_file()));
  EXPECT_FALSE(std::filesystem::exists(root / "elsewhere"));
}

TEST_F(AuditSearch, TheIndexStopsWhenItIsToldAndGoesOnFromThere) {
  options.segment_bytes = 64UL << 10;
  write_many(1500);
  auto opened = Index::open(index_file());
  ASSERT_TRUE(opened);
  int calls = 0;
  Index::Progress progress;
  do {
    ASSERT_LT(++calls, 100);
    const auto now = (*opened)->catch_up(options.directory, [](Index::Progress) { return false; });
    ASSERT_TRUE(now) << now.error().message();
    EXPECT_GE(now->done, progress.done);
    progress = *now;
    if (progress.complete()) break;
  } while (true);
  EXPECT_GT(calls, 3);
  index = std::move(*opened);
  ask.filter.person = "P4";
  ask.limit = 10'000;
  EXPECT_EQ(all(), walked());
}

// From either end of a segment.
TEST_F(AuditSearch, EveryLineIsFoundByItsNumberAndItsPlace) {
  write_many(100);
  const auto text = SegmentText::open(path(segments().front()));
  ASSERT_TRUE(text);
  std::uint64_t number = 1;
  std::uint64_t offset = 0;
  while (offset < text->end()) {
    EXPECT_EQ(text->offset_of(number).value(), offset);
    const auto line = text->line_at(offset).value();
    EXPECT_EQ(sequence_in(line), number);
    EXPECT_TRUE(text->line_at(offset + 1).value().empty()) << "in the middle of a line none begins";
    offset += line.size() + 1;
    ++number;
  }
  EXPECT_EQ(text->offset_of(number).value(), text->end());
}

}  // namespace
}  // namespace cardgate::audit
