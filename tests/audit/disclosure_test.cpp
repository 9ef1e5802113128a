// SPDX-License-Identifier: Apache-2.0
// What of the log is kept, what is deleted, and what is handed to others.
#include "audit/disclosure.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/record.hpp"
#include "base/file.hpp"
#include "tests/audit/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::audit {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto a_day = std::chrono::hours(24);

class AuditKeeping : public AuditTest {
 protected:
  void work(int count, const std::string& event = "sign_in") {
    const auto log = open();
    ASSERT_TRUE(log);
    for (int i = 0; i < count; ++i) {
      Record record = sign_in("P");
      record.event = event;
      ASSERT_TRUE(log->append_and_wait(record));
    }
  }
};

TEST_F(AuditKeeping, WhatIsOldEnoughGoesInWholeSegments) {
  options.keeping.all = a_day * 30;
  work(300);
  const auto first = segments();
  ASSERT_GT(first.size(), 2U);
  clock.now += a_day * 29;
  work(150);
  EXPECT_EQ(segments().front(), first.front());
  clock.now += a_day * 2;
  work(150);
  EXPECT_EQ(segments().front(), first.front()) << "the clock has said this day for less than a day";
  clock.now += a_day * 1;
  work(150);
  EXPECT_THAT(segments(), Not(Contains(first.front())));
  EXPECT_THAT(event_names(), Contains("retention"));
  EXPECT_TRUE(verify_log().ok) << testing::PrintToString(verify_log().problems);
  // What is younger is there.
  EXPECT_GE(people().size(), 450U);
}

TEST_F(AuditKeeping, OneRecordThatMustStayKeepsItsSegment) {
  options.keeping.all = a_day * 30;
  options.keeping.events["form"] = a_day * 3650;
  options.keeping.events["token"] = a_day;
  work(1, "form");
  work(300);
  const auto first = segments().front();
  clock.now += a_day * 300;
  work(200);
  EXPECT_EQ(segments().front(), first);
  clock.now += a_day * 3650;
  work(200);
  clock.now += a_day;
  work(200);
  EXPECT_THAT(segments(), Not(Contains(first)));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditKeeping, ShorterKeptKindsGoSooner) {
  options.keeping.all = a_day * 3650;
  options.keeping.events["token"] = a_day;
  work(300, "token");
  const auto first = segments().front();
  clock.now += a_day * 2;
  work(200, "token");
  clock.now += a_day;
  work(200, "token");
  EXPECT_THAT(segments(), Not(Contains(first)));
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditKeeping, AClockThatIsSetForwardCostsNothingForADayAndThenAFewFilesAtATime) {
  options.keeping.all = a_day * 30;
  work(1600);
  const auto before = segments();
  ASSERT_GT(before.size(), 7U);
  clock.now += a_day * 3650;
  work(300);
  EXPECT_EQ(segments().front(), before.front());
  clock.now += std::chrono::hours(23);
  work(300);
  EXPECT_EQ(segments().front(), before.front()) << "the service began anew, the day did not";
  clock.now += std::chrono::hours(1);
  const auto log = open();
  for (int i = 0; i < 300 && segments().front() == before.front(); ++i) append(*log, 1);
  EXPECT_EQ(segments().front(), before[4]);
}

TEST_F(AuditKeeping, AClockThatJumpsTwiceDeletesNothing) {
  options.keeping.all = a_day * 30;
  options.segment_after = a_day * 30;
  work(300);
  const auto first = segments().front();
  for (const int years : {10, 11, 12}) {
    clock.now += a_day * 365 * years;
    work(3);
    clock.now += -(a_day * 365 * years);
    work(3);
  }
  EXPECT_EQ(segments().front(), first);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditKeeping, BothRulesMustAllowADeletion) {
  options.keeping.all = a_day * 30;
  options.keep_segments = 100;
  work(300);
  const auto first = segments().front();
  for (const int days : {31, 2, 2}) {
    clock.now += a_day * days;
    work(200);
  }
  EXPECT_EQ(segments().front(), first);
}

