// SPDX-License-Identifier: Apache-2.0
// What an import reads and writes of people's own rows, by kept statements. Internal to import/. One thread at a
// time, inside the import's transaction. Throws SQLite::Exception and BadRow.
#pragma once

#include <set>

#include "register/row_writer.hpp"
#include "register/staff_ids.hpp"

namespace cardgate::reg {

class ImportRows {
 public:
  explicit ImportRows(SQLite::Database& database);

  /// A person without their lists.
  struct OnFile {
    Key key = 0;
    Person person;  // line_manager is left empty
    KeyOrNone manager;
    std::string enrolment;
  };
  std::optional<OnFile> read(std::string_view id);
  /// Everything but the username and the lists.
  void add(const OnFile& somebody);
  void change(const OnFile& somebody);
  void set_username(Key person, const std::optional<std::string>& username);
  KeyOrNone with_username(std::string_view username);
  /// False: the card is somebody's already.
  bool add_card(Key person, const Card& card);

  std::string setting(std::string_view name);
  /// Made when there is none yet.
  std::string enrolment_key();

  Key last_key();
  struct Employed {
    Key key = 0;
    std::string id, name, username, enrolment;
    Date from;
    std::optional<Date> until;
  };
  void each_employed(Date on, const std::function<void(Employed)>& visit);
  void end_employment(Key person, Date last_day);
  /// The forms that the numbers on file have.
  KnownForms forms();
  /// These teams' members who are employed on that day; of those whose access is removed only `with_removed`.
  std::set<Key> working_members(const std::vector<std::string>& teams, Date on, bool with_removed);

 private:
  SQLite::Database& database_;
  SQLite::Statement on_file_, by_username_, add_, change_, set_username_, add_card_, setting_, end_;
  std::string enrolment_key_;
};

}  // namespace cardgate::reg
