// SPDX-License-Identifier: Apache-2.0
// Reports on small logs: what each record adds, and logs that are damaged, empty, newer or being written.
#include <gtest/gtest.h>

#include <fstream>

#include "audit/line.hpp"
#include "audit/report/outages.hpp"
#include "audit/report/render.hpp"
#include "audit/report/report.hpp"
#include "tests/support/process.hpp"

namespace cardgate::audit::report {
namespace {

const WallTime noon =
    std::chrono::sys_days(Date(std::chrono::year(2026), std::chrono::month(3), std::chrono::day(2))) +
    std::chrono::hours(12);

/// Lines as a log has them; nobody checks the hashes here.
class Lines {
 public:
  std::string add(WallTime at, std::string_view body) {
    std::string line;
    append_line(line, ++seq_, to_rfc3339(at), no_hash(), body);
    all_ += line;
    line.pop_back();
    return line;
  }
  const std::string& all() const { return all_; }

 private:
  std::uint64_t seq_ = 0;
  std::string all_;
};

Ask ask_for(const std::string& kind) {
  return {.kind = kind,
          .from = noon - std::chrono::hours(12),
          .to = noon + std::chrono::hours(12),
          .now = noon + std::chrono::hours(24)};
}

class ReportFiles : public ::testing::Test {
 protected:
  void write(const std::string& content, const std::string& name = "audit-00000000000000000001.jsonl") {
    std::ofstream(scratch.path() / name, std::ios::binary) << content;
  }
  Result<Report> made(const Ask& ask) {
    Progress progress;
    return make(scratch.path(), ask, progress);
  }
  static bool says(const Report& report, std::string_view words) {
    return std::ranges::any_of(
        report.not_seen, [&](const std::string& each) { return each.find(words) != std::string::npos; });
  }
  cardgate::testing::TempDir scratch;
};

TEST(ReportEntry, QuickReadingFindsWhatSlowReadingFinds) {
  Lines lines;
  const std::string plain = lines.add(
      noon,
      R"("event":"sign_in","person":"P1","role":"core","client":"desktop","session":"s","reason":"r","policy":"p","details":{"reader":"Desk 1","uid":1000,"list":["a"]})");
  const std::string escaped =
      lines.add(noon, R"("event":"sign_in","person":"P\"1","details":{"reader":"Desk \\ 1"})");
  EntryReader reader;
  const auto quick = reader.read(plain);
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->person, "P1");
  EXPECT_EQ(quick->role, "core");
  EXPECT_EQ(quick->policy, "p");
  EXPECT_EQ(quick->time, noon);
  EXPECT_EQ(quick->text("reader"), "Desk 1");
  EXPECT_EQ(quick->number("uid"), 1000);
  const auto slow = reader.read(escaped);
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->person, "P\"1");
  EXPECT_EQ(slow->text("reader"), "Desk \\ 1");
  EXPECT_EQ(slow->seq, 2U);
}

TEST(ReportEntry, ALineCutAtAnyPlaceIsRefusedOrHasNothingMore) {
  Lines lines;
  const std::string whole =
      lines.add(noon, R"("event":"sign_in","person":"P1","details":{"reader":"Desk 1"})");
  EntryReader reader;
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(reader.read(whole.substr(0, length))) << length;
}

TEST(ReportOutages, CountOverlappingTimesOnceAndTellPlannedFromUnplanned) {
  Lines lines;
  EntryReader reader;
  Outages outages;
  const auto take = [&](WallTime at, std::string_view body) {
    const auto line = lines.add(at, body);
    outages.take(reader.read(line).value());
  };
  using std::chrono::hours;
  take(noon - hours(12), R"("event":"start","details":{})");
  take(noon - hours(6),
       R"("event":"downtime","details":{"act":"began","downtime":1,"kind":"planned","closes":true})");
  take(noon - hours(5), R"("event":"stop","reason":"asked")");
  take(noon - hours(3), R"("event":"start","details":{})");
  take(
      noon - hours(3),
      R"("event":"downtime","details":{"act":"ended","downtime":1,"kind":"planned","closes":true,"ended_at":"2026-03-02T08:00:00.000Z"})");
  // An emergency that closes nothing is no time away; and a stop that is not in the log is found by the start.
  take(noon,
       R"("event":"downtime","details":{"act":"declared","downtime":2,"kind":"emergency","closes":false})");
  take(noon + hours(1), R"("event":"sign_in","person":"P1","session":"s","details":{})");
  take(noon + hours(3), R"("event":"start","details":{})");
  const auto sum = outages.sum(noon - hours(12), noon + hours(12), noon + hours(24));
  EXPECT_EQ(sum.unplanned, hours(4));
  EXPECT_EQ(sum.planned, hours(1));  // from 6 to 7; then the service was stopped, too
  EXPECT_NEAR(sum.available, 100.0 * 19 / 24, 0.001);
  EXPECT_NEAR(sum.available_but_planned, 100.0 * 20 / 24, 0.001);
}

