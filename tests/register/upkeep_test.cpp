// SPDX-License-Identifier: Apache-2.0
// The register's file looked after while it is in use: checked, copied, restored; and files of the first layout.
#include "register/upkeep.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "register/checked_copy.hpp"
#include "register/credentials.hpp"
#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::atomic<bool> not_stopped = false;

std::string table_of(int people, std::string_view name = "Person") {
  std::string table = "id,name,email,employed_from,card_uuid\n";
  for (int i = 0; i < people; ++i) {
    table += fmt::format("p{0},{1} {0},p{0}@hospital.example,2020-01-01,10000000-0000-4000-8000-{0:012}\n", i,
                         name);
  }
  return table;
}

void overwrite(const fs::path& file, std::uintmax_t from, std::size_t bytes) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(from));
  out << std::string(bytes, '\x5a');
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Upkeep : public testing::Test {
 protected:
  Upkeep() : staff(open(folder.file())) { import_csv(*staff, table_of(300)); }
  Folder folder;
  fs::path backup = folder.path() / "backup.db";
  std::unique_ptr<Register> staff;
};

TEST_F(Upkeep, ABackupIsOneFileOfItsOwnerAndARegister) {
  const auto copied = back_up(folder.file(), backup, not_stopped);
  ASSERT_TRUE(copied) << copied.error().context;
  EXPECT_EQ(copied->people, 300U);
  EXPECT_EQ(copied->bytes, fs::file_size(backup));
  EXPECT_EQ(fs::status(backup).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(backup.string() + "-wal"));
  EXPECT_FALSE(fs::exists(backup.string() + ".part"));
  EXPECT_TRUE(check_backup(backup, not_stopped));
  EXPECT_EQ(open(backup)->person("p7")->email, "p7@hospital.example");
  EXPECT_EQ(back_up(folder.file(), backup, not_stopped).error().code, Errc::already_exists);
}

TEST_F(Upkeep, ACheckedBackupIsOneFileAndOfADamagedRegisterThereIsNone) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  ASSERT_TRUE(check_copy(backup, not_stopped));
  EXPECT_FALSE(fs::exists(backup.string() + "-wal")) << "the check leaves nothing beside it";
  EXPECT_FALSE(fs::exists(backup.string() + "-shm"));
  EXPECT_TRUE(check_backup(backup, not_stopped));
  fs::remove(backup);
  {
    // Whole pages, and rows that contradict each other.
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA foreign_keys = OFF; UPDATE person SET line_manager = 999999 WHERE pk = 1");
  }
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped))
      << "as it is, for whoever wants what can still be read";
  const auto refused = check_copy(backup, not_stopped);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  EXPECT_THAT(refused.error().context, HasSubstr("the staff register is damaged"));
  EXPECT_FALSE(fs::exists(backup)) << "it is no backup";
}

TEST_F(Upkeep, ABackupHoldsOneStateWhateverIsWrittenMeanwhile) {
  std::atomic<bool> done = false;
  std::thread writer([&] {
    auto second = open(folder.file());
    for (int i = 0; i < 20 || !done; ++i) import_csv(*second, table_of(300, i % 2 == 0 ? "Even" : "Odd"));
  });
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
    auto copy = open(backup);
    const std::string first = copy->person("p0")->name;
    EXPECT_EQ(copy->person("p299")->name, first.substr(0, first.find(' ')) + " 299");
    copy.reset();
    fs::remove(backup);
  }
  done = true;
  writer.join();
}

TEST_F(Upkeep, ARestoreIsSeenAtOnceByWhoeverHasTheRegisterOpen) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  import_csv(*staff, table_of(400, "Later"));
  auto reader = open(folder.file());
  EXPECT_EQ(reader->person("p7")->name, "Later 7");
  ASSERT_TRUE(check_backup(backup, not_stopped));
  const auto restored = restore(backup, folder.file());
  ASSERT_TRUE(restored) << restored.error().context;
  EXPECT_EQ(restored->people, 300U);
  EXPECT_EQ(reader->person("p7")->name, "Person 7");
  EXPECT_EQ(reader->person("p350").error().code, Errc::not_found);
  EXPECT_EQ(*staff->count(), 300U);
  EXPECT_EQ(import_csv(*staff, table_of(300)).unchanged, 300U) << "and changes go on";
  EXPECT_THAT(*check_register(folder.file(), Depth::full, not_stopped), IsEmpty());
}

