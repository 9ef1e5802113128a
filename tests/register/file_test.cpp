// SPDX-License-Identifier: Apache-2.0
// The register's file: who may touch it, and what happens when it is not what it was.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// As the register's own files are: 0600.
void put(const fs::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

unsigned mode_of(const fs::path& file) {
  struct stat status{};
  EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
  return status.st_mode & 07777U;
}

Error refusal(const fs::path& file) {
  auto opened = open_sqlite(file);
  EXPECT_FALSE(opened);
  return opened ? Error(Errc::ok) : opened.error();
}

void fill(const fs::path& file, std::size_t people) {
  ImportFile staff;
  staff.people.resize(people);
  for (std::size_t i = 0; i < people; ++i) {
    ImportedPerson& item = staff.people[i];
    item.given.name = item.given.email = item.given.unix_accounts = true;
    item.person.id = fmt::format("p{}", i);
    item.person.name = fmt::format("Person {}", i);
    item.person.email = fmt::format("p{}@hospital.example", i);
    item.person.unix_accounts = {fmt::format("u{}", i)};
  }
  EXPECT_EQ(open(file)->import(staff)->added, people);
}

TEST(RegisterFile, IsMadeForItsOwnerAloneWhateverTheUmask) {
  Folder folder;
  const mode_t before = ::umask(0);
  {
    auto staff = open(folder.file());
    import(*staff, "people: [{id: a, name: A}]");
    for (const auto& entry : fs::directory_iterator(folder.path()))
      EXPECT_EQ(mode_of(entry.path()), 0600U) << entry;
  }
  ::umask(before);
  EXPECT_EQ(mode_of(folder.file()), 0600U);
  EXPECT_FALSE(fs::exists(folder.file().string() + ".new"));
}

TEST(RegisterFile, KeepsWhatWasImportedAcrossStarts) {
  Folder folder;
  fill(folder.file(), 3);
  auto staff = open(folder.file());
  EXPECT_EQ(*staff->count(), 3U);
  EXPECT_EQ(staff->person("p2")->email, "p2@hospital.example");
}

TEST(RegisterFile, RefusesModesAndKindsThatLetOthersIn) {
  Folder folder;
  fill(folder.file(), 1);
  for (const auto mode :
       {fs::perms::group_read, fs::perms::others_read, fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(folder.file(), mode, fs::perm_options::add);
    const Error error = refusal(folder.file());
    EXPECT_EQ(error.code, Errc::permission_denied);
    EXPECT_THAT(error.context, HasSubstr("chmod 600"));
    fs::permissions(folder.file(), mode, fs::perm_options::remove);
  }
  for (const auto mode : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(folder.path(), mode, fs::perm_options::add);
    const Error error = refusal(folder.file());
    EXPECT_EQ(error.code, Errc::permission_denied);
    EXPECT_THAT(error.context, HasSubstr("chmod go-w"));
    EXPECT_EQ(refusal(folder.path() / "other.db").code, Errc::permission_denied);  // nor is one begun there
    EXPECT_FALSE(fs::exists(folder.path() / "other.db"));
    fs::permissions(folder.path(), mode, fs::perm_options::remove);
  }
  fs::create_symlink(folder.file(), folder.path() / "link.db");
  EXPECT_EQ(refusal(folder.path() / "link.db").code, Errc::permission_denied);
  fs::create_symlink(folder.path() / "nowhere", folder.path() / "dangling.db");
  EXPECT_EQ(refusal(folder.path() / "dangling.db").code, Errc::permission_denied);
  EXPECT_EQ(refusal(folder.path()).code, Errc::permission_denied);
  EXPECT_EQ(refusal(folder.path() / "missing" / "register.db").code, Errc::not_found);
  EXPECT_TRUE(open_sqlite(folder.file()));
}

TEST(RegisterFile, CutShortAnywhereItIsDamagedAndLeftAsItIs) {
  Folder folder;
  fill(folder.file(), 200);
  const std::string whole = content(folder.file());
  ASSERT_GT(whole.size(), 16384U);
  for (std::size_t length = 0; length < whole.size(); length += length < 128 ? 1 : 1019) {
    const std::string part = whole.substr(0, length);
    put(folder.file(), part);
    auto opened = open_sqlite(folder.file());
    ASSERT_FALSE(opened) << length;
    EXPECT_EQ(opened.error().code, Errc::corrupt) << length << ": " << opened.error().context;
    ASSERT_EQ(content(folder.file()), part) << length;
  }
  put(folder.file(), whole);
  EXPECT_EQ(*open(folder.file())->count(), 200U);
}

TEST(RegisterFile, OverwrittenPagesAreDamage) {
  Folder folder;
  fill(folder.file(), 200);
  const std::string whole = content(folder.file());
  for (std::size_t page = 1; page < whole.size() / 4096; ++page) {
    std::string broken = whole;
    broken.replace(page * 4096, 4096, std::string(4096, '\x5a'));
    put(folder.file(), broken);
    auto opened = open_sqlite(folder.file());
    EXPECT_FALSE(opened) << page;
    if (!opened) {
      EXPECT_EQ(opened.error().code, Errc::corrupt) << opened.error().context;
    }
  }
}

TEST(RegisterFile, OtherFilesAreNoRegister) {
  Folder folder;
  put(folder.file(), std::string(8192, 'x'));
  EXPECT_EQ(refusal(folder.file()).code, Errc::corrupt);
  fs::remove(folder.file());
  {
    SQLite::Database other(folder.file().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    other.exec("CREATE TABLE t (x)");
  }
  fs::permissions(folder.file(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_THAT(refusal(folder.file()).context, HasSubstr("is not a staff register"));
  EXPECT_GT(fs::file_size(folder.file()), 0U);
}

TEST(RegisterFile, OneThatWasDeletedUnderItsLogIsNotBegunAgain) {
  Folder folder;
  put(folder.file().string() + "-wal", "left over");
  EXPECT_EQ(refusal(folder.file()).code, Errc::corrupt);
  EXPECT_FALSE(fs::exists(folder.file()));
}

TEST(RegisterFile, ALeftOverOfABrokenOffStartIsNoTrouble) {
  Folder folder;
  put(folder.file().string() + ".new", "half");
  EXPECT_EQ(*open(folder.file())->count(), 0U);
}

TEST(RegisterFile, MigratesFromNothingAndRefusesTheFuture) {
  Folder folder;
  open(folder.file());
  {
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 10);
    EXPECT_EQ(database.execAndGet("PRAGMA journal_mode").getString(), "wal");
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").getInt(), 21);
    database.exec("PRAGMA user_version = 99");
  }
  const Error error = refusal(folder.file());
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_THAT(error.context, HasSubstr("newer cardgate"));
  {
    SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA user_version = 0");
  }
  EXPECT_EQ(refusal(folder.file()).code, Errc::corrupt);
}

TEST(RegisterFile, DamageThatComesWhileItIsOpenIsToldAsDamage) {
  Folder folder;
  constexpr int people = 20'000;  // more than SQLite keeps in memory
  fill(folder.file(), people);
  auto staff = open(folder.file());
  const auto size = fs::file_size(folder.file());
  std::fstream file(folder.file(), std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(4096);
  file << std::string(size - 4096, '\x5a');
  file.close();
  int corrupt = 0;
  for (int i = 0; i < people; i += 1000) {
    const auto person = staff->person(fmt::format("p{}", i));
    if (!person && person.error().code == Errc::corrupt) ++corrupt;
  }
  EXPECT_GT(corrupt, 0);
}

TEST(RegisterFile, AWriterThatWaitsTooLongIsToldSo) {
  Folder folder;
  auto staff = open(folder.file());
  SQLite::Database other(folder.file().string(), SQLite::OPEN_READWRITE);
  SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);
  EXPECT_TRUE(staff->count());  // reading goes on
  const auto report = staff->import(parse_import("people: [{id: a, name: A}]", "f")->file);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::unavailable);
  EXPECT_EQ(*staff->count(), 0U);
}

}  // namespace
}  // namespace cardgate::reg
