// SPDX-License-Identifier: Apache-2.0
// Reading a file of people (config/staff-example.yaml shows every key, staff-example.csv every column). Pure;
// thread-safe.
//
// A key that is left out, and an empty cell, keep what the register holds, so that an extract of names and dates
// cannot undo a removal or wipe the access forms. `[]` or `{}` empties a list, `none` a text or a date.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "register/person.hpp"
#include "register/staff_ids.hpp"
#include "register/text_encoding.hpp"

namespace cardgate::reg {

struct ImportProblem {
  int line = 0;             // 1-based; 0 when no line is to blame
  std::string text;         // "people[3].cards[0].uuid: expected ..."
  std::string column = {};  // of a table, as its header spells it
};

struct ImportedPerson {
  /// Which keys the file gave; the others keep what the register holds.
  struct Given {
    bool name = false, email = false, line_manager = false, employed_from = false, employed_until = false,
         removed = false, unix_accounts = false, teams = false, cards = false, identities = false,
         forms = false, declarations = false, training = false, delegations = false, username = false,
         enrolment = false;
    friend bool operator==(const Given&, const Given&) = default;
    /// `cards` holds the card in use now: earlier ones stay on record as replaced, and a lost one stays lost.
    bool card_in_use = false, card_valid_until = false;
  };
  /// Where in the file, for problems that only the register can find.
  struct Lines {
    int line_manager = 0, username = 0, removed = 0;
    std::vector<int> cards, delegations, forms, declarations, training;  // as many as the person has
  };
  /// What the person proves themselves with at enrolment; the register keeps a digest. No date: nothing any more.
  struct Enrolment {
    std::optional<Date> born;
    std::string ni_start;
    friend bool operator==(const Enrolment&, const Enrolment&) = default;
  };
  int line = 0;
  Person person;
  Given given;
  Lines lines;
  Enrolment enrolment;
};

struct ImportFile {
  std::string name;
  /// Of a table: how its header spells the columns, by our names for them.
  std::map<std::string, std::string, std::less<>> columns;
  std::vector<ImportedPerson> people;
  bool complete = true;  // false: lines were bad, and Register::import() only looks for more of them
  bool rows_lost =
      false;  // some of these lines are not in `people`: who is not there may still be in the file
};

struct ParsedImport {
  ImportFile file;
  std::vector<ImportProblem> problems;  // in the order of the lines
};

struct ImportOptions {
  /// Who is employed is looked at on this day, and nothing may have been done on a later one. Not a day: no day is looked at.
  Date today{};
  /// Everything is done, and then undone: the report says what would have been.
  bool dry_run = false;
  /// Whoever is employed and not in the file left yesterday. Stops when more than one in twenty of those employed
  /// would lose access, unless `allow_leavers` is their exact number.
  bool leavers_by_absence = false;
  std::optional<std::size_t> allow_leavers;
  /// So many newcomers who look like somebody else are somebody else; stops when there are more, or fewer.
  std::optional<std::size_t> allow_newcomers;
  /// What a newcomer's number must look like; none: as those on file do, where more than 20 are of one form.
  std::shared_ptr<const IdPattern> ids = {};
  /// Teams without whom nobody gives access: an import that leaves nobody in them stops.
  std::vector<std::string> teams = {};
  /// Takes over forms, declarations, delegations and teams even where only the team gives access, and may leave nobody in
  /// `teams`.
  bool break_glass = false;
  /// Called on the importing thread, from time to time.
  std::function<void(std::size_t done, std::size_t of)> progress;
};

/// What becomes of one person. Of secrets, only that they changed.
struct ImportDifference {
  struct Field {
    std::string name, before, after;  // for people to read
  };
  enum class What : std::uint8_t { added, changed, left };
  std::string id, name;
  What what = What::changed;
  std::vector<Field> fields;
};
inline constexpr std::size_t max_differences = 1000;

struct ImportReport {
  std::size_t people = 0, added = 0, changed = 0, unchanged = 0;
  /// Of those employed before: who is not after this import, and of these the ones absent from the file.
  std::size_t employed = 0, losing = 0, left = 0;
  /// People whose forms, declarations, delegations or teams are other than before.
  std::size_t access_changed = 0;
  /// Too many would have lost access: nothing was changed.
  bool stopped = false;
  /// Newcomers who could be somebody on file under another number: that of someone in the register or the file but for
  /// zeros in front or case, or the name, birth date, username or card of someone whom this import lets leave.
  std::vector<ImportProblem> look_alikes;
  /// They are other than `allow_newcomers` says: nothing was changed.
  bool newcomers_doubted = false;
  /// How many members of `teams` work here and have their access, before and after.
  std::size_t team_before = 0, team_after = 0;
  /// After it there would be none any more: nothing was changed.
  bool team_emptied = false;
  bool refused() const { return stopped || newcomers_doubted || team_emptied; }
  /// Of the first thousand; in a dry run alone.
  std::vector<ImportDifference> differences;
  /// Not empty: nothing was changed; nor was it by a file that is not complete.
  std::vector<ImportProblem> problems;
};

/// Names every bad line, also across people: ids and cards that stand twice, managers in a loop. Whether
/// somebody who is not in the file is known, only the register can tell. `name` stands for the file in
/// messages. Errors: config_invalid when the text is not YAML at all.
Result<ParsedImport> parse_import(std::string_view text, std::string_view name);

/// The same of a table (RFC 4180; commas, semicolons or tabs, or what a first line "sep=;" says) whose header names the
/// columns. Empty rows and columns count for nothing, and identical rows are one. What is wrong has line and column.
ParsedImport parse_import_csv(std::string_view bytes, std::string_view name,
                              TextEncoding encoding = TextEncoding::by_mark);

}  // namespace cardgate::reg