TEST_F(Upkeep, ARestoreGivesNothingBackThatWasTakenAwaySince) {
  ASSERT_TRUE(staff->change("p1", [](Person& next) -> Result<void> {
    auto& asked = next.removals.emplace_back();
    asked.reason = "Why";
    asked.requested_by = "p9";
    return {};
  }));
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  const auto remove = [&](const char* id, bool again) {
    ASSERT_TRUE(staff->change(id, [&](Person& next) -> Result<void> {
      next.removed = true;
      next.removed_reason = "Why";
      if (again) next.removals.clear();
      auto& done = next.removals.emplace_back();
      done.id = again ? 1 : 0;
      done.state = Removal::State::done;
      done.reason = "Why";
      done.requested_by = "p9";
      done.done_by = "p8";
      return {};
    }));
  };
  remove("p1", true);
  remove("p2", false);
  import(*staff,
         "people: [{id: p3, name: P, cards: [{uuid: 10000000-0000-4000-8000-000000000003, status: lost}]}]");
  ASSERT_TRUE(staff->set_setting("setup", "closed"));
  const auto restored = restore(backup, folder.file());
  ASSERT_TRUE(restored) << restored.error().context;
  EXPECT_THAT(restored->still_removed, ElementsAre("p1", "p2"));
  EXPECT_EQ(restored->still_blocked_cards, 1U);
  for (const char* id : {"p1", "p2"}) {
    const Person person = *staff->person(id);
    EXPECT_TRUE(person.removed) << id;
    EXPECT_EQ(person.removed_reason, "Why");
    ASSERT_EQ(person.removals.size(), 1U) << id;
    EXPECT_EQ(person.removals[0].state, Removal::State::done);
    EXPECT_EQ(person.removals[0].done_by, "p8");
  }
  EXPECT_FALSE(staff->person("p4")->removed);
  EXPECT_EQ(staff->person("p3")->cards.front().status, "lost");
  EXPECT_EQ(*staff->setting("setup"), "closed");
}

TEST_F(Upkeep, WhoeverCameAndWasRemovedSinceTheBackupStaysRemoved) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  import(*staff,
         "people: [{id: p900, name: Bo, removed: {reason: Why}, "
         "cards: [{uuid: 10000000-0000-4000-8000-0000000000b0, status: lost}]}]");
  const auto restored = restore(backup, folder.file());
  ASSERT_TRUE(restored) << restored.error().context;
  EXPECT_THAT(restored->still_removed, ElementsAre("p900"));
  EXPECT_EQ(restored->still_blocked_cards, 1U);
  // As the newest staff file brings them back.
  import_csv(*staff, "id,name,card_uuid\np900,Bo,10000000-0000-4000-8000-0000000000b0\n");
  EXPECT_TRUE(staff->person("p900")->removed);
  EXPECT_EQ(staff->person("p900")->cards.front().status, "lost");
}

TEST_F(Upkeep, FormsAndDelegationsThatWereTakenBackSinceStaySo) {
  import_csv(*staff, "id,line_manager\np1,p9\n");
  const auto given = [](Person& next) -> Result<void> {
    for (int i = 0; i < 2; ++i) {
      auto& form = next.forms.emplace_back();
      form.kind = "ESR06";
      form.role = "core";
      form.state = Form::State::approved;
    }
    next.delegations.push_back({0, "p9", "core", {}, {}, false});
    next.acting.push_back({0, "p9", {}, {}, "p9", false});
    return {};
  };
  ASSERT_TRUE(staff->change("p2", given));
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  ASSERT_TRUE(staff->change("p2", [](Person& next) -> Result<void> {
    next.forms.front().state = Form::State::withdrawn;
    next.forms.front().closed_reason = "Moved";
    next.delegations.front().revoked = true;
    next.acting.front().revoked = true;
    return {};
  }));
  const Person taken = *staff->person("p2");
  const auto restored = restore(backup, folder.file());
  ASSERT_TRUE(restored) << restored.error().context;
  EXPECT_EQ(*staff->person("p2"), taken);
}

TEST_F(Upkeep, PasswordsAndCodesAreTheNewest) {
  const WallTime now = start_of(date("2026-06-01"));
  const ThrottleRules rules{5, seconds(30), seconds(900), 50, hours(1), 100, 10, hours(24), 1000};
  auto credentials = open_credentials(folder.file(), rules).value();
  const auto set = [&](const char* id, const char* hash, WallTime at) {
    ASSERT_TRUE(credentials->set_password({id, hash, false, {}}, {}, at));
  };
  set("p1", "old", now);
  set("p2", "kept", now);
  ASSERT_TRUE(credentials->request_activation(1000, "p3", now));
  ASSERT_TRUE(credentials->set_code("p3", "code", now - hours(1), now + hours(1)));
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  set("p1", "new", now + hours(1));
  ASSERT_TRUE(credentials->activate("p3", "code", "first", now));
  const auto restored = restore(backup, folder.file());
  ASSERT_TRUE(restored) << restored.error().context;
  const auto hash_of = [&](const char* id, CredentialKind kind = CredentialKind::password) {
    return credentials->begin(kind, id, 1000, now)->credential.hash;
  };
  EXPECT_EQ(hash_of("p1"), "new");
  EXPECT_EQ(hash_of("p2"), "kept");
  EXPECT_EQ(hash_of("p3"), "first");
  EXPECT_EQ(hash_of("p3", CredentialKind::code), "") << "a code works once";
}

