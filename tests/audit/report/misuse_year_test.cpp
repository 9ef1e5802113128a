// SPDX-License-Identifier: Apache-2.0
// A generated stretch of an invented trust's life: every planted misuse must be found, and what is found beside them is counted.
//   CARDGATE_WHOLE_YEAR=1   a year of 5,000 people at 200 workstations, which takes minutes
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>

#include "audit/report/report.hpp"
#include "audit/verify.hpp"
#include "tests/audit/report/trust_log.hpp"
#include "tests/support/process.hpp"

namespace cardgate::audit::report {
namespace {

TrustSize size_of_trust() {
  TrustSize size;
  if (std::getenv("CARDGATE_WHOLE_YEAR") != nullptr) {
    size.people = 5000;
    size.workstations = 200;
    size.days = 365;
  }
  return size;
}

/// Written once for all tests of this file.
class TrustYear : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch = new cardgate::testing::TempDir();
    trust = new TrustLog(write_trust_log(scratch->path(), size_of_trust()));
  }
  static void TearDownTestSuite() {
    delete trust;
    delete scratch;
  }
  static Report made(const std::string& kind, bool with_standing = true) {
    Ask ask{.kind = kind, .from = trust->from, .to = trust->to, .now = trust->to};
    if (with_standing) ask.standing = &trust->standing;
    Progress progress;
    auto report = make(scratch->path(), ask, progress);
    EXPECT_TRUE(report) << report.error().message();
    return report ? *report : Report{};
  }
  static cardgate::testing::TempDir* scratch;
  static TrustLog* trust;
};
cardgate::testing::TempDir* TrustYear::scratch = nullptr;
TrustLog* TrustYear::trust = nullptr;

bool shows(const Finding& finding, const Planted& planted) {
  if (finding.kind != planted.kind || finding.person != planted.person) return false;
  return std::ranges::any_of(finding.records, [&](std::uint64_t record) {
    return std::ranges::find(planted.records, record) != planted.records.end();
  });
}

TEST_F(TrustYear, IsAWholeLog) {
  const auto proved = verify(scratch->path(), std::nullopt);
  ASSERT_TRUE(proved) << proved.error().message();
  EXPECT_TRUE(proved->ok) << (proved->problems.empty() ? "" : proved->problems.front());
}

TEST_F(TrustYear, EveryPlantedMisuseIsFound) {
  ASSERT_EQ(trust->planted.size(), 30U);
  const auto begun = std::chrono::steady_clock::now();
  const auto report = made("misuse");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::vector<Finding> all;
  for (const auto& section : report.sections)
    all.insert(all.end(), section.findings.begin(), section.findings.end());
  std::set<const Finding*> true_ones;
  std::set<std::string> kinds_found;
  for (const auto& planted : trust->planted) {
    const auto found = std::ranges::find_if(all, [&](const Finding& each) { return shows(each, planted); });
    EXPECT_NE(found, all.end()) << planted.kind << " of " << planted.person;
    if (found == all.end()) continue;
    true_ones.insert(&*found);
    kinds_found.insert(found->kind);
    EXPECT_FALSE(found->what.empty());
    EXPECT_FALSE(found->how_sure.empty());
  }
  EXPECT_EQ(kinds_found.size(), 10U);
  // What is found beside them, and how sure the report is of that.
  std::map<std::string, int> false_ones;
  int false_certain = 0;
  for (const auto& finding : all) {
    if (true_ones.contains(&finding)) continue;
    ++false_ones[finding.kind];
    if (finding.sure == Sureness::certain) ++false_certain;
  }
  int total = 0;
  for (const auto& [kind, times] : false_ones) total += times;
  std::cout << fmt::format(
      "{} records, {} MB; report on {} of {} days: {:.2f} s; {} planted, {} found, {} others ({} called "
      "certain):",
      trust->records, trust->bytes >> 20U, (trust->to - trust->from) / std::chrono::hours(24),
      size_of_trust().days, took.count(), trust->planted.size(), true_ones.size(), total, false_certain);
  for (const auto& [kind, times] : false_ones) std::cout << fmt::format(" {} {}", kind, times);
  struct rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::cout << fmt::format("; at most {} MB of memory with the generator's\n", used.ru_maxrss / 1024);
  EXPECT_EQ(false_certain, 0);
  // One for fifty people is still read through in an hour.
  EXPECT_LE(static_cast<std::size_t>(total), trust->standing.people.size() / 50);
}

TEST_F(TrustYear, WithoutTheStandingTheReportSaysWhatItCouldNotSee) {
  const auto report = made("misuse", false);
  const auto says = [&](std::string_view words) {
    return std::ranges::any_of(
        report.not_seen, [&](const std::string& each) { return each.find(words) != std::string::npos; });
  };
  EXPECT_TRUE(says("from the log alone"));
  EXPECT_TRUE(says("outside one's own team"));
}

TEST_F(TrustYear, UsageAddsUp) {
  const auto report = made("usage");
  std::uint64_t sign_ins = 0;
  std::uint64_t tokens = 0;
  Progress progress;
  EntryReader reader;
  // Counted again, the plain way.
  for (const auto& entry : std::filesystem::directory_iterator(scratch->path())) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream lines(entry.path());
    for (std::string line; std::getline(lines, line);) {
      const auto read = reader.read(line);
      ASSERT_TRUE(read);
      if (read->time < trust->from || read->time >= trust->to) continue;
      sign_ins += read->event == "sign_in" ? 1 : 0;
      tokens += read->event == "token" ? 1 : 0;
    }
  }
  EXPECT_EQ(report.figures.at(0).value, grouped(sign_ins));
  EXPECT_EQ(report.figures.at(1).value, grouped(tokens));
  const auto departments = std::ranges::find(report.sections.at(2).tables, "Departments", &Table::title);
  ASSERT_NE(departments, report.sections.at(2).tables.end());
  EXPECT_GT(departments->rows.size(), 5U);
}

TEST_F(TrustYear, ControlsFindWhoStoodOnBothSides) {
  auto& person = trust->standing.people.at("10020");
  const auto before = person;
  person.evidence.front().approved_by = person.evidence.front().verified_by;
  const auto report = made("controls");
  person = before;
  const auto duties = std::ranges::find(report.sections, "Separation of duties", &Section::title);
  ASSERT_NE(duties, report.sections.end());
  ASSERT_FALSE(duties->findings.empty());
  EXPECT_EQ(duties->findings.front().person, before.evidence.front().verified_by);
  const auto plans = std::ranges::find(report.sections, "Continuity plans", &Section::title);
  ASSERT_NE(plans, report.sections.end());
  EXPECT_EQ(plans->tables.front().rows.front().back(), "past its review");
}

TEST_F(TrustYear, ATeamsReportIsOfThatTeam) {
  Ask ask{.kind = "kpi",
          .from = trust->from,
          .to = trust->to,
          .now = trust->to,
          .standing = &trust->standing,
          .managers = {"10016"},
          .team_of = "10016"};
  Progress progress;
  const auto report = make(scratch->path(), ask, progress);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->scope, "the team of 10016");
  EXPECT_EQ(report->figures.front().value, "15");
}

}  // namespace
}  // namespace cardgate::audit::report
