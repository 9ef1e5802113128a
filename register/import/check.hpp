// SPDX-License-Identifier: Apache-2.0
// What is wrong between the people of one file, and with what it says of one of them. Internal to import/. Pure.
#pragma once

#include <functional>

#include "register/import/fields.hpp"

namespace cardgate::reg {

inline constexpr std::size_t max_people = 2'000'000;

/// Notes ids, usernames and cards that stand twice, own managers, managers in a loop. Rows of a table that say the same
/// of the same person become one.
void check_across(ImportFile& file, Problems& problems);

/// A problem with `field` (our name for it) of a person; of a table, the column is named.
ImportProblem problem_in(const ImportFile& file, int line, std::string_view field, std::string text);

// What is said of enrolment details, which are never repeated.
inline constexpr std::string_view ni_expected =
    "expected a National Insurance number like QQ123456C, its first four characters, or none";
inline constexpr std::string_view enrolment_is_both =
    "date_of_birth and national_insurance go together: give both, or write none for both";
/// What is wrong with a date of birth; empty: nothing.
std::string_view check_born(const std::optional<Date>& born);

/// What is said to have been done after `today`, or by nobody (`is_known`: whether the file or the register has that number),
/// counts for nothing: it is named, not taken over in silence.
std::vector<ImportProblem> wrong_evidence(const ImportFile& file, const ImportedPerson& item, Date today,
                                          const std::function<bool(const std::string& id)>& is_known);

/// What no file may do to a person who is `now` on file (empty: a newcomer) and would be `next`.
std::vector<ImportProblem> forbidden_changes(const ImportFile& file, const ImportedPerson& item,
                                             const Person& now, const Person& next, Date today);

/// "a -> b -> a", shortened in the middle when there are many.
std::string loop_text(const std::vector<std::string>& ids);

}  // namespace cardgate::reg