TEST_F(AuditKeeping, AnOldSegmentEndsEvenIfItIsNotFull) {
  options.segment_after = a_day * 30;
  work(2);
  clock.now += a_day * 29;
  work(1);
  EXPECT_EQ(segments().size(), 1U);
  clock.now += a_day * 2;
  work(1);
  EXPECT_EQ(segments().size(), 2U);
  work(3);
  EXPECT_EQ(segments().size(), 2U);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditKeeping, ALegalHoldStopsAllDeletionAndIsOnRecord) {
  options.keep_segments = 2;
  work(1);
  std::ofstream(path("hold")) << "Case 17: keep all.\n";
  work(800);
  EXPECT_GT(segments().size(), 3U);
  std::vector<std::string> acts;
  const auto look = [&] {
    acts.clear();
    (void)for_each(options.directory, [&](const json::object& record, std::string_view) {
      if (record.at("event") == "audit_hold")
        acts.push_back(std::string(record.at("details").at("act").as_string()) + ": " +
                       std::string(record.at("reason").as_string()));
      return true;
    });
  };
  look();
  EXPECT_THAT(acts, ElementsAre("set: Case 17: keep all."));
  std::ofstream(path("hold")) << "Case 18, too.\n";
  work(1);
  look();
  EXPECT_THAT(acts, ElementsAre("set: Case 17: keep all.", "changed: Case 18, too."));
  std::filesystem::remove(path("hold"));
  work(1);
  look();
  EXPECT_THAT(acts, Contains("released: Case 18, too."));
  work(200);
  EXPECT_EQ(segments().size(), 2U);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditKeeping, AHoldThatCannotBeReadHolds) {
  options.keep_segments = 2;
  work(1);
  std::filesystem::create_directory(path("hold"));
  work(800);
  EXPECT_GT(segments().size(), 3U);
  EXPECT_TRUE(verify_log().ok);
}

TEST_F(AuditKeeping, AHoldWhoseNoteCannotBeKeptRefusesNoRecords) {
  // As on a full disk: what would keep the note can be neither read nor written.
  work(1);
  std::filesystem::create_directory(path("hold-recorded"));
  std::ofstream(path("hold")) << "Case 17\n";
  options.checkpoint_every = 2;
  options.checkpoint_after = milliseconds(1);
  {
    const auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE((*opened)->append_and_wait(sign_in("P")));
    EXPECT_TRUE((*opened)->health().ok);
    EXPECT_THAT((*opened)->health().problem, HasSubstr("legal hold cannot be kept"));
  }
  const auto names = event_names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "audit_hold"), 1);
  std::filesystem::remove(path("hold-recorded"));
  work(1);
  EXPECT_EQ(read_file(path("hold-recorded"), 100).value(), "Case 17\n");
}

TEST_F(AuditKeeping, AHoldThatIsLiftedForAMomentLeavesItsTraceBeforeAnythingGoes) {
  options.keep_segments = 2;
  options.checkpoint_after = std::chrono::hours(1);
  std::filesystem::create_directory(options.directory);
  std::ofstream(path("hold")) << "Case 17\n";
  {
    const auto log = open();
    append(*log, 600);
    const auto before = segments();
    ASSERT_GT(before.size(), 3U);
    std::filesystem::remove(path("hold"));
    for (int i = 0; i < 300 && segments().front() == before.front(); ++i) append(*log, 1);
    std::ofstream(path("hold")) << "Case 17\n";
  }
  const auto names = event_names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "audit_hold"), 2) << "released, and set again";
  const auto released = std::find(names.begin(), names.end(), "audit_hold");
  EXPECT_LT(released, std::find(names.begin(), names.end(), "retention"));
  EXPECT_TRUE(verify_log().ok);
}

