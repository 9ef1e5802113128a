// SPDX-License-Identifier: Apache-2.0
// Bringing people in and keeping the register safe, with the real cardgated and the real command.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "base/file.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::Stage;

class Bringing : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
  }
  HttpAnswer csv(const std::string& table, const std::string& query = {}) {
    return stage.admin("POST", "/v1/staff/import" + query, table, {"Content-Type: text/csv"});
  }
  std::string put(const std::string& name, std::string_view text) {
    EXPECT_TRUE(write_file_atomic(stage.dir / name, as_bytes(text), 0600));
    return stage.dir / name;
  }
  void expect(int status, const std::string& words, std::vector<std::string> arguments) {
    const std::string line = ::testing::PrintToString(arguments);
    const auto done = stage.cardgate(std::move(arguments));
    EXPECT_EQ(done.status, status) << line << "\n" << done.all;
    EXPECT_THAT(done.all, HasSubstr(words)) << line;
  }
  std::string name_of(const std::string& id) {
    const auto answer = stage.admin("GET", "/v1/policy/explain?role=core&person=" + id).json();
    return answer.contains("person") ? std::string(answer.at("person").at("name").as_string()) : "";
  }
  fs::path register_file() const { return stage.dir / "state" / "register.db"; }
  Stage stage;
};

TEST_F(Bringing, ATableIsTakenOverAndAgainChangesNothing) {
  const std::string table =
      "Employee Number;Full Name;Hire Date\r\n5001;\"O'Neill; Síle\";01-JAN-2020\r\n1000;;\r\n";
  const auto first = csv(table);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.json().at("added"), 1);
  EXPECT_EQ(csv(table).json().at("unchanged"), 2);
  EXPECT_EQ(name_of("5001"), "O'Neill; Síle");
  const auto bad = csv("id,Hire Date\n1000,31/02/2020\n");
  EXPECT_EQ(bad.status, 422) << bad.body;
  const auto line = bad.json().at("lines").at(0);
  EXPECT_EQ(line.at("line"), 2);
  EXPECT_EQ(line.at("column"), "Hire Date");
  EXPECT_EQ(stage.admin("GET", "/v1/staff/import").json().at("running"), false);
}

TEST_F(Bringing, ADryRunShowsEverythingAndChangesNothing) {
  const std::string table =
      "id,name,date_of_birth,national_insurance\n1000,Ada Other,1980-01-31,QQ987654C\n7,New,,\n";
  const auto dry = csv(table, "?dry_run=true");
  EXPECT_EQ(dry.status, 200) << dry.body;
  EXPECT_EQ(dry.json().at("changed"), 1);
  EXPECT_EQ(dry.json().at("differences").at(0).at("fields").at(0).at("after"), "Ada Other");
  EXPECT_THAT(dry.body, HasSubstr("enrolment details changed"));
  for (const auto* secret : {"1980", "QQ98"}) EXPECT_EQ(dry.body.find(secret), std::string::npos);
  EXPECT_EQ(name_of("1000"), "Ada Example");
  expect(0, "Ada Other", {"staff", "import", "--dry-run", put("t.csv", table)});
  expect(0, "Nothing was changed", {"staff", "import", "--dry-run", put("t.csv", table)});
  expect(0, "1 added, 1 changed, 0 unchanged", {"staff", "import", put("t.csv", table)});
  EXPECT_EQ(name_of("1000"), "Ada Other");
  EXPECT_EQ(stage.audit_text().find("QQ98"), std::string::npos);
  EXPECT_EQ(stage.daemon->output().find("1980"), std::string::npos);
}

TEST_F(Bringing, AMistypedQuestionIsNoImport) {
  for (const auto* query :
       {"?dryrun=true", "?dry_run=yes", "?leavers=all", "?allow_leavers=3", "?encoding=latin1",
        "?break_glass=", "?dry_run=true&dry_run=false", "?leavers=by-absence&allow_leavers=-1"}) {
    EXPECT_EQ(csv("id,name\n1000,Changed\n", query).status, 400) << query;
  }
  EXPECT_EQ(name_of("1000"), "Ada Example");
  EXPECT_EQ(stage.admin("POST", "/v1/staff/import", "x", {"Content-Type: text/plain"}).status, 415);
}

TEST_F(Bringing, OtherEncodingsOnlyWhenSaid) {
  const auto file = put("w.csv", "id,name\n1000,Siobh\xe1n\n");
  expect(1, "line 2: column 'name': is not UTF-8", {"staff", "import", file});
  expect(0, "1 changed", {"staff", "import", "--encoding", "windows-1252", file});
  EXPECT_EQ(name_of("1000"), "Siobhán");
}

