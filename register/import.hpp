// SPDX-License-Identifier: Apache-2.0
// Reading a file of people (config/staff-example.yaml shows every key). Pure; thread-safe.
//
// A key that is left out keeps what the register holds, so that an extract of names and dates cannot undo a
// removal or wipe the access forms. `[]` or `{}` empties a list, `none` a text or a date.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "register/person.hpp"

namespace cardgate::reg {

struct ImportProblem {
  int line = 0;      // 1-based; 0 when no line is to blame
  std::string text;  // "people[3].cards[0].uuid: expected ..."
};

struct ImportedPerson {
  /// Which keys the file gave; the others keep what the register holds.
  struct Given {
    bool name = false, email = false, line_manager = false, employed_from = false, employed_until = false,
         removed = false, unix_accounts = false, teams = false, cards = false, identities = false,
         forms = false, declarations = false, training = false, delegations = false;
  };
  /// Where in the file, for problems that only the register can find.
  struct Lines {
    int line_manager = 0;
    std::vector<int> cards, delegations;  // as many as the person has
  };
  int line = 0;
  Person person;
  Given given;
  Lines lines;
};

struct ImportFile {
  std::string name;
  std::vector<ImportedPerson> people;
  bool complete = true;  // false: lines were bad, and Register::import() only looks for more of them
};

struct ParsedImport {
  ImportFile file;
  std::vector<ImportProblem> problems;  // in the order of the lines
};

struct ImportReport {
  std::size_t people = 0, added = 0, changed = 0, unchanged = 0;
  /// Whose facts may be other than before: added, changed, and line managers who gained or lost somebody.
  std::vector<std::string> changed_ids;
  /// Not empty: nothing was changed.
  std::vector<ImportProblem> problems;
};

/// Names every bad line, also across people: ids and cards that stand twice, managers in a loop. Whether
/// somebody who is not in the file is known, only the register can tell. `name` stands for the file in
/// messages. Errors: config_invalid when the text is not YAML at all.
Result<ParsedImport> parse_import(std::string_view text, std::string_view name);

}  // namespace cardgate::reg