TEST_F(Upkeep, ARegisterThatWentAwayIsMissedAndNotBegunAnew) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  staff.reset();
  fs::remove(folder.file());
  EXPECT_EQ(check_register(folder.file(), Depth::full, not_stopped).error().code, Errc::not_found);
  EXPECT_EQ(back_up(folder.file(), folder.path() / "other.db", not_stopped).error().code, Errc::not_found);
  EXPECT_EQ(open_sqlite_again(folder.file()).error().code, Errc::not_found);
  EXPECT_FALSE(restore(backup, folder.file()));
  EXPECT_FALSE(fs::exists(folder.file()));
}

TEST_F(Upkeep, ABackupThatWentAwayIsNotRestoredAsNobody) {
  EXPECT_EQ(restore(backup, folder.file()).error().code, Errc::not_found);
  EXPECT_FALSE(fs::exists(backup));
  EXPECT_EQ(*staff->count(), 300U);
}

TEST_F(Upkeep, NumbersGivenSinceTheBackupAreNotGivenAgain) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  const auto form_of = [&](const char* id) {
    const auto changed = staff->change(id, [](Person& next) -> Result<void> {
      auto& form = next.forms.emplace_back();
      form.kind = "ESR06";
      form.role = "core";
      return {};
    });
    return changed->forms.front().id;
  };
  const auto before = form_of("p1");
  ASSERT_TRUE(restore(backup, folder.file()));
  EXPECT_GT(form_of("p2"), before);
}

TEST_F(Upkeep, DamagedBackupsAreRefusedAndNothingIsChanged) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  const std::string whole = content_of(backup);
  const auto refused = [&](std::string_view bytes) {
    std::ofstream(backup, std::ios::binary | std::ios::trunc) << bytes;
    const auto outcome = check_backup(backup, not_stopped);
    EXPECT_FALSE(outcome);
    return outcome ? Errc::ok : outcome.error().code;
  };
  for (std::size_t length = 0; length < whole.size(); length += 5003) {
    EXPECT_EQ(refused(std::string_view(whole).substr(0, length)), Errc::corrupt) << length;
  }
  for (std::size_t page = 0; page < whole.size() / 4096; ++page) {
    std::string broken = whole;
    broken.replace(page * 4096, 4096, std::string(4096, '\x5a'));
    EXPECT_EQ(refused(broken), Errc::corrupt) << page;
  }
  fs::remove(backup);
  EXPECT_EQ(check_backup(backup, not_stopped).error().code, Errc::not_found);
  EXPECT_FALSE(fs::exists(backup)) << "none is made";
  EXPECT_EQ(*staff->count(), 300U);
}

TEST_F(Upkeep, ARegisterTooDamagedToSayWhoWasRemovedIsNotRestoredInto) {
  ASSERT_TRUE(back_up(folder.file(), backup, not_stopped));
  staff.reset();
  overwrite(folder.file(), 4096, fs::file_size(folder.file()) - 4096);
  const std::string damaged = content_of(folder.file());
  const auto restored = restore(backup, folder.file());
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Errc::corrupt);
  EXPECT_THAT(restored.error().context, HasSubstr("too damaged to say which people had access removed"));
  EXPECT_EQ(content_of(folder.file()), damaged);
}

TEST_F(Upkeep, ABackupWithStrangeTablesOrRowsIsRefused) {
  const auto with = [&](const char* sql) {
    fs::remove(backup);
    EXPECT_TRUE(back_up(folder.file(), backup, not_stopped));
    {
      SQLite::Database database(backup.string(), SQLite::OPEN_READWRITE);
      database.exec(sql);
    }
    const auto outcome = check_backup(backup, not_stopped);
    return outcome ? Errc::ok : outcome.error().code;
  };
  EXPECT_EQ(with("SELECT 1"), Errc::ok);
  EXPECT_EQ(with("CREATE TRIGGER t AFTER UPDATE ON person BEGIN UPDATE person SET removed = 0; END"),
            Errc::corrupt);
  EXPECT_EQ(with("CREATE TABLE more (x)"), Errc::corrupt);
  EXPECT_EQ(with("DROP INDEX card_person"), Errc::corrupt);
  EXPECT_EQ(with("PRAGMA foreign_keys = OFF; UPDATE person SET line_manager = 999999 WHERE pk = 1"),
            Errc::corrupt);
  EXPECT_EQ(with("PRAGMA user_version = 99"), Errc::unavailable);
}

