// SPDX-License-Identifier: Apache-2.0
#include "register/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file.hpp"
#include "register/schema.hpp"
#include "register/sql.hpp"
#include "register/sqlite_register.hpp"

namespace cardgate::reg {
namespace {

constexpr int busy_timeout_ms = 2000;
constexpr int max_idle_log_bytes = 16 << 20;
// 0.1 s or so; larger files are checked whole in the background (upkeep.hpp).
constexpr std::uint64_t max_whole_check_bytes = 8U << 20U;
constexpr int header_bytes = 100;  // https://www.sqlite.org/fileformat2.html, 1.3
constexpr std::string_view magic{"SQLite format 3\0", 16};
constexpr std::size_t application_id_offset = 68;

using std::filesystem::path;

path beside(const path& file, const char* suffix) {
  return file.string() + suffix;
}

Error refused(const path& file, std::string_view why) {
  return {Errc::permission_denied, fmt::format("{}: {}", file.string(), why)};
}

Error damaged(const path& file, std::string_view why) {
  return {Errc::corrupt, fmt::format("{}: {}; it is left as it is: restore a backup", file.string(), why)};
}

bool ours(const struct stat& status) {
  return status.st_uid == ::geteuid() || status.st_uid == 0;
}

Result<void> check_folder(const path& file) {
  const path folder = file.has_parent_path() ? file.parent_path() : path(".");
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return errno_error(folder.string(), errno);
  if (!S_ISDIR(status.st_mode)) return refused(folder, "is not a folder");
  if (!ours(status)) return refused(folder, "belongs to another user");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refused(folder, "others may write here; only the owner may: chmod go-w");
  }
  return {};
}

Result<void> check_file(const path& file, const struct stat& status) {
  if (!S_ISREG(status.st_mode)) return refused(file, "is not a regular file");
  if (!ours(status)) return refused(file, "belongs to another user");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refused(file, "others may read or write it; only the owner may: chmod 600");
  }
  return {};
}

/// Before SQLite reads anything, because it takes an empty file for a new database and would begin a new register there.
/// Through the file that SQLite has open: closing one of our own would drop every lock that this process holds on it, and
/// whoever came next could remove the log from under the service (https://www.sqlite.org/howtocorrupt.html, 2.2).
Result<void> check_header(SQLite::Database& database, const path& file) {
  sqlite3_file* opened = nullptr;
  if (::sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_FILE_POINTER, &opened) != SQLITE_OK)
    throw SQLite::Exception(database.getHandle());
  std::array<char, header_bytes> header{};
  const int got = opened->pMethods->xRead(opened, header.data(), header_bytes, 0);
  if (got == SQLITE_IOERR_SHORT_READ) return damaged(file, "is cut short");
  if (got != SQLITE_OK) throw SQLite::Exception(file.string(), got);
  if (std::string_view(header.data(), magic.size()) != magic) return damaged(file, "is not a staff register");
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i)
    id = (id << 8U) | static_cast<std::uint8_t>(header[application_id_offset + i]);
  if (id != static_cast<std::uint32_t>(application_id)) return damaged(file, "is not a staff register");
  return {};
}

void remove_if_there(const path& file) {
  ::unlink(file.c_str());
}

/// Made whole beside its place and then moved there, so that a file found in that place is a whole one.
Result<void> create(const path& file) {
  // An empty one is what an orderly stop leaves.
  if (struct stat status{}; ::lstat(beside(file, "-wal").c_str(), &status) == 0 && status.st_size > 0) {
    return damaged(file, "is gone, but its -wal file is still there");
  }
  const path fresh = beside(file, ".new");
  remove_if_there(fresh);
  remove_if_there(beside(fresh, "-journal"));
  FileDescriptor fd(
      ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!fd) return errno_error(fresh.string(), errno);
  if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) return errno_error(fresh.string(), errno);
  fd.reset();
  {
    SQLite::Database database(fresh.string(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA synchronous = FULL");
    migrate(database, 0);
  }
  if (::rename(fresh.c_str(), file.c_str()) != 0) return errno_error(file.string(), errno);
  return sync_directory(file.has_parent_path() ? file.parent_path() : path("."));
}

/// A file that was cut short lacks pages that its header counts. What is in the log is not in the file yet.
Result<void> check_size(SQLite::Database& database, const path& file, std::uint64_t bytes) {
  struct stat log{};
  if (::lstat(beside(file, "-wal").c_str(), &log) == 0 && log.st_size > 0) return {};
  const auto pages = database.execAndGet("PRAGMA page_count").getInt64();
  const auto page_bytes = database.execAndGet("PRAGMA page_size").getInt64();
  if (static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes) == bytes) return {};
  return damaged(file, "is not as long as it says");
}

