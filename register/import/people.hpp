// SPDX-License-Identifier: Apache-2.0
// Everybody whom the file of an import names: by which key, and who manages whom once the file is taken over. Internal to
// import/. One thread at a time, inside the import's transaction. Throws SQLite::Exception.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "register/import/file.hpp"
#include "register/row_writer.hpp"

namespace cardgate::reg {

class ImportPeople {
 public:
  /// Both outlive it.
  ImportPeople(RowWriter& rows, const ImportFile& file) : rows_(rows), file_(file) {}

  /// Comes first. `last_key` is the highest in the register; 0: it is empty.
  void begin(Key last_key);

  /// The key of somebody in the register or in the file, where they may still be to come.
  KeyOrNone key_of(std::string_view id);
  /// Whether the file or the register has that number. Not by key_of(), which remembers everybody it was asked for: that
  /// is much for a large first import.
  bool has(const std::string& id);

  // For people of the file, as they are taken over.
  /// They are known not to be in the tables, and not written yet.
  bool is_to_come(std::string_view id) const;
  void found(std::string_view id, Key key);
  /// The key of a newcomer, who is about to be written.
  Key arrives(std::string_view id);
  void set_manager(Key person, KeyOrNone manager) { managers_[person] = manager; }
  /// Whether set_manager() was called for them.
  bool has_taken(Key person) const { return managers_.contains(person); }

  /// The loop of line managers that is met on the way up from `person`, from id to the same id; empty: none, or an
  /// earlier call met it. Every loop goes through somebody whose manager is new; asked for all of them, this visits
  /// nobody twice.
  std::vector<std::string> loop_above(Key person);

 private:
  struct Somebody {
    Key key = 0;
    bool to_come = false;  // in the file, and not in the tables yet
  };
  KeyOrNone manager_of(Key person);

  RowWriter& rows_;
  const ImportFile& file_;
  Key next_key_ = 1;
  bool was_empty_ = false;
  std::unordered_map<std::string_view, std::optional<Somebody>> known_;  // everybody in the file
  std::unordered_map<std::string, KeyOrNone> others_;                    // named in it, and not in it
  std::unordered_map<Key, KeyOrNone> managers_;                          // of everybody in the file
  std::unordered_map<Key, std::size_t> walk_of_;  // who was met by loop_above(), and in which call
  std::size_t walks_ = 0;
};

}  // namespace cardgate::reg