class AuditDisclosure : public AuditTest {
 protected:
  void write_story() {
    const auto log = open();
    const auto add = [&](Record record) { ASSERT_TRUE(log->append_and_wait(std::move(record))); };
    add({.event = "sign_in", .person = "10017", .client = "uid 1000", .session = "S1"});
    add({.event = "token", .person = "10017", .role = "core", .client = "uid 1000", .session = "S1"});
    add({.event = "sign_in", .person = "100170", .client = "uid 1000", .session = "S2"});
    add({.event = "looked_at", .person = "20002", .details = {{"by", "10017"}}});
    add({.event = "looked_at", .details = {{"by", "root"}, {"people", {"20002", "10017"}}}});
    add({.event = "incident", .reason = "somebody said 10017 aloud"});
    add({.event = "token_refused",
         .person = "Zo\"e",
         .role = "=cmd()",
         .session = "S3",
         .reason = "access_denied"});
    add({.event = "fault", .reason = "free text of a person, with a comma", .details = {{"text", "10017"}}});
  }
  std::vector<std::string> selected(const Selection& selection) {
    std::vector<std::string> out;
    const auto walked =
        for_each_selected(options.directory, selection, [&](const json::object& record, std::string_view) {
          out.emplace_back(record.at("event").as_string());
          return true;
        });
    EXPECT_TRUE(walked);
    return out;
  }
  /// Runs what the README of the evidence says to run, as it stands there, in the folder.
  static std::pair<int, std::string> follow_readme(const std::filesystem::path& folder) {
    const auto text = read_file(folder / "README", 1 << 16).value();
    std::string script;
    for (std::size_t at = text.find("```sh\n"); at != std::string::npos; at = text.find("```sh\n", at)) {
      at += 6;
      script += text.substr(at, text.find("```", at) - at);
    }
    EXPECT_THAT(script, AllOf(HasSubstr("b2sum"), HasSubstr("openssl")));
    std::ofstream(folder.parent_path() / "script") << "cd '" << folder.string() << "'\n" << script;
    const auto said = folder.parent_path() / "said";
    const int status = std::system(
        ("sh '" + (folder.parent_path() / "script").string() + "' >'" + said.string() + "' 2>&1").c_str());
    return {WEXITSTATUS(status), read_file(said, 1 << 20).value()};
  }
};

TEST_F(AuditDisclosure, AllThatTheLogHoldsOnOnePerson) {
  write_story();
  EXPECT_THAT(selected({.person = "10017"}),
              ElementsAre("sign_in", "token", "looked_at", "looked_at", "fault"));
  EXPECT_THAT(selected({.person = "Zo\"e"}), ElementsAre("token_refused"));
  EXPECT_THAT(selected({.person = "1001"}), ElementsAre());
  EXPECT_THAT(selected({.session = "S1"}), ElementsAre("sign_in", "token"));
  EXPECT_THAT(selected({.person = "10017", .session = "S2"}), ElementsAre());
  EXPECT_EQ(selected({}).size(), 8U);
  EXPECT_THAT(selected({.until = "2026-03-02T09:00:00.000Z"}), ElementsAre());
  EXPECT_EQ(selected({.since = "2026-03-02T09:00:00.000Z"}).size(), 8U);
}