Result<void> check_pages(SQLite::Database& database, const path& file, std::uint64_t bytes) {
  if (bytes > max_whole_check_bytes) return check_size(database, file, bytes);
  const std::string found = database.execAndGet("PRAGMA quick_check(1)").getString();
  if (found != "ok") return damaged(file, "is damaged (" + found + ")");
  return {};
}

/// Some people from all over the file, by every index that leads to them.
Result<void> check_samples(SQLite::Database& database, const path& file) {
  constexpr std::int64_t samples = 64;
  PersonReader reader(database);
  SQLite::Statement at(database, sql::id_from), last(database, sql::last_key),
      by_card(database, sql::by_card);
  Query end(last);
  const auto last_key = end.next() ? end.optional_integer().value_or(0) : 0;
  for (std::int64_t i = 0; i <= samples; ++i) {
    Query query(at, last_key * i / samples);
    if (!query.next()) continue;
    const std::string id = query.text();
    const auto row = reader.read(id);
    if (!row) return damaged(file, "is damaged (a person is missing in an index)");
    for (const auto& card : row->person.cards) {
      Query holder(by_card, card.uuid);
      if (!holder.next() || holder.text() != id)
        return damaged(file, "is damaged (a card is missing in an index)");
    }
  }
  return {};
}

Result<void> check_content(SQLite::Database& database, const path& file) {
  const int version = database.execAndGet("PRAGMA user_version").getInt();
  if (version < 1) return damaged(file, "has no layout version");
  if (version > newest_schema()) {
    return Error{
        Errc::unavailable,
        fmt::format("{}: was written by a newer cardgate (layout {}, this one knows {}): install that one",
                    file.string(), version, newest_schema())};
  }
  if (version < newest_schema()) migrate(database, version);
  if (layout_of(database) != newest_layout()) {
    return damaged(file, fmt::format("has other tables than its layout ({}) says", newest_schema()));
  }
  return {};
}

}  // namespace

Error error_of(const SQLite::Exception& failure) {
  const std::string text = fmt::format("the staff register: {}", failure.what());
  switch (failure.getErrorCode()) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return {Errc::corrupt, text + "; it is left as it is: restore a backup"};
    case SQLITE_FULL:
      return {Errc::no_space, text};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable, text};
    case SQLITE_IOERR:
      // The log's index (-shm) could not grow.
      if (failure.getExtendedErrorCode() == SQLITE_IOERR_SHMSIZE) return {Errc::no_space, text};
      return {Errc::io, text};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return {Errc::io, text};
    default:
      return {Errc::internal, text};
  }
}

Result<std::unique_ptr<SQLite::Database>> open_database(const path& file, Opening opening) {
  using Opened = Result<std::unique_ptr<SQLite::Database>>;
  return guarded([&]() -> Opened {
    TRY(check_folder(file));
    struct stat status{};
    if (::lstat(file.c_str(), &status) != 0) {
      // A register that went away under a running service must be missed, not begun anew.
      if (errno != ENOENT || opening != Opening::first) return errno_error(file.string(), errno);
      TRY(create(file));
      if (::lstat(file.c_str(), &status) != 0) return errno_error(file.string(), errno);
    }
    TRY(check_file(file, status));
    auto database = std::make_unique<SQLite::Database>(
        file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOFOLLOW, busy_timeout_ms);
    TRY(check_header(*database, file));
    // The file is data, never instructions: it may not call functions or change how it is read.
    ::sqlite3_db_config(database->getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    ::sqlite3_db_config(database->getHandle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    database->exec("PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
    const std::string journal = database->execAndGet("PRAGMA journal_mode = WAL").getString();
    if (journal != "wal")
      return Error{Errc::io,
                   fmt::format("{}: this file system cannot keep a write-ahead log", file.string())};
    if (opening == Opening::again) return database;
    const auto bytes = static_cast<std::uint64_t>(status.st_size);
    TRY(check_pages(*database, file, bytes));
    TRY(check_content(*database, file));
    if (bytes > max_whole_check_bytes) TRY(check_samples(*database, file));
    return database;
  });
}

void keep_log_files(SQLite::Database& database) {
  int on = 1;
  ::sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  // Emptied at the end, and not left as long as the longest import made it.
  database.exec(fmt::format("PRAGMA journal_size_limit = {}", max_idle_log_bytes));
}

std::optional<std::int64_t> Query::optional_integer() {
  const auto column = statement_.getColumn(column_++);
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

std::optional<Date> Query::optional_date() {
  const auto days = optional_integer();
  if (!days) return std::nullopt;
  // The years 0000 to 9999, as in a file of staff.
  if (*days < -719528 || *days > 2932896) throw BadRow{"a date out of range"};
  return Date(std::chrono::sys_days(std::chrono::days(*days)));
}

Date Query::date() {
  const auto value = optional_date();
  if (!value) throw BadRow{"a date is missing"};
  return *value;
}

}  // namespace cardgate::reg
