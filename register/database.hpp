// SPDX-License-Identifier: Apache-2.0
// The SQLite file: opened with care, spoken to through kept statements. Internal to register/. One thread at
// a time.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::reg {

enum class Opening : std::uint8_t {
  first,  // the file is looked over: a small one whole, of a large one header, size, layout and samples
  there,  // the same, and it must be there: never made
  again   // somebody in this process looked it over; it must be there
};

/// Opens or makes the file as open_sqlite() promises. Errors: as there.
Result<std::unique_ptr<SQLite::Database>> open_database(const std::filesystem::path& path, Opening opening);

/// The log's files (-wal, -shm) stay when this connection, as the last one, is closed: the next start then needs no room
/// on the disk to make them.
void keep_log_files(SQLite::Database& database);

/// What an exception of SQLite means to the caller.
Error error_of(const SQLite::Exception& failure);

/// A row that the schema would not have let in.
struct BadRow {
  std::string what;
};

/// Calls `work`, which returns a Result, and turns what SQLite throws into an Error.
template <class Work>
auto guarded(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& failure) {
    return error_of(failure);
  } catch (const BadRow& bad) {
    return Error{Errc::corrupt, "the staff register is damaged: " + bad.what};
  }
}

/// One use of a kept statement: binds, steps, and leaves it ready for the next.
class Query {
 public:
  template <class... Values>
  explicit Query(SQLite::Statement& statement, const Values&... values) : statement_(statement) {
    int index = 0;
    (bind(++index, values), ...);
  }
  ~Query() {
    statement_.tryReset();
    // So that nobody's data stays in the statement.
    statement_.clearBindings();
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  bool next() {
    column_ = 0;
    return statement_.executeStep();
  }
  void run() { statement_.exec(); }

  // The columns, one after the other.
  std::int64_t integer() { return statement_.getColumn(column_++).getInt64(); }
  bool flag() { return integer() != 0; }
  std::string text() { return statement_.getColumn(column_++).getString(); }
  std::optional<std::int64_t> optional_integer();
  std::optional<Date> optional_date();
  Date date();

 private:
  void bind(int index, std::int64_t value) { statement_.bind(index, value); }
  void bind(int index, bool value) { statement_.bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, const std::string& value) { statement_.bind(index, value); }
  void bind(int index, std::string_view value) { statement_.bind(index, std::string(value)); }
  void bind(int index, Date value) {
    statement_.bind(index,
                    static_cast<std::int64_t>(std::chrono::sys_days(value).time_since_epoch().count()));
  }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    value ? bind(index, *value) : statement_.bind(index);
  }

  SQLite::Statement& statement_;
  int column_ = 0;
};

}  // namespace cardgate::reg
