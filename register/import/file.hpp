// SPDX-License-Identifier: Apache-2.0
// A file of people, and reading it (config/staff-example.yaml shows every key, staff-example.csv every column). Pure;
// thread-safe.
//
// A key that is left out, and an empty cell, keep what the register holds, so that an extract of names and dates
// cannot undo a removal or wipe the access forms. `[]` or `{}` empties a list, `none` a text or a date.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "register/import/text_encoding.hpp"
#include "register/person.hpp"

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

/// Names every bad line, also across people: ids and cards that stand twice, managers in a loop. Whether
/// somebody who is not in the file is known, only the register can tell. `name` stands for the file in
/// messages. Errors: config_invalid when the text is not YAML at all.
Result<ParsedImport> parse_import(std::string_view text, std::string_view name);

/// The same of a table (RFC 4180; commas, semicolons or tabs, or what a first line "sep=;" says) whose header names the
/// columns. Empty rows and columns count for nothing, and identical rows are one. What is wrong has line and column.
ParsedImport parse_import_csv(std::string_view bytes, std::string_view name,
                              TextEncoding encoding = TextEncoding::by_mark);

}  // namespace cardgate::reg