TEST_F(AuditDisclosure, EvidenceIsVerifiedWithoutCardgateByWhatItsReadmeSays) {
  options.checkpoint_every = 4;
  write_story();
  ASSERT_TRUE(rotate_key(options, test_key(7), test_key(8), clock));
  {
    const auto log = Log::open(options, test_key(8), clock).value();
    ASSERT_TRUE(log->append_and_wait(sign_in("10017")));
    append(*log, 9);
  }
  const auto out = root / "case 17";
  const auto made = write_evidence(options.directory, {.person = "10017"}, out, "Case 17");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->selected, 6U);
  EXPECT_EQ(made->pieces, 3U);
  EXPECT_EQ(write_evidence(options.directory, {.person = "10017"}, out, "").error().code,
            Errc::already_exists);
  const auto [status, said] = follow_readme(out);
  EXPECT_EQ(status, 0) << said;
  std::size_t proved = 0;
  for (std::size_t at = said.find(": proved"); at != std::string::npos; at = said.find(": proved", at + 1))
    ++proved;
  EXPECT_EQ(proved, 3U) << said;
  EXPECT_THAT(said,
              AllOf(HasSubstr("The files are complete."), HasSubstr(to_base64url(test_key(7).public_key())),
                    HasSubstr(to_base64url(test_key(8).public_key())), Not(HasSubstr("ALTERED")),
                    Not(HasSubstr("NOT VALID"))));

  // Whatever is changed in it is found by the same commands.
  std::filesystem::path piece;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
    if (entry.path().extension() == ".jsonl") piece = entry.path();
  }
  const std::string sound = read_file(piece, 1 << 20).value();
  std::string altered = sound;
  altered.replace(altered.find("uid 1000"), 8, "uid 1001");
  std::ofstream(piece) << altered;
  EXPECT_THAT(follow_readme(out).second, AllOf(HasSubstr("ALTERED"), Not(HasSubstr("complete"))));
  altered = sound;
  altered[altered.rfind("\"time\":\"2026") + 11] = '7';
  std::ofstream(piece) << altered;
  EXPECT_THAT(follow_readme(out).second, HasSubstr("THE SIGNATURE IS NOT VALID"));
}

TEST_F(AuditDisclosure, ForgedLinesBeforeAGenuineCheckpointAreNotProvedHoweverTheFileEnds) {
  options.checkpoint_every = 4;
  write_story();
  const auto out = root / "case";
  ASSERT_TRUE(write_evidence(options.directory, {.session = "S1"}, out, ""));
  std::filesystem::path piece;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(out)) {
    if (entry.path().extension() == ".jsonl") piece = entry.path();
  }
  std::string genuine = read_file(piece, 1 << 20).value();
  genuine.pop_back();
  const std::string checkpoint = genuine.substr(genuine.rfind('\n') + 1);
  std::string forged;
  append_line(forged, 4, "2026-03-02T09:00:00.000Z", std::string(64, 'a'),
              "\"event\":\"token\",\"person\":\"VICTIM\"");
  for (const auto* end : {"", "\n"}) {
    std::ofstream(piece) << forged << checkpoint << end;
    const auto said = follow_readme(out).second;
    EXPECT_THAT(said, AllOf(HasSubstr("ALTERED at or before line 2"), Not(HasSubstr(": proved"))));
  }
  // A sound piece whose last newline was lost says no less than it did.
  std::ofstream(piece) << genuine;
  EXPECT_THAT(follow_readme(out).second, HasSubstr(": proved"));
  // Nothing out of a file is sent to the terminal.
  std::ofstream(piece) << "\x1b[2J" << forged << "\x1b[31mx\n" << checkpoint;
  EXPECT_THAT(follow_readme(out).second, AllOf(HasSubstr("ALTERED"), Not(HasSubstr("\x1b"))));
}

TEST_F(AuditDisclosure, OnlyAKeyOfSuchALogIsShownAsOne) {
  options.checkpoint_every = 4;
  write_story();
  const auto out = root / "case";
  ASSERT_TRUE(write_evidence(options.directory, {.session = "S1"}, out, ""));
  // An X25519 key, as long and with the same last 32 bytes; and one that is longer.
  const auto genuine = test_key().public_key();
  Bytes other{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00};
  other.insert(other.end(), genuine.begin(), genuine.end());
  std::ofstream(out / key_id(genuine) / "key.pem") << "-----BEGIN PUBLIC KEY-----\n"
                                                   << to_base64(other) << "\n-----END PUBLIC KEY-----\n";
  EXPECT_THAT(follow_readme(out).second,
              AllOf(HasSubstr("NOT A KEY OF SUCH A LOG"), HasSubstr("THE SIGNATURE IS NOT VALID"),
                    Not(HasSubstr(to_base64url(genuine)))));
}