TEST_F(Bringing, LeaversByAbsenceStopAndThenEndSessions) {
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  const auto file = put("two.csv", "id\n2000\n3000\n");
  expect(1, "1 of the 3 people who are employed today would lose access",
         {"staff", "import", "--leavers-by-absence", file});
  EXPECT_TRUE(stage.is_active(token));
  expect(0, "Ada Example", {"staff", "import", "--dry-run", "--leavers-by-absence", file});
  EXPECT_TRUE(stage.is_active(token));
  expect(0, "1 not in the file left",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "1", file});
  EXPECT_FALSE(stage.is_active(token)) << "who left is out at once";
  EXPECT_TRUE(stage.audit_says("too many would have lost access"));
}

TEST_F(Bringing, ANewcomerWhoLooksLikeWhoLeavesStopsTheImportWhateverThePercentage) {
  const auto zeros = put("zeros.csv", "id,name\n01000,Ada Example\n");
  expect(1, "1 newcomer in this file looks like somebody", {"staff", "import", zeros});
  expect(1,
         "line 2: column 'id': 01000 (Ada Example) is new: its number differs from 1000 (Ada Example) only "
         "in zeros",
         {"staff", "import", zeros});
  expect(0, "It would stop. 1 newcomer in this file", {"staff", "import", "--dry-run", zeros});
  EXPECT_TRUE(stage.audit_says("newcomers look like people on file"));
  const auto twin =
      put("twin.csv", "id,name,employed_from\n2000,,\n3000,,\n1001,\"EXAMPLE, Ada\",2020-01-01\n");
  expect(1, "1000 (Ada Example) has the same name, and leaves with this file",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "1", twin});
  EXPECT_EQ(name_of("1001"), "");
  expect(0, "1 added",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "1", "--allow-newcomers", "1", twin});
  expect(1, "but --allow-newcomers says that some do",
         {"staff", "import", "--allow-newcomers", "1", put("t.csv", "id\n2000\n")});
  EXPECT_EQ(csv("id\n2000\n", "?allow_newcomers=x").status, 400);
}

TEST_F(Bringing, TheTeamThatGivesAccessIsNotEmptiedInSilence) {
  ASSERT_EQ(csv("id,team\n1000,esr-workforce-systems\n3000,esr-workforce-systems\n2000,\n").status, 200);
  const auto file = put("one.csv", "id\n2000\n");
  expect(1, "All 2 members of the team that gives access would lose their own",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "2", file});
  expect(0, "It would stop. All 2 members",
         {"staff", "import", "--dry-run", "--leavers-by-absence", "--allow-leavers", "2", file});
  expect(0, "Warning: One member is left in the team",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "1",
          put("two.csv", "id\n2000\n3000\n")});
  expect(1, "The only member of the team",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "1", file});
  expect(0, "1 not in the file left",
         {"staff", "import", "--leavers-by-absence", "--allow-leavers", "1", "--break-glass",
          "The ward closes", file});
}

TEST_F(Bringing, ATableWithoutItsEndingIsNotReadAsYaml) {
  for (const auto* table : {"Employee Number,Full Name\n7,New\n", "\xef\xbb\xbfid;name\r\n7;New\r\n",
                            "sep=;\nid;name\n7;New\n"}) {
    const auto file = put("extract", table);
    expect(2, "This looks like a table: name it .csv or give --format csv.", {"staff", "import", file});
    expect(0, "1 added", {"staff", "import", "--dry-run", "--format", "csv", file});
  }
  expect(0, "1 changed", {"staff", "import", put("people", "people: [{id: \"1000\", name: Ada Other}]\n")});
}

TEST_F(Bringing, TheConfigurationSaysWhatANumberLooksLike) {
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.write_config("staff_ids: '[0-9]{4}'\n");
  stage.start_daemon();
  expect(1, "\"40001\" is no personnel number here: cardgated.yaml says staff_ids: '[0-9]{4}'",
         {"staff", "import", put("t.csv", "id,name\n40001,New\n")});
  expect(1, "1 line is wrong, so nothing was taken over",
         {"staff", "import", put("t.csv", "id,name\n4.0E+03,New\n")});
  expect(0, "1 added", {"staff", "import", put("t.csv", "id,name\n4000,New\n")});
}

