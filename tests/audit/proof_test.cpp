// SPDX-License-Identifier: Apache-2.0
// A log against checkpoints that were kept elsewhere, and each way in which it can be another one than it was.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "audit/checkpoints.hpp"
#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/record.hpp"
#include "tests/audit/fixture.hpp"

namespace cardgate::audit {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class AuditProof : public AuditTest {
 protected:
  AuditProof() {
    options.tell_every = milliseconds(0);
    options.tell_checkpoint = [this](const std::string& line) { told += line + "\n"; };
  }
  /// So many records, each at a time of its own, and a stop.
  void work(int count) {
    const auto log = open();
    ASSERT_TRUE(log);
    for (int i = 0; i < count; ++i) {
      clock.now += milliseconds(60'000);
      append(*log, 1);
    }
  }
  Report held_against(const std::string& checkpoints, std::uint64_t record = 0,
                      const std::string& line = {}) {
    const auto book = CheckpointBook::parse(checkpoints);
    Question question{.key = test_key().public_key(), .record = record, .line = line};
    if (book) question.book = &*book;
    auto report = verify(options.directory, question);
    EXPECT_TRUE(report) << report.error().message();
    return report ? *report : Report{};
  }
  std::string line_of(std::uint64_t sequence) const {
    std::string out;
    (void)for_each_line(options.directory, [&](const RawLine& line) {
      if (parse_line(line.text)->sequence == sequence) out = line.text;
      return out.empty();
    });
    return out;
  }

  std::string told;
};

TEST_F(AuditProof, CheckpointsAreToldAtTheStartAtIntervalsAtEachRotationAndAtTheStop) {
  work(200);
  const auto book = CheckpointBook::parse(told).value();
  std::size_t ends = 0;
  for (const auto& entry : book.entries()) {
    EXPECT_TRUE(verify_checkpoint(entry.raw, test_key().public_key()));
    EXPECT_EQ(entry.key, key_id(test_key().public_key()));
    EXPECT_THAT(entry.log, SizeIs(22));
    ends += entry.raw.find("\"end\":true") != std::string::npos ? 1U : 0U;
  }
  EXPECT_EQ(ends, segments().size() - 1);
  EXPECT_EQ(book.entries().back().sequence, verify_log().last);
  const Report report = held_against(told);
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  EXPECT_EQ(report.compared, book.entries().size());
  EXPECT_EQ(report.compared_last, report.last);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(AuditProof, BetweenTwoOfThemTheIntervalPasses) {
  options.tell_every = std::chrono::hours(1);
  options.checkpoint_every = 2;
  work(20);
  // At the start and at the stop.
  EXPECT_THAT(CheckpointBook::parse(told)->entries(), SizeIs(2));
}

TEST_F(AuditProof, AnIdleLogTellsItsLastCheckpointWhenTheIntervalHasPassed) {
  options.tell_every = milliseconds(30);
  options.checkpoint_after = milliseconds(1);
  std::atomic<std::uint64_t> newest = 0;
  options.tell_checkpoint = [&](const std::string& line) { newest = parse_line(line)->sequence; };
  const auto log = open();
  append(*log, 1);
  // Nothing is given to the log from here on.
  for (int i = 0; i < 1000 && newest < 4; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(newest, 4U);
}

TEST_F(AuditProof, TheyAreReadFromAFileAndFromEachFormOfTheJournal) {
  work(3);
  const std::string line = told.substr(0, told.find('\n'));
  json::object entry{{"MESSAGE", "Checkpoint of the audit log: " + line}, {"PRIORITY", "6"}};
  for (const auto& text :
       {line + "\n", "\n# a note\n" + line, "Checkpoint of the audit log: " + line + "\n",
        "Nov 27 09:00:00 desk cardgated[71]: Checkpoint of the audit log: " + line +
            "\nNov 27 other: {\"seq\":1}\n",
        "cardgated: info: Checkpoint of the audit log: " + line +
            " CARDGATE_EVENT=audit_checkpoint CARDGATE_CHECKPOINT=" + line,
        json::serialize(entry) + "\n", json::serialize(json::object{{"CARDGATE_CHECKPOINT", line}}),
        R"({"seq":12,"time":"20)" + line + "\n", line + "\n" + line + "\n"}) {
    const auto book = CheckpointBook::parse(text);
    ASSERT_TRUE(book) << text;
    ASSERT_THAT(book->entries(), SizeIs(1)) << text;
    EXPECT_EQ(book->entries()[0].raw, line);
  }
  for (const std::string text : {"", "\n", "Checkpoint of the audit log\n", "{\"seq\":1}\n", "{}\n"})
    EXPECT_EQ(CheckpointBook::parse(text).error().code, Errc::malformed) << text;
  // A line that is cut is no checkpoint.
  for (std::size_t length = 0; length < line.size(); ++length)
    EXPECT_FALSE(CheckpointBook::parse(line.substr(0, length)));
}

TEST_F(AuditProof, AnEndThatWasCutOffTogetherWithTheHeadIsFound) {
  work(5);
  const Files older = read_files(options.directory);
  work(5);
  write_files(options.directory, older);
  EXPECT_TRUE(verify_log().ok);  // sound in itself: this is what checkpoints elsewhere are for
  const Report report = held_against(told);
  EXPECT_FALSE(report.ok);
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_THAT(report.problems[0], HasSubstr("an older copy of the log was put back, or its end was cut off"));
  EXPECT_THAT(report.problems[0], HasSubstr("records 9 to 14 are gone"));
}

TEST_F(AuditProof, AnEndThatWasCutOffIsFound) {
  work(5);
  Files files = read_files(options.directory);
  work(5);
  files["head"] = read_files(options.directory)["head"];
  write_files(options.directory, files);
  EXPECT_THAT(held_against(told).problems,
              Contains(HasSubstr("the log's end was cut off: it ends at sequence 8")));
}

TEST_F(AuditProof, AnOlderCopyThatTheServiceWentOnWithIsFound) {
  work(5);
  const Files older = read_files(options.directory);
  work(5);
  const std::string before = std::exchange(told, {});
  write_files(options.directory, older);
  clock.now += milliseconds(3'600'000);
  work(20);
  EXPECT_TRUE(verify_log().ok);
  EXPECT_TRUE(held_against(told).ok);
  for (const auto& known : {before, before + told}) {
    const Report report = held_against(known);
    ASSERT_THAT(report.problems, SizeIs(1));
    EXPECT_THAT(report.problems[0],
                HasSubstr("an older copy of the log was put back, and the service went on with it"));
    EXPECT_THAT(report.problems[0], HasSubstr("Up to sequence 8"));
  }
}

TEST_F(AuditProof, ARewrittenLogIsFoundEvenIfItsForgerHasTheKey) {
  work(5);
  const Files older = read_files(options.directory);
  const auto then = WallTime(clock.now);
  work(5);
  const std::string before = std::exchange(told, {});
  write_files(options.directory, older);
  // The same number of records at the same times, but not the same records.
  clock.now.at = then;
  {
    const auto log = open();
    for (int i = 0; i < 5; ++i) {
      clock.now += milliseconds(60'000);
      ASSERT_TRUE(log->append_and_wait(sign_in("FORGED")));
    }
  }
  EXPECT_TRUE(verify_log().ok);
  const Report report = held_against(before);
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_THAT(report.problems[0], HasSubstr("the log was rewritten"));
  EXPECT_THAT(report.problems[0], HasSubstr("Up to sequence 8"));
}

TEST_F(AuditProof, TwoServicesThatWriteWithOneKeyAreFound) {
  work(5);
  const Files common = read_files(options.directory);
  Files ours = common;
  Files theirs = common;
  // By turns, in two places, as a copied machine does.
  for (int turn = 0; turn < 3; ++turn) {
    write_files(options.directory, ours);
    work(4);
    ours = read_files(options.directory);
    write_files(options.directory, theirs);
    work(3);
    theirs = read_files(options.directory);
  }
  for (const auto& files : {ours, theirs}) {
    write_files(options.directory, files);
    EXPECT_TRUE(verify_log().ok);
    const Report report = held_against(told);
    EXPECT_FALSE(report.ok);
    EXPECT_THAT(report.problems,
                Contains(HasSubstr("two services wrote a log with this key at the same time")));
  }
}

TEST_F(AuditProof, TwoServicesInOneFileAreFound) {
  work(3);
  Files files = read_files(options.directory);
  std::string& content = files[newest()];
  // Line 4 a second time, as another service that saw line 3 last would have written it.
  const auto line = parse_line(line_of(4));
  std::string second;
  append_line(second, 4, line->time, line->prev, "\"event\":\"sign_in\",\"person\":\"OTHER\"");
  content.insert(content.find("{\"seq\":5,"), second);
  write_files(options.directory, files);
  EXPECT_THAT(
      verify_log().problems,
      Contains(HasSubstr("sequence 4 stands twice, both times behind the same line: two services wrote")));
}

TEST_F(AuditProof, ASecondServiceIsKeptOutAndNeverWritesOverTheOthersSegment) {
  const auto log = open();
  EXPECT_EQ(try_open().error().code, Errc::unavailable);
  // The lock is gone, as with a file system that has none: the other service has made the next segment.
  append(*log, 2);
  for (std::uint64_t sequence = 3; sequence < 300; ++sequence)
    std::ofstream(path(segment_name(sequence))) << "another service's\n";
  Result<void> refused;
  for (int i = 0; i < 200 && refused; ++i) refused = log->append_and_wait(sign_in("P"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_THAT(refused.error().context, HasSubstr("does another one write this log, too?"));
  EXPECT_FALSE(log->health().ok);
  for (std::uint64_t sequence = 3; sequence < 300; ++sequence)
    EXPECT_EQ(std::filesystem::file_size(path(segment_name(sequence))), 18U);
}

TEST_F(AuditProof, AnotherMachinesLogIsToldFromThisOne) {
  work(5);
  const std::string here = std::exchange(told, {});
  const Files mine = read_files(options.directory);
  std::filesystem::remove_all(options.directory);
  clock.now += milliseconds(1);
  {
    const auto log = Log::open(options, test_key(8), clock).value();
    append(*log, 5);
  }
  // Theirs in the place of mine: with my key, and without it.
  EXPECT_THAT(held_against(here).problems,
              Contains(HasSubstr("nothing in the log is signed with the key that was given")));
  const auto book = CheckpointBook::parse(here).value();
  const auto believed = verify(options.directory, Question{.book = &book}).value();
  EXPECT_THAT(believed.problems, ElementsAre(HasSubstr("none of the checkpoints is of this log")));
  // Checkpoints of several machines in one file: each log finds its own.
  const std::string both = here + told;
  write_files(options.directory, mine);
  const Report report = held_against(both);
  EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
  EXPECT_THAT(report.notes, Contains(HasSubstr("checkpoints of other logs were passed over")));
}

TEST_F(AuditProof, AForeignSegmentIsNamed) {
  work(200);
  Files files = read_files(options.directory);
  const auto name = segments()[1];
  auto& content = files[name];
  const auto id = parse_line(content.substr(0, content.find('\n')))->details().at("log").as_string();
  content.replace(content.find(std::string(id)), 22, "AAAAAAAAAAAAAAAAAAAAAA");
  write_files(options.directory, files);
  const Report report = verify_log();
  EXPECT_THAT(report.problems, Contains(HasSubstr("the segment is of another log: its id is AAAA")));
  EXPECT_EQ(report.first_bad, parse_segment_name(name));
}

TEST_F(AuditProof, ALogThatMovedToAnotherMachineSaysSo) {
  options.machine = "machine-one";
  work(2);
  work(2);
  EXPECT_THAT(verify_log().notes, IsEmpty());
  EXPECT_THAT(event_names(), Not(Contains("incident")));
  options.machine = "machine-two";
  work(2);
  EXPECT_TRUE(verify_log().ok) << testing::PrintToString(verify_log().problems);
  EXPECT_THAT(verify_log().notes, ElementsAre(HasSubstr("was written on another machine than before")));
  EXPECT_THAT(event_names(), Contains("incident"));
  EXPECT_EQ(segments().size(), 2U);
  work(2);
  const auto names = event_names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "incident"), 1);
}

TEST_F(AuditProof, ACompressedSegmentIsNamedAndAMissingOneToo) {
  work(300);
  const Files sound = read_files(options.directory);
  const auto name = segments()[1];
  Files files = sound;
  files.erase(name);
  write_files(options.directory, files);
  EXPECT_THAT(verify_log().problems, ElementsAre(HasSubstr("are missing: there is no segment for them")));
  for (const std::string ending : {".gz", ".zst", ".xz"}) {
    files = sound;
    auto node = files.extract(name);
    node.key() += ending;
    files.insert(std::move(node));
    write_files(options.directory, files);
    EXPECT_THAT(
        verify_log().problems,
        ElementsAre(HasSubstr(name + ending + " lies there compressed: unpack it, and verify again")));
  }
  Files all = sound;
  for (const auto& [file, content] : sound) {
    if (!file.ends_with(".jsonl")) continue;
    all.erase(file);
    all[file + ".gz"] = content;
  }
  write_files(options.directory, all);
  EXPECT_THAT(verify(options.directory, std::nullopt).error().context,
              HasSubstr("only compressed segments are here"));
}

TEST_F(AuditProof, ANewerFormatIsNamed) {
  work(1);
  Files files = read_files(options.directory);
  auto& content = files[newest()];
  content.replace(content.find("\"format\":1"), 10, "\"format\":2");
  write_files(options.directory, files);
  EXPECT_THAT(verify_log().problems, Contains(HasSubstr("format version 2, which a newer cardgate wrote")));
}

TEST_F(AuditProof, AKeyThatWasChangedInOrderIsToldFromAForgedOne) {
  work(3);
  const std::string first_key_checkpoints = told;
  ASSERT_TRUE(rotate_key(options, test_key(7), test_key(8), clock));
  EXPECT_EQ(try_open(7).error().code, Errc::invalid_argument);
  {
    const auto log = Log::open(options, test_key(8), clock).value();
    append(*log, 3);
  }
  EXPECT_EQ(*read_public_key(path("key.pub")), test_key(8).public_key());
  // Either key may be the one that is pinned, or none.
  for (const auto key : {std::uint8_t(7), std::uint8_t(8)}) {
    const auto report = verify(options.directory, test_key(key).public_key()).value();
    EXPECT_TRUE(report.ok) << testing::PrintToString(report.problems);
    EXPECT_THAT(report.keys, SizeIs(2));
    EXPECT_THAT(report.notes, ElementsAre(HasSubstr("the signing key was changed in order")));
  }
  EXPECT_TRUE(verify(options.directory, std::nullopt)->ok);
  EXPECT_FALSE(verify(options.directory, test_key(9).public_key())->ok);
  EXPECT_TRUE(held_against(first_key_checkpoints).ok);
  EXPECT_TRUE(held_against(told).ok);
  // A second time.
  ASSERT_TRUE(rotate_key(options, test_key(8), test_key(9), clock));
  EXPECT_THAT(verify_log().keys, SizeIs(3));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditProof, AnOlderCopyFromBeforeTheKeyWasChangedIsNotTakenForWhole) {
  work(3);
  const Files older = read_files(options.directory);
  const std::string before = std::exchange(told, {});
  ASSERT_TRUE(rotate_key(options, test_key(7), test_key(8), clock));
  // What was kept elsewhere has none of the key before from behind the older copy's end.
  told = before;
  {
    const auto log = Log::open(options, test_key(8), clock).value();
    append(*log, 3);
  }
  EXPECT_TRUE(held_against(told).ok);
  write_files(options.directory, older);
  const auto book = CheckpointBook::parse(told).value();
  for (const auto& key : {std::optional<PublicKey>(test_key(7).public_key()), std::optional<PublicKey>()}) {
    EXPECT_THAT(verify(options.directory, Question{.key = key, .book = &book})->problems,
                ElementsAre(HasSubstr("An older copy from before the key was changed was put back")));
  }
}

TEST_F(AuditProof, WithoutAKeyForgedCheckpointsDoNotPushTheGenuineOnesAside) {
  work(3);
  const std::string genuine = std::exchange(told, {});
  const auto line = parse_line(line_of(3));
  // Somebody's log in the place of it, and one checkpoint of it among the genuine ones.
  std::filesystem::remove_all(options.directory);
  clock.now += milliseconds(1);
  {
    const auto log = Log::open(options, test_key(66), clock).value();
    append(*log, 3);
  }
  const auto book = CheckpointBook::parse(genuine + told).value();
  EXPECT_THAT(verify(options.directory, Question{.book = &book})->problems,
              ElementsAre(HasSubstr("the checkpoints are of more than one log")));
  const auto pinned = verify(options.directory, Question{.key = test_key(66).public_key(), .book = &book});
  EXPECT_TRUE(pinned->ok) << testing::PrintToString(pinned->problems);
  // The same with checkpoints that do not name their log, as of earlier versions.
  const auto nameless = CheckpointBook::parse(
      told + checkpoint_line(3, line->time, no_hash(), segment_name(1), false, "", test_key(7)));
  EXPECT_THAT(verify(options.directory, Question{.book = &*nameless})->problems,
              ElementsAre(HasSubstr("the checkpoints are signed with more than one key")));
  EXPECT_TRUE(verify(options.directory, Question{.key = test_key(66).public_key(), .book = &*nameless})->ok);
}

/// Who can write the disk adds well-chained lines to the end, and the next start signs them.
class AuditForgedTail : public AuditProof {
 protected:
  void forge(const std::string& body) {
    Files files = read_files(options.directory);
    add_to(files[newest()], body);
    write_files(options.directory, files);
  }
  static void add_to(std::string& content, const std::string& body) {
    const std::string last = content.substr(content.rfind('\n', content.size() - 2) + 1);
    const auto line = parse_line(std::string_view(last).substr(0, last.size() - 1));
    append_line(content, line->sequence + 1, line->time, chain_hash(last), body);
  }
};

TEST_F(AuditForgedTail, AForgedRetentionRecordHidesNothing) {
  for (const std::size_t room : {std::size_t{1} << 20, std::size_t{600}, std::size_t{0}}) {
    std::filesystem::remove_all(options.directory);
    work(200);
    Files files = read_files(options.directory);
    const auto names = segments();
    ASSERT_GT(names.size(), 1U);
    const auto& second = files[names[1]];
    Record record{.event = "retention"};
    record.details = {{"first_kept", *parse_segment_name(names[1])},
                      {"kept_prev", parse_line(second.substr(0, second.find('\n')))->prev},
                      {"segments", 1}};
    auto& content = files[names.back()];
    // Into an open segment, into a full one, and into one that is longer than it may be.
    while (content.size() + room < options.segment_bytes + 400 && room < 1000)
      add_to(content, R"("event":"sign_in","person":")" + std::string(60, 'x') + "\"");
    add_to(content, encode_unchecked(record));
    files.erase(names[0]);
    write_files(options.directory, files);
    work(1);
    EXPECT_THAT(verify_log().problems, Contains(HasSubstr("no signed retention record says so"))) << room;
    EXPECT_THAT(event_names(), Contains("incident"));
    work(150);
    EXPECT_FALSE(verify_log().ok) << room;
  }
}

TEST_F(AuditForgedTail, AForgedChangeOfTheKeyVouchesForNoKey) {
  work(3);
  Record record{.event = "audit_key"};
  record.details = {{"key", to_base64url(test_key(66).public_key())}, {"key_before", "x"}};
  forge(encode_unchecked(record));
  work(200);
  EXPECT_TRUE(verify_log().ok) << testing::PrintToString(verify_log().problems);
  EXPECT_THAT(event_names(), Contains("incident"));
  // Everything behind the first segment is made anew by somebody with the other key.
  Files files = read_files(options.directory);
  const auto names = segments();
  ASSERT_GT(names.size(), 1U);
  const auto header = parse_line(files[names[1]].substr(0, files[names[1]].find('\n')));
  std::string forged;
  Record first{.event = "segment"};
  first.details = {{"format", 1}, {"key", to_base64url(test_key(66).public_key())}};
  append_line(forged, header->sequence, header->time, header->prev, encode_unchecked(first));
  std::string checkpoint = checkpoint_line(header->sequence + 1, header->time, chain_hash(forged), names[1],
                                           false, "", test_key(66));
  for (std::size_t i = 2; i < names.size(); ++i) files.erase(names[i]);
  files[names[1]] = forged + checkpoint;
  checkpoint.pop_back();
  files["head"] = head_text(checkpoint);
  files["key.pub"] = key_file_text(test_key(66).public_key());
  write_files(options.directory, files);
  EXPECT_THAT(verify(options.directory, test_key(7).public_key())->problems,
              Contains(HasSubstr("names another signing key")));
}

TEST_F(AuditProof, AKeyThatNobodyVouchesForIsForged) {
  work(3);
  ASSERT_TRUE(rotate_key(options, test_key(7), test_key(8), clock));
  Files files = read_files(options.directory);
  // The record that vouches is changed to name another key, with which the forger signs what follows.
  const std::string last = segments().back();
  std::string forged;
  Record record{.event = "segment"};
  record.details = {{"format", 1}, {"key", to_base64url(test_key(66).public_key())}};
  const auto header = parse_line(files[last].substr(0, files[last].find('\n')));
  append_line(forged, header->sequence, header->time, header->prev, encode_unchecked(record));
  std::string checkpoint =
      checkpoint_line(header->sequence + 1, header->time, chain_hash(forged), last, false, "", test_key(66));
  files[last] = forged + checkpoint;
  checkpoint.pop_back();
  files["head"] = head_text(checkpoint);
  files["key.pub"] = key_file_text(test_key(66).public_key());
  write_files(options.directory, files);
  for (const auto& key : {std::optional<PublicKey>(test_key(7).public_key()), std::optional<PublicKey>()}) {
    EXPECT_THAT(verify(options.directory, key)->problems, Contains(HasSubstr("names another signing key")));
  }
  EXPECT_FALSE(verify(options.directory, test_key(66).public_key())->ok);
}

TEST_F(AuditProof, AChangeOfTheKeyThatACrashBrokeOffIsFinishedByDoingItAgain) {
  work(3);
  ASSERT_TRUE(rotate_key(options, test_key(7), test_key(8), clock));
  const Files whole = read_files(options.directory);
  const auto names = segments();
  // key.pub not yet written; the new segment without its checkpoint; the new segment not there.
  for (int step = 0; step < 3; ++step) {
    Files files = whole;
    files["key.pub"] = key_file_text(test_key(7).public_key());
    if (step > 0) {
      files[names.back()].resize(files[names.back()].find('\n') + 1);
      std::string end = files[names.front()];
      end.pop_back();
      files["head"] = head_text(end.substr(end.rfind('\n') + 1));
    }
    if (step > 1) files.erase(names.back());
    write_files(options.directory, files);
    const auto again = rotate_key(options, test_key(7), test_key(8), clock);
    ASSERT_TRUE(again) << step << again.error().message();
    EXPECT_TRUE(verify(options.directory, test_key(7).public_key())->ok) << step;
    EXPECT_EQ(*read_public_key(path("key.pub")), test_key(8).public_key());
    EXPECT_TRUE(Log::open(options, test_key(8), clock)) << step;
  }
}

TEST_F(AuditProof, OneRecordIsProvedOrRefuted) {
  work(300);
  const std::string line = line_of(100);
  const Report proved = held_against("", 100, line);
  ASSERT_TRUE(proved.ok && proved.proof);
  EXPECT_TRUE(proved.proof->found && proved.proof->same);
  EXPECT_GT(proved.proof->signed_by, 100U);
  EXPECT_EQ(proved.proof->line, line);
  EXPECT_EQ(proved.proof->segment, segments()[0]);
  std::string other = line;
  other.replace(other.find("\"P1\""), 4, "\"P2\"");
  const Report refuted = held_against("", 100, other);
  EXPECT_TRUE(refuted.proof->found);
  EXPECT_FALSE(refuted.proof->same);
  EXPECT_FALSE(held_against("", 100'000).proof->found);
  const auto log = open();
  append(*log, 1);
  const Report later = held_against("", log->health().next_sequence - 1);
  EXPECT_TRUE(later.proof->same);
  EXPECT_EQ(later.proof->signed_by, 0U);
}

}  // namespace
}  // namespace cardgate::audit