TEST_F(AuditDisclosure, TheReadmeSaysNothingThatSomebodyWroteIntoTheLogsHeader) {
  options.checkpoint_every = 4;
  write_story();
  Files files = read_files(options.directory);
  auto& content = files[newest()];
  const auto id = content.find("\"log\":\"") + 7;
  content.replace(id, 22, "\\n```sh\\necho hacked\\n```\\n");
  write_files(options.directory, files);
  const auto out = root / "case";
  ASSERT_TRUE(write_evidence(options.directory, {.session = "S1"}, out, ""));
  EXPECT_THAT(read_file(out / "README", 1 << 16).value(), Not(HasSubstr("hacked")));
}

TEST_F(AuditDisclosure, WhoDoubtsTheSenderHasTheCommandsFromTheDocument) {
  options.checkpoint_every = 4;
  write_story();
  const auto out = root / "case";
  ASSERT_TRUE(write_evidence(options.directory, {.session = "S1"}, out, ""));
  const auto readme = read_file(out / "README", 1 << 16).value();
  const auto document = read_file(source_file("docs/audit-format.md"), 1 << 20).value();
  const auto begin = readme.find("```sh\nsha256sum");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_THAT(document, HasSubstr(readme.substr(begin, readme.rfind("```") - begin)));
}

TEST_F(AuditDisclosure, WhatOfTheLogIsMissingIsSaid) {
  {
    const auto log = open();
    append(*log, 700);
  }
  const Files sound = read_files(options.directory);
  const auto names = segments();
  ASSERT_GT(names.size(), 3U);
  const auto missing = [&](const Files& files) {
    write_files(options.directory, files);
    const auto walked = for_each_selected(options.directory, {}, [](const auto&, auto) { return true; });
    std::filesystem::remove_all(root / "out");
    const auto made = write_evidence(options.directory, {.person = "P3"}, root / "out", "");
    EXPECT_TRUE(made);
    EXPECT_TRUE(walked);
    EXPECT_EQ(made->missing, *walked);
    return *walked;
  };
  EXPECT_THAT(missing(sound), ElementsAre());
  const auto second = *parse_segment_name(names[1]);
  const auto third = *parse_segment_name(names[2]);
  Files files = sound;
  const auto nul = files[names[1]].find("sign_in", 2000);
  files[names[1]][nul] = '\0';
  EXPECT_THAT(missing(files), ElementsAre(HasSubstr(fmt::format(" to {} are missing", third - 1))));
  files = sound;
  files.erase(names[1]);
  EXPECT_THAT(missing(files), ElementsAre(fmt::format("records {} to {} are missing", second, third - 1)));
  files[names[1] + ".gz"] = "x";
  EXPECT_THAT(missing(files), ElementsAre(HasSubstr(".gz lies there compressed"), HasSubstr("are missing")));
  files = sound;
  files[names[1] + ".gz"] = "a copy";
  EXPECT_THAT(missing(files), ElementsAre());
  files = sound;
  files.erase(names.back());
  EXPECT_THAT(missing(files), ElementsAre(HasSubstr("are missing at the end")));
}

TEST_F(AuditDisclosure, AnExportThatFailsLeavesNoHalfOfAFolder) {
  options.checkpoint_every = 4;
  write_story();
  Files files = read_files(options.directory);
  files[newest()] += std::string(max_line_bytes + 2, 'x') + "\n";
  write_files(options.directory, files);
  EXPECT_EQ(write_evidence(options.directory, {.person = "10017"}, root / "out", "").error().code,
            Errc::corrupt);
  EXPECT_FALSE(std::filesystem::exists(root / "out"));
}