TEST_F(Upkeep, DamageInALargeFileIsFoundByTheCheckAndNeverPutRight) {
  ASSERT_TRUE(staff->import(parse_import_csv(table_of(30'000, std::string(180, 'n')), "f").file));
  staff.reset();
  const auto size = fs::file_size(folder.file());
  ASSERT_GT(size, 10U << 20U) << "larger than what is checked whole at the start";
  EXPECT_THAT(*check_register(folder.file(), Depth::quick, not_stopped), IsEmpty());
  // Cut short, or another file's: found at the start.
  const std::string whole = content_of(folder.file());
  fs::resize_file(folder.file(), size - 4096);
  EXPECT_EQ(open_sqlite(folder.file()).error().code, Errc::corrupt);
  std::ofstream(folder.file(), std::ios::binary | std::ios::trunc) << whole;
  for (std::uintmax_t at = size / 2; at < size / 2 + 40 * 4096; at += 4096)
    overwrite(folder.file(), at / 4096 * 4096, 4096);
  const std::string damaged = content_of(folder.file());
  EXPECT_THAT(*check_register(folder.file(), Depth::quick, not_stopped), Not(IsEmpty()));
  EXPECT_THAT(*check_register(folder.file(), Depth::full, not_stopped), Not(IsEmpty()));
  EXPECT_EQ(content_of(folder.file()), damaged);
}

TEST_F(Upkeep, LongWorkEndsWhenTheServiceStops) {
  const std::atomic<bool> stop = true;
  import_csv(*staff, table_of(20'000));
  EXPECT_EQ(check_register(folder.file(), Depth::full, stop).error().code, Errc::cancelled);
  EXPECT_EQ(back_up(folder.file(), backup, stop).error().code, Errc::cancelled);
  EXPECT_FALSE(fs::exists(backup) || fs::exists(backup.string() + ".part"));
}

// The tables of layout 1 as they were, with somebody in each.
constexpr const char* layout_1 = R"sql(
CREATE TABLE person (pk INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, email TEXT NOT NULL DEFAULT '',
  line_manager INTEGER REFERENCES person(pk), employed_from INTEGER, employed_until INTEGER,
  removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)), removed_reason TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX person_line_manager ON person(line_manager);
CREATE TABLE unix_account (person INTEGER NOT NULL REFERENCES person(pk), account TEXT NOT NULL) STRICT;
CREATE INDEX unix_account_person ON unix_account(person);
CREATE INDEX unix_account_account ON unix_account(account);
CREATE TABLE team (person INTEGER NOT NULL REFERENCES person(pk), team TEXT NOT NULL) STRICT;
CREATE INDEX team_person ON team(person);
CREATE TABLE card (uuid TEXT NOT NULL UNIQUE, person INTEGER NOT NULL REFERENCES person(pk),
  status TEXT NOT NULL CHECK (status IN ('active', 'lost', 'replaced', 'revoked')), valid_until INTEGER) STRICT;
CREATE INDEX card_person ON card(person);
CREATE TABLE identity (person INTEGER NOT NULL REFERENCES person(pk), kind TEXT NOT NULL, value TEXT NOT NULL) STRICT;
CREATE INDEX identity_person ON identity(person);
CREATE INDEX identity_value ON identity(kind, value);
CREATE TABLE form (person INTEGER NOT NULL REFERENCES person(pk), kind TEXT NOT NULL, role TEXT NOT NULL,
  verified INTEGER NOT NULL CHECK (verified IN (0, 1)), approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
  withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)), verified_by TEXT NOT NULL, approved_by TEXT NOT NULL,
  verified_on INTEGER, approved_on INTEGER, valid_from INTEGER, valid_until INTEGER) STRICT;
CREATE INDEX form_person ON form(person);
CREATE TABLE declaration (person INTEGER NOT NULL REFERENCES person(pk), name TEXT NOT NULL, version TEXT NOT NULL,
  signed_on INTEGER NOT NULL, valid_until INTEGER) STRICT;
CREATE INDEX declaration_person ON declaration(person);
CREATE TABLE training (person INTEGER NOT NULL REFERENCES person(pk), course TEXT NOT NULL, completed_on INTEGER NOT NULL,
  valid_until INTEGER) STRICT;
CREATE INDEX training_person ON training(person);
CREATE TABLE delegation (person INTEGER NOT NULL REFERENCES person(pk), grantor INTEGER NOT NULL REFERENCES person(pk),
  role TEXT NOT NULL, valid_from INTEGER, valid_until INTEGER, revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))) STRICT;
CREATE INDEX delegation_person ON delegation(person);
CREATE INDEX delegation_grantor ON delegation(grantor);
PRAGMA application_id = 0x63677267;
PRAGMA user_version = 1;
INSERT INTO person VALUES (1, 'boss', 'Boss', '', NULL, 14610, NULL, 0, ''),
  (2, 'ama', 'Ama', 'ama@hospital.example', 1, 18262, 22279, 1, 'Lost laptop');
INSERT INTO unix_account VALUES (2, 'ama'), (2, 'ward4');
INSERT INTO team VALUES (2, 't');
INSERT INTO card VALUES ('8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01', 2, 'lost', 22279);
INSERT INTO identity VALUES (2, 'upn', 'ama@hospital.example');
INSERT INTO form VALUES (2, 'ESR06', 'core', 1, 1, 0, 'boss', 'third', 20000, 20001, 20002, 21000),
  (2, 'ESR06', 'a', 1, 0, 0, 'boss', '', 20000, NULL, NULL, NULL), (2, 'ESR06', 'b', 0, 0, 0, '', '', NULL, NULL, NULL, NULL),
  (2, 'ESR06', 'c', 1, 1, 1, 'boss', 'third', NULL, NULL, NULL, NULL);
INSERT INTO declaration VALUES (2, 'd', '1', 20454, 21000);
INSERT INTO training VALUES (2, 'c', 20454, NULL);
INSERT INTO delegation VALUES (2, 1, 'r', 20000, 21000, 0), (2, 1, 's', NULL, NULL, 1);
)sql";

