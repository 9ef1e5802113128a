// SPDX-License-Identifier: Apache-2.0
#include "register/writing.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "register/register.hpp"

namespace cardgate::reg {
namespace {

constexpr std::size_t log_file = 1;  // in names_
constexpr std::int64_t doubt = 1;    // Error::number

/// It came before anything was written, or for want of room: then the last frame, without which the others count for
/// nothing, cannot be whole.
bool wrote_no_commit(int code) {
  return code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_CONSTRAINT || code == SQLITE_FULL;
}

}  // namespace

bool in_doubt(const Error& error) {
  return error.number == doubt;
}

Writing::Writing(SQLite::Database& database)
    : database_(database),
      names_{database.getFilename(), database.getFilename() + "-wal", database.getFilename() + "-shm"} {
  // SQLite opens the log when something is read first.
  database_.execAndGet("SELECT count(*) FROM sqlite_schema");
  for (std::size_t i = 0; i < names_.size(); ++i) opened_[i] = identity(names_[i]);
}

Writing::Identity Writing::identity(const std::string& file) {
  struct stat status{};
  if (::lstat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

Result<void> Writing::in_place() {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const Identity now = identity(names_[i]);
    if (now == opened_[i]) continue;
    // Somebody else's log may stand there by now, and then writing would mix the two.
    if (i == log_file && now == Identity() && !saved_) {
      saved_ = ::sqlite3_wal_checkpoint_v2(database_.getHandle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                           nullptr) == SQLITE_OK;
    }
    return Error{Errc::io,
                 fmt::format("{}: was removed or replaced while the staff register is open, so a crash could "
                             "lose what is changed. No change is taken now. Find the program that did it, "
                             "then restart the service: systemctl restart cardgated",
                             names_[i])};
  }
  return {};
}

Error Writing::doubtful(Error error) {
  error.number = doubt;
  return error;
}

Error Writing::taken_back(const SQLite::Exception& failure) {
  Error error = error_of(failure);
  if (wrote_no_commit(failure.getErrorCode()) || overwrite()) return error;
  return doubtful(std::move(error));
}

/// Commits something that means nothing in the place of the frames that were broken off. Each frame's checksum continues
/// the one before, so those that are left behind it count no more.
bool Writing::overwrite() {
  try {
    database_.exec(
        "INSERT INTO setting (name, value) VALUES ('overwritten', hex(randomblob(16)))"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    return true;
  } catch (const SQLite::Exception&) {
    return false;  // the caller says that it is not known
  }
}

}  // namespace cardgate::reg