TEST_F(ReportFiles, APeriodBackwardsIsRefusedInWords) {
  write("");
  auto ask = ask_for("usage");
  std::swap(ask.from, ask.to);
  const auto report = made(ask);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::invalid_argument);
  EXPECT_NE(report.error().context.find("ends before it begins"), std::string::npos);
  ask = ask_for("everything");
  EXPECT_NE(made(ask).error().context.find("controls, usage, misuse, kpi"), std::string::npos);
}

TEST_F(ReportFiles, AnEmptyLogSaysSo) {
  write("");
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  EXPECT_TRUE(says(*report, "no record in this period"));
  EXPECT_EQ(report->figures.front().value, "0");
  std::filesystem::remove(scratch.path() / "audit-00000000000000000001.jsonl");
  EXPECT_EQ(made(ask_for("usage")).error().code, Errc::not_found);
}

TEST_F(ReportFiles, ADamagedLogIsReportedAsFarAsItCanBeRead) {
  Lines lines;
  lines.add(noon, R"("event":"sign_in","person":"P1","client":"desktop","session":"a","details":{})");
  const auto before = lines.all();
  Lines more;
  more.add(noon, R"("event":"sign_in","person":"P2","client":"desktop","session":"b","details":{})");
  write(before + "{\"seq\":7,broken}\n" + more.all());
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->figures.front().value, "2");
  EXPECT_TRUE(says(*report, "damaged: 1 line"));
  EXPECT_TRUE(says(*report, "cardgate audit verify"));
}

TEST_F(ReportFiles, ALineThatIsTooLongIsPassedOverAndTold) {
  Lines lines;
  lines.add(noon, R"("event":"sign_in","person":"P1","client":"desktop","session":"a","details":{})");
  write(lines.all() + std::string(3UL << 20, 'x') + "\n" + lines.all());
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->figures.front().value, "2");
  EXPECT_TRUE(says(*report, "longer than any record"));
}

TEST_F(ReportFiles, ALogBeingWrittenEndsAtItsLastWholeLine) {
  Lines lines;
  lines.add(noon, R"("event":"sign_in","person":"P1","client":"desktop","session":"a","details":{})");
  const auto half = lines.all().substr(0, 60);
  write(lines.all() + half + std::string(4096, '\0'));
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->figures.front().value, "1");
  EXPECT_FALSE(says(*report, "damaged"));
}

TEST_F(ReportFiles, ALogOfANewerVersionIsReadAsFarAsItIsKnown) {
  Lines lines;
  lines.add(noon, R"("event":"segment","details":{"format":2,"key":"k"})");
  lines.add(noon, R"("event":"teleported","person":"P1","details":{})");
  lines.add(noon, R"("event":"sign_in","person":"P1","client":"desktop","session":"a","details":{})");
  write(lines.all());
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  EXPECT_TRUE(says(*report, "newer version"));
  EXPECT_TRUE(says(*report, "teleported"));
  EXPECT_EQ(report->figures.front().value, "1");
}

TEST_F(ReportFiles, WhatWasNotDoneIsNotCounted) {
  Lines lines;
  lines.add(noon, R"("event":"sign_in","person":"P1","client":"desktop","session":"a","details":{})");
  lines.add(
      noon,
      R"("event":"sign_in_refused","person":"P1","session":"a","reason":"not done: the service stopped","details":{})");
  lines.add(
      noon,
      R"("event":"repeated","reason":"no_card","details":{"event":"sign_in_refused","count":9,"uid":1000})");
  write(lines.all());
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->figures.at(0).value, "0");
  EXPECT_EQ(report->figures.at(2).value, "9");
}

TEST_F(ReportFiles, AnotherPersonsSignInAtTheSameWorkstationHidesNoTries) {
  using std::chrono::seconds;
  const auto sign_in = [](Lines& lines, int at, std::string_view who) {
    lines.add(
        noon + seconds(at),
        fmt::format(R"("event":"sign_in","person":"{}","session":"s{}","details":{{"uid":1000}})", who, at));
  };
  const auto refused = [](Lines& lines, int at, std::string_view who) {
    lines.add(
        noon + seconds(at),
        fmt::format(
            R"("event":"sign_in_refused","person":"{}","reason":"passcode_incorrect","details":{{"peer":"uid=1000 pid=9"}})",
            who));
  };
  const auto counted = [](Lines& lines, int at) {
    lines.add(
        noon + seconds(at),
        R"("event":"repeated","reason":"passcode_incorrect","details":{"event":"sign_in_refused","count":7,"uid":1000})");
  };
  Lines before;
  refused(before, 0, "A");
  sign_in(before, 30, "B");
  counted(before, 60);
  sign_in(before, 120, "A");
  Lines behind;
  refused(behind, 0, "A");
  sign_in(behind, 20, "A");
  sign_in(behind, 30, "B");
  counted(behind, 60);
  // B only mistyped, and walked away.
  Lines mistyped;
  refused(mistyped, 0, "B");
  sign_in(mistyped, 30, "C");
  refused(mistyped, 600, "A");
  counted(mistyped, 655);
  sign_in(mistyped, 660, "A");
  // B mistyped and got in, and then somebody guesses at A.
  Lines got_in;
  refused(got_in, 0, "B");
  sign_in(got_in, 5, "B");
  refused(got_in, 20, "A");
  counted(got_in, 30);
  sign_in(got_in, 60, "A");
  for (const auto& lines : {before, behind, mistyped, got_in}) {
    write(lines.all());
    const auto report = made(ask_for("misuse"));
    ASSERT_TRUE(report) << report.error().message();
    std::vector<std::string> found;
    for (const auto& section : report->sections) {
      for (const auto& finding : section.findings)
        if (finding.kind == "refusals_then_success") found.push_back(finding.person);
    }
    EXPECT_EQ(found, std::vector<std::string>{"A"}) << lines.all();
  }
}

