// SPDX-License-Identifier: Apache-2.0
// Changes of the register that are known to be done, or not done, when they are answered. Internal to register/. One
// thread at a time.
//
// SQLite's word alone does not do. When the disk fails while a commit is made durable, SQLite takes the change back in
// memory, but its frames may stand whole in the write-ahead log: the start after a crash would find them there and take
// the change for done (https://www.sqlite.org/fileformat2.html, 4.3). So they are overwritten before anybody is told. And
// a file that is removed or replaced while it is open goes on taking changes that no later start will ever find.
#pragma once

#include <sys/types.h>

#include <array>

#include "register/database.hpp"

namespace cardgate::reg {

class Writing {
 public:
  /// The connection must outlive this.
  explicit Writing(SQLite::Database& database);

  /// Whether the files that the connection has open still stand by their names. When the log alone was removed, what it
  /// holds is written into the register's file, so that nothing that was answered is lost.
  /// Errors: io, with what to do.
  Result<void> in_place();

  /// Calls `work`, which commits what it changes and returns a Result; as guarded(). An error means that nothing was done
  /// and nothing will be, unless in_doubt() (register.hpp) says so of it. Errors: those of `work`, of in_place() and of SQLite.
  template <class Work>
  auto change(Work work) -> decltype(work()) {
    if (auto there = in_place(); !there) return there.error();
    auto outcome = guarded([&]() -> decltype(work()) {
      try {
        return work();
      } catch (const SQLite::Exception& failure) {
        return taken_back(failure);
      }
    });
    if (!outcome) return outcome;
    if (auto there = in_place(); !there) return doubtful(there.error());
    return outcome;
  }

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  static Identity identity(const std::string& file);
  static Error doubtful(Error error);
  Error taken_back(const SQLite::Exception& failure);
  bool overwrite();

  SQLite::Database& database_;
  std::array<std::string, 3> names_;
  std::array<Identity, 3> opened_;
  bool saved_ = false;
};

}  // namespace cardgate::reg