TEST_F(Bringing, CopiedFilesOfARunningRegisterAreNoBackup) {
  fs::copy_file(register_file(), stage.dir / "copy.db");
  put("copy.db-wal", "the newest changes");
  expect(1, "copy.db-wal lies beside", {"register", "restore", stage.dir / "copy.db"});
  const fs::path backups = stage.dir / "state" / "backups";
  fs::create_directories(backups);
  fs::copy_file(register_file(), backups / "copy.db");
  std::ofstream(backups / "copy.db-wal") << "the newest changes";
  const auto answer = stage.admin("POST", "/v1/register/restore", R"({"file":"copy.db"})",
                                  {"Content-Type: application/json"});
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, HasSubstr("it is a copy of a running register's files. Nothing was changed."));
  expect(1, "That file is not a complete backup: it is cut short. Nothing was changed.",
         {"register", "restore", put("short.db", "SQLite format 3")});
}

TEST_F(Bringing, RemovedAccessStaysRemoved) {
  ASSERT_EQ(
      stage.import("people: [{id: \"1000\", name: Ada Example, removed: {reason: Lost laptop}}]").status,
      200);
  const auto back = stage.import("people: [{id: \"1000\", name: Ada Example, removed: false}]");
  EXPECT_EQ(back.status, 422);
  EXPECT_THAT(back.body, HasSubstr("cardgate removal restore"));
}

TEST_F(Bringing, AnEmergencyIsOnRecord) {
  expect(0, "",
         {"staff", "import", "--break-glass", "The team is ill & away",
          put("t.csv", "id,team\n2000,esr-workforce-systems\n")});
  EXPECT_TRUE(stage.audit_says("break_glass"));
  EXPECT_TRUE(stage.audit_says("The team is ill & away"));
}

TEST_F(Bringing, ABackupIsRestoredUnderALiveSessionAndRemovalsStay) {
  const std::string backup = stage.dir / "backup.db";
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  expect(0, "3 people", {"register", "backup", backup});
  struct stat status{};
  ASSERT_EQ(::stat(backup.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  expect(4, "already exists", {"register", "backup", backup});
  EXPECT_TRUE(fs::is_empty(stage.dir / "state" / "backups"));
  ASSERT_EQ(csv("id,name,team\n2000,Changed,\n9,Nine,\n").status, 200);
  // She is the only one of the team, so root has to say so.
  ASSERT_EQ(stage
                .admin("POST", "/v1/staff/import?break_glass=Gone",
                       "people: [{id: \"3000\", name: Tia Invented, removed: {reason: Gone}}]",
                       {"Content-Type: application/yaml"})
                .status,
            200);
  expect(0, "and stays removed:\n  Tia Invented (3000)", {"register", "restore", backup});
  EXPECT_EQ(name_of("2000"), "Max Invented");
  EXPECT_EQ(name_of("9"), "");
  EXPECT_TRUE(stage.is_active(token)) << "whoever still may goes on";
  EXPECT_EQ(stage.token().status, 200);
  EXPECT_THAT(stage.admin("GET", "/v1/policy/explain?role=core&person=3000").body,
              HasSubstr("\"allowed\":false"));
  expect(0, "is whole", {"register", "check"});
  EXPECT_TRUE(stage.audit_says("register_copied"));
  EXPECT_TRUE(fs::is_empty(stage.dir / "state" / "backups"));
}

TEST_F(Bringing, TheOldestBackupsGoOnlyWhenTheNewOneIsGood) {
  const fs::path folder = stage.dir / "kept";
  fs::create_directory(folder);
  const std::vector<std::string> run{"register", "backup", "--folder", folder, "--keep", "2"};
  const auto kept = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  };
  fs::permissions(folder, fs::perms(0777));
  expect(4, "others may write there", run);
  fs::permissions(folder, fs::perms(0700));
  for (const auto* name : {"register-2026-01-01T020000Z.db", "register-2026-01-02T020000Z.db",
                           "register-2026-01-03T020000Z.db.part", "notes.db"})
    put("kept/" + std::string(name), "old");
  ASSERT_EQ(kept().size(), 4U);

  // The service cannot make a copy: the backups of before are all that there is.
  const auto place = stage.dir / "state" / "backups";
  fs::remove_all(place);
  put("state/backups", "in the way");
  const auto failed = stage.cardgate(run);
  EXPECT_NE(failed.status, 0) << failed.all;
  EXPECT_THAT(kept(), ::testing::ElementsAre("notes.db", "register-2026-01-01T020000Z.db",
                                             "register-2026-01-02T020000Z.db"))
      << "but for what a run that was broken off had left";
  fs::remove(place);

  expect(0, "3 people", run);
  auto names = kept();
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names[0], "notes.db") << "other files are left alone";
  EXPECT_EQ(names[1], "register-2026-01-02T020000Z.db");
  EXPECT_TRUE(fs::is_empty(stage.dir / "state" / "backups"));
  ASSERT_EQ(csv("id,name\n2000,Changed\n").status, 200);
  expect(0, "", {"register", "restore", folder / names[2]});
  EXPECT_EQ(name_of("2000"), "Max Invented");
}