TEST_F(ReportFiles, AProgramIsSeenForTheFirstTimeOnce) {
  Lines lines;
  lines.add(noon - std::chrono::hours(48),
            R"("event":"token","person":"P1","role":"core","client":"desktop","session":"a","details":{})");
  lines.add(noon,
            R"("event":"token","person":"P1","role":"core","client":"desktop","session":"a","details":{})");
  lines.add(
      noon,
      R"("event":"token","person":"P1","role":"core","client":"new-program","session":"a","details":{})");
  write(lines.all());
  const auto report = made(ask_for("usage"));
  ASSERT_TRUE(report);
  const auto& tables = report->sections.back().tables;
  const auto fresh = std::ranges::find(tables, "Seen for the first time", &Table::title);
  ASSERT_NE(fresh, tables.end());
  ASSERT_EQ(fresh->rows.size(), 1U);
  EXPECT_EQ(fresh->rows.front().front(), "new-program");
}

TEST(ReportRender, NamesInAnyScriptAndMarkupAreShownAndNeverRun) {
  Report report;
  report.title = "Usage";
  report.from = noon;
  report.to = noon + std::chrono::hours(1);
  Section section{"By role", "why", "next"};
  section.tables.push_back(
      {"Roles",
       {"Role"},
       {{"<script>alert('1')</script>"}, {"Ἀθηνᾶ 静香 مريم"}, {"\" onload=\"x"}, {"turn\u202Earound"}}});
  section.series.push_back({"<b>hours</b>", "n", {"<i>", "b"}, {1, 2}});
  section.findings.push_back(
      {"left_signed_in", "<img src=x>", noon, "<svg/onload=alert(1)>", {1}, 0, Sureness::likely, "</style>"});
  report.sections.push_back(section);
  report.not_seen.emplace_back("<iframe>");
  const auto page = to_html(report);
  for (const auto* bad : {"<script", "<img", "<svg/", "<iframe", "<b>", "<i>", "\" onload", "\u202E"})
    EXPECT_EQ(page.find(bad), std::string::npos) << bad;
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), std::string::npos);
  EXPECT_NE(page.find("Ἀθηνᾶ 静香 مريم"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
  const auto text = to_text(report);
  EXPECT_NE(text.find("静香"), std::string::npos);
  EXPECT_EQ(text.find("\u202E"), std::string::npos);
  const auto again = parse_json(rendered(report, Format::json));
  ASSERT_TRUE(again) << again.error().context;
}

TEST(ReportStanding, IsReadAsItWasWritten) {
  Standing standing;
  standing.made_at = noon;
  standing.zone = "Europe/London";
  standing.roles = {{"core", "Core ESR", "by-function"}};
  standing.plans = {{"ward-4", "10001", parse_date("2026-01-01").value(), std::nullopt}};
  standing.availability = 99.5;
  StandingPerson person;
  person.id = "10017";
  person.manager = "10001";
  person.teams = {"ward-4"};
  person.leave_from = parse_date("2026-02-01").value();
  person.cards = {{"u", "active", "10008", "10009", std::nullopt}};
  person.evidence = {{"form", "ESR06", "core", "12", "approved", "10017", "10001", "10008", std::nullopt,
                      parse_date("2027-01-01").value()}};
  auto page = to_json(standing);
  page["people"] = json::array{to_json(person)};
  Standing read;
  ASSERT_TRUE(add_page(read, page));
  ASSERT_NE(read.person("10017"), nullptr);
  EXPECT_EQ(to_json(*read.person("10017")), to_json(person));
  EXPECT_EQ(to_json(read), to_json(standing));
  EXPECT_EQ(read.department("10017"), "ward-4");
  page["people"] = json::array{json::object{{"id", "1"}, {"leave_from", "soon"}}};
  EXPECT_FALSE(add_page(read, page));
  page["people"] = json::array{7};
  EXPECT_FALSE(add_page(read, page));
}

}  // namespace
}  // namespace cardgate::audit::report
