// SPDX-License-Identifier: Apache-2.0
// cardgate audit report, offline on a log's directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "audit/log.hpp"
#include "base/file.hpp"
#include "tests/client/fake_service.hpp"
#include "tests/support/process.hpp"

namespace cardgate::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct AuditReportCommand : ::testing::Test {
  testing::TempDir directory;
  std::string log = (directory / "audit").string();
  std::string today = cardgate::to_text(date_of(system_clock().wall()));

  AuditReportCommand() {
    auto opened = audit::Log::open({.directory = log, .segment_bytes = 64 * 1024}, SigningKey::generate(),
                                   system_clock());
    EXPECT_TRUE(opened);
    for (const auto* person : {"10017", "10018", "<b>10019</b>"}) {
      audit::Record record;
      record.event = "sign_in";
      record.person = person;
      record.client = "desktop";
      record.session = std::string("s") + person;
      record.details = {{"reader", "Desk 1"}, {"card", "c1"}, {"uid", 1000}, {"took_ms", 700}};
      EXPECT_TRUE((*opened)->append_and_wait(record));
    }
  }
  std::vector<std::string> command(const std::string& kind, std::vector<std::string> more = {}) const {
    std::vector<std::string> out{"audit", "report", kind, "--dir", log, "--from", today, "--to", today};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
};

TEST_F(AuditReportCommand, ReportsAsTextAndJsonAndHtml) {
  const auto text = offline(command("usage"));
  EXPECT_EQ(text.status, 0) << text.all;
  EXPECT_THAT(text.output, HasSubstr("Usage and service\n====="));
  EXPECT_THAT(text.output, HasSubstr("Sign-ins         3"));
  EXPECT_THAT(text.output, HasSubstr("0.7 s"));
  EXPECT_THAT(text.output, HasSubstr("Not seen: Nothing says how people stand"));
  const auto as_json = parse_json(offline(command("usage", {"--json"})).output);
  ASSERT_TRUE(as_json);
  EXPECT_EQ(as_json->as_object().at("figures").at(0).at("value").as_string(), "3");
  for (const auto* kind : {"controls", "misuse", "kpi"}) {
    const auto page = offline(command(kind, {"--format", "html"}));
    EXPECT_EQ(page.status, 0) << page.all;
    EXPECT_THAT(page.output, HasSubstr("<!DOCTYPE html>"));
    EXPECT_THAT(page.output, Not(HasSubstr("<b>10019")));
  }
}

TEST_F(AuditReportCommand, TheStandingComesFromAFileToo) {
  const auto file = (directory / "standing.json").string();
  std::ofstream(file)
      << R"({"time_zone":"Europe/London","people":[{"id":"10017","line_manager":"10001","teams":["ward-4"],"employed_from":"2020-01-01"},
    {"id":"10018","line_manager":"10002","teams":["ward-5"],"employed_from":"2020-01-01"}]})";
  const auto whole = offline(command("usage", {"--standing", file}));
  EXPECT_EQ(whole.status, 0) << whole.all;
  EXPECT_THAT(whole.output, HasSubstr("ward-5"));
  const auto team = offline(command("usage", {"--standing", file, "--team-of", "10001"}));
  EXPECT_THAT(team.output, HasSubstr("About the team of 10001"));
  EXPECT_THAT(team.output, HasSubstr("Sign-ins         1"));
  EXPECT_THAT(team.output, Not(HasSubstr("ward-5")));
  EXPECT_THAT(offline(command("usage", {"--team-of", "10001"})).all,
              HasSubstr("Nobody says who is in the team"));
  std::ofstream(file) << "[]";
  EXPECT_EQ(offline(command("usage", {"--standing", file})).status, 4);
}