TEST_F(Bringing, ARestoreThatTakesAccessAwayEndsTheSession) {
  const std::string backup = stage.dir / "backup.db";
  ASSERT_EQ(stage.import(stage.people("{kind: ESR06, role: other}")).status, 200);
  expect(0, "", {"register", "backup", backup});
  ASSERT_EQ(stage.import(stage.people()).status, 200);
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  expect(0, "", {"register", "restore", backup});
  EXPECT_FALSE(stage.is_active(token));
  EXPECT_EQ(stage.token().status, 403);
}

TEST_F(Bringing, ACopyThatWasLeftBehindIsGoneBeforeTheNext) {
  const fs::path backups = stage.dir / "state" / "backups";
  fs::create_directories(backups);
  std::ofstream(backups / "passing-00.db") << "everybody";
  std::ofstream(backups / "passing-01.db") << "on its way";
  fs::last_write_time(backups / "passing-00.db", fs::file_time_type::clock::now() - std::chrono::hours(3));
  expect(0, "3 people", {"register", "backup", stage.dir / "backup.db"});
  EXPECT_FALSE(fs::exists(backups / "passing-00.db"));
  EXPECT_TRUE(fs::exists(backups / "passing-01.db"));
}

TEST_F(Bringing, ADamagedBackupIsRefusedAndTheRegisterGoesOn) {
  const fs::path backup = stage.dir / "backup.db";
  expect(0, "", {"register", "backup", backup});
  std::fstream file(backup, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(8 * 4096);
  file << std::string(4096, '\x5a');
  file.close();
  expect(1, "damaged", {"register", "restore", backup});
  expect(1, "not a staff register", {"register", "restore", put("x.db", std::string(9000, 'x'))});
  EXPECT_EQ(name_of("1000"), "Ada Example");
  EXPECT_TRUE(fs::is_empty(stage.dir / "state" / "backups"));
  for (const auto* name : {"../register.db", ".hidden", "", "a/b"}) {
    const auto body = json::serialize(json::object{{"file", name}});
    EXPECT_EQ(stage.admin("POST", "/v1/register/restore", body, {"Content-Type: application/json"}).status,
              400)
        << name;
  }
}

TEST_F(Bringing, DamageInALargeRegisterIsFoundAfterTheStartToldAndLeftAlone) {
  std::string table = "id,name,email\n";
  for (int i = 0; i < 120'000; ++i)
    table += fmt::format("p{0},Invented Person {0},p{0}@hospital.example\n", i);
  expect(0, " a second.", {"staff", "import", put("large.csv", table)});
  ASSERT_EQ(stage.stop_daemon(), 0);
  std::fstream file(register_file(), std::ios::binary | std::ios::in | std::ios::out);
  const auto middle = static_cast<std::streamoff>(fs::file_size(register_file()) / 3 / 4096 * 4096);
  ASSERT_GT(fs::file_size(register_file()), 8U << 20U);
  file.seekp(middle);
  file << std::string(4096, '\x5a');
  file.close();
  stage.start_daemon();
  ASSERT_TRUE(stage.daemon->wait_for_line("register_damaged", std::chrono::seconds(30)));
  EXPECT_THAT(stage.ask("GET", "/v1/status").body, HasSubstr("The staff register is damaged"));
  EXPECT_EQ(stage.admin("GET", "/v1/register").json().at("check"), "damaged");
  expect(1, "is damaged", {"register", "check"});
  EXPECT_TRUE(stage.audit_says("The staff register is damaged"));
  std::ifstream in(register_file(), std::ios::binary);
  in.seekg(middle);
  std::string page(4096, ' ');
  in.read(page.data(), 4096);
  EXPECT_EQ(page, std::string(4096, '\x5a')) << "nothing puts it right by itself";
}

}  // namespace
}  // namespace cardgate