TEST_F(AuditDisclosure, ALogWithoutCheckpointsDoesNotFillTheMemory) {
  write_story();
  Files files = read_files(options.directory);
  auto& content = files[newest()];
  std::string last = content.substr(content.rfind('\n', content.size() - 2) + 1);
  const std::string body =
      R"("event":"sign_in","person":"P","details":{"x":")" + std::string(4000, 'x') + "\"}";
  for (std::uint64_t sequence = parse_line(last.substr(0, last.size() - 1))->sequence + 1;
       content.size() < 70U << 20U; ++sequence)
    append_line(content, sequence, "2026-03-02T09:00:00.000Z", no_hash(), body);
  write_files(options.directory, files);
  EXPECT_EQ(write_evidence(options.directory, {.person = "P"}, root / "out", "").error().code,
            Errc::too_large);
  EXPECT_FALSE(std::filesystem::exists(root / "out"));
}

TEST_F(AuditDisclosure, EvidenceOfNothingIsNotMade) {
  write_story();
  EXPECT_EQ(write_evidence(options.directory, {.person = "nobody"}, root / "out", "").error().code,
            Errc::not_found);
  EXPECT_FALSE(std::filesystem::exists(root / "out"));
  const auto log = open();
  ASSERT_TRUE(log->append_and_wait(sign_in("late")));
  const auto unsigned_yet = write_evidence(options.directory, {.person = "late"}, root / "out", "");
  EXPECT_THAT(unsigned_yet.error().context, HasSubstr("not signed yet"));
}

TEST_F(AuditDisclosure, FiguresHaveNoNamesNoFreeTextAndNoFormulas) {
  write_story();
  const Bytes key(32, 1);
  std::string all;
  std::size_t rows = 0;
  ASSERT_TRUE(for_each_line(options.directory, [&](const RawLine& line) {
    const auto row = pseudonymous_csv(line.text, key);
    rows += row.empty() ? 0U : 1U;
    all += row + "\n";
    EXPECT_TRUE(row.empty() || std::count(row.begin(), row.end(), ',') == 6) << row;
    return true;
  }));
  EXPECT_EQ(rows, 8U);
  for (const auto* secret : {"10017", "Zo", "uid 1000", "S1", "=cmd", "free text", "aloud", "20002"})
    EXPECT_THAT(all, Not(HasSubstr(secret)));
  EXPECT_THAT(
      all, AllOf(HasSubstr("2026-03-02T09:00Z,sign_in,"), HasSubstr("access_denied"), HasSubstr(",core,")));
  // What people type as a reason, or send as a kind of event, is free text, however it looks.
  const auto typed = [&](Record record) {
    std::string line;
    append_line(line, 1, "2026-03-02T09:00:00.000Z", no_hash(), encode_unchecked(record));
    line.pop_back();
    return pseudonymous_csv(line, key);
  };
  EXPECT_THAT(typed({.event = "removal", .person = "A", .reason = "zoe_is_pregnant"}),
              AllOf(HasSubstr(",removal,"), Not(HasSubstr("zoe"))));
  EXPECT_THAT(typed({.event = "removal", .person = "A", .reason = "card_of_zoe"}), Not(HasSubstr("zoe")));
  EXPECT_EQ(typed({.event = "=cmd(),x", .person = "A"}), "");
  // One person, one code; another key, another one.
  const auto row_of = [&](const Record& record, const Bytes& with) {
    std::string line;
    append_line(line, 1, "2026-03-02T09:00:00.000Z", no_hash(), encode(record).value());
    line.pop_back();
    return pseudonymous_csv(line, with);
  };
  EXPECT_EQ(row_of(sign_in("A"), key), row_of(sign_in("A"), key));
  EXPECT_NE(row_of(sign_in("A"), key), row_of(sign_in("B"), key));
  EXPECT_NE(row_of(sign_in("A"), key), row_of(sign_in("A"), Bytes(32, 2)));
}

}  // namespace
}  // namespace cardgate::audit
