// SPDX-License-Identifier: Apache-2.0
// Whether the newcomers of an import are new: their numbers, and how like they are to people on file. Internal to
// register/. One thread at a time, inside the import's transaction. Throws SQLite::Exception.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "register/import/look_alikes.hpp"
#include "register/import/report.hpp"
#include "register/import/rows.hpp"

namespace cardgate::reg {

Likeness likeness(const Person& person, std::string enrolment, const std::optional<Date>& born);

class Newcomers {
 public:
  /// All three outlive it.
  Newcomers(ImportRows& rows, const ImportFile& file, const ImportOptions& options)
      : rows_(rows), file_(file), options_(options) {}

  struct Number {
    std::string wrong;     // a sentence about a number that is none; empty: it could be one
    bool doubted = false;  // it is another's but for what a spreadsheet does to numbers
  };
  /// Before the newcomer is written. `is_known`: whether the register or the file has that number.
  Number check_number(const ImportedPerson& item, const std::function<bool(const std::string& id)>& is_known);

  void leaves(const Likeness& leaver) { leavers_.add(leaver); }
  bool somebody_leaves() const { return !leavers_.empty(); }
  /// Somebody who leaves may be the same person under a number that was exported wrongly.
  void compare(const ImportedPerson& item, std::string enrolment);

  /// Who was found to be like somebody, in the order of the lines.
  std::vector<ImportProblem> take();

 private:
  void doubt(const ImportedPerson& item, std::string_view why);

  ImportRows& rows_;
  const ImportFile& file_;
  const ImportOptions& options_;
  Leavers leavers_;
  std::optional<KnownForms> forms_;  // read when the first newcomer is met
  std::vector<ImportProblem> doubted_;
};

}  // namespace cardgate::reg