TEST(Layout1, BecomesLayout2WithAllThatIsInIt) {
  Folder folder;
  {
    SQLite::Database old(folder.file().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    old.exec(layout_1);
  }
  fs::permissions(folder.file(), fs::perms::owner_read | fs::perms::owner_write);
  const auto day = [](int days) { return Date(std::chrono::sys_days(std::chrono::days(days))); };
  auto staff = open(folder.file());
  ASSERT_TRUE(staff);
  Person expected;
  expected.id = "ama";
  expected.name = "Ama";
  expected.email = "ama@hospital.example";
  expected.line_manager = "boss";
  expected.employed_from = day(18262);
  expected.employed_until = day(22279);
  expected.removed = true;
  expected.removed_reason = "Lost laptop";
  expected.unix_accounts = {"ama", "ward4"};
  expected.teams = {"t"};
  expected.cards = {{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", "lost", day(22279)}};
  expected.identities = {{"upn", "ama@hospital.example"}};
  expected.forms.resize(4);
  for (std::size_t i = 0; i < 4; ++i) {
    auto& form = expected.forms[i];
    form.id = static_cast<std::int64_t>(i) + 1;
    form.kind = "ESR06";
    form.verified_by = i == 2 ? "" : "boss";
    form.approved_by = i == 0 || i == 3 ? "third" : "";
    form.verifier_known = i != 2;  // "third" is nobody
  }
  expected.forms[0].role = "core";
  expected.forms[0].verified_on = expected.forms[1].verified_on = day(20000);
  expected.forms[0].approved_on = day(20001);
  expected.forms[0].valid_from = day(20002);
  expected.forms[0].valid_until = day(21000);
  expected.forms[0].state = Form::State::approved;
  expected.forms[1].role = "a";
  expected.forms[1].state = Form::State::verified;
  expected.forms[2].role = "b";
  expected.forms[2].state = Form::State::submitted;
  expected.forms[3].role = "c";
  expected.forms[3].state = Form::State::withdrawn;
  expected.declarations = {{"d", "1", day(20454), day(21000)}};
  expected.training = {{"c", day(20454), std::nullopt}};
  expected.delegations = {{1, "boss", "r", day(20000), day(21000), false}, {2, "boss", "s", {}, {}, true}};
  EXPECT_EQ(*staff->person("ama"), expected);
  EXPECT_TRUE(staff->person("boss")->is_line_manager);
  EXPECT_EQ(*staff->count(), 2U);
  EXPECT_THAT(*check_register(folder.file(), Depth::full, not_stopped), IsEmpty());
  staff.reset();
  EXPECT_EQ(*open(folder.file())->person("ama"), expected) << "and again, which changes nothing";
}

}  // namespace
}  // namespace cardgate::reg