TEST_F(AuditReportCommand, TheStandingOfAllPagesIsOneFileForACopyOfTheLog) {
  FakeService service;
  service.answer(
      "GET /v1/audit/standing",
      {ok(R"({"time_zone":"Europe/London","people":[{"id":"10017","password":"void","teams":["ward-4"]}],"next":"10017"})")});
  service.answer("GET /v1/audit/standing?after=10017",
                 {ok(R"({"people":[{"id":"10018","teams":["ward-5"]}],"next":null})")});
  const auto written =
      cardgate(service.socket(), {"--admin-socket", service.socket().string(), "audit", "standing"});
  ASSERT_EQ(written.status, 0) << written.all;
  const auto file = (directory / "standing.json").string();
  std::ofstream(file) << written.output;
  const auto usage = offline(command("usage", {"--standing", file}));
  EXPECT_EQ(usage.status, 0) << usage.all;
  EXPECT_THAT(usage.output, AllOf(HasSubstr("ward-4"), HasSubstr("ward-5")));
  const auto controls = offline(command("controls", {"--standing", file}));
  EXPECT_THAT(controls.output, HasSubstr("too many wrong tries"));
  // One page alone is not taken for everybody.
  std::ofstream(file) << R"({"people":[{"id":"10017"}],"next":"10017"})";
  EXPECT_THAT(offline(command("usage", {"--standing", file})).all, HasSubstr("cardgate audit standing"));
}

TEST_F(AuditReportCommand, RefusesAPeriodBackwardsAndWhatIsNoDay) {
  const auto backwards =
      offline({"audit", "report", "usage", "--dir", log, "--from", "2026-02-01", "--to", "2026-01-01"});
  EXPECT_EQ(backwards.status, 2);
  EXPECT_THAT(backwards.all, HasSubstr("ends before it begins"));
  const auto no_day =
      offline({"audit", "report", "usage", "--dir", log, "--from", "soon", "--to", "2026-01-01"});
  EXPECT_EQ(no_day.status, 2);
  EXPECT_THAT(no_day.all, HasSubstr("--from: \"soon\" is neither"));
  EXPECT_EQ(offline({"audit", "report", "everything", "--dir", log, "--from", today, "--to", today}).status,
            2);
  EXPECT_EQ(
      offline({"audit", "report", "usage", "--dir", log + "-none", "--from", today, "--to", today}).status,
      4);
}

TEST_F(AuditReportCommand, WritesAFileWholeOrNotAtAll) {
  const auto file = (directory / "usage.html").string();
  const auto written = offline(command("usage", {"--format", "html", "--output", file}));
  EXPECT_EQ(written.status, 0) << written.all;
  EXPECT_EQ(written.output, "");
  const auto page = read_file(file, 1 << 20);
  ASSERT_TRUE(page);
  EXPECT_THAT(*page, HasSubstr("</html>"));
  const auto nowhere = offline(command("usage", {"--output", (directory / "no" / "such").string()}));
  EXPECT_EQ(nowhere.status, 4);

  // A disk of one page, which the report does not fit.
  const auto disk = (directory / "disk").string();
  std::filesystem::create_directory(disk);
  const std::string script =
      "mount -t tmpfs -o size=4k none \"$1\" || exit 77; shift; \"$@\"; echo \"status $?\"; ls -A " + disk;
  std::vector<std::string> argv{"unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh",
                                disk,      CARDGATE_COMMAND};
  for (auto& each : command("usage", {"--format", "html", "--output", disk + "/usage.html"}))
    argv.push_back(each);
  const auto full = testing::run(argv, seconds(60));
  ASSERT_TRUE(full);
  if (full->status != 0) GTEST_SKIP() << "namespaces cannot be made here: " << full->all;
  EXPECT_THAT(full->all, HasSubstr("The disk is full"));
  EXPECT_THAT(full->all, HasSubstr("status 4\n"));
  EXPECT_THAT(full->all, Not(HasSubstr("status 4\nusage"))) << "nothing of it is left";
  EXPECT_TRUE(full->output.ends_with("status 4\n")) << full->all;
}

}  // namespace
}  // namespace cardgate::client
