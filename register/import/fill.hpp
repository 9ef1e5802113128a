// SPDX-License-Identifier: Apache-2.0
// The second round of an import: usernames, cards and the other lists, once every person of the file has a row, so that
// people may name each other and cards may change hands within one file. Internal to import/. One thread at a time, inside
// the import's transaction. Throws SQLite::Exception.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "register/import/people.hpp"
#include "register/import/plan.hpp"
#include "register/import/report.hpp"
#include "register/import/rows.hpp"

namespace cardgate::reg {

class ImportFiller {
 public:
  /// What it works with; all of it outlives it.
  struct Around {
    const ImportFile& file;
    const ImportOptions& options;
    RowWriter& rows;
    ImportRows& own;
    ImportPeople& people;
    std::vector<ImportProblem>& problems;  // what is wrong is added here
  };
  explicit ImportFiller(const Around& around) : a_(around) {}

  void fill(const ImportedPerson& item, const ImportPlan& plan);

 private:
  void problem(int line, std::string_view field, std::string text);
  void check_id(const ImportedPerson& item, const ImportPlan& plan);
  /// A username that is another person's id would let two people be meant by one word.
  void give_username(const ImportedPerson& item, const ImportPlan& plan);
  void add_card(const ImportedPerson& item, const ImportPlan& plan, const Card& card, int line);
  KeyOrNone grantor(const ImportedPerson& item, const Delegation& delegation, std::size_t n);

  Around a_;
};

}  // namespace cardgate::reg
