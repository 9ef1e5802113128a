// SPDX-License-Identifier: Apache-2.0
// What an import makes of a person: compared, merged, and told in words. Internal to import/. Pure.
#pragma once

#include "register/import/report.hpp"
#include "register/row_writer.hpp"

namespace cardgate::reg {

/// The lists that the file gives of this person.
Lists given_lists(const ImportedPerson& item);

/// What the person will be by this file; of lists only those given. `now` has these lists read.
Person merged(const Person& now, const ImportedPerson& item);

/// Which of the given lists are other than before. What files do not tell of a form and the like does not count.
Lists changed_lists(const Person& now, const Person& next, const Lists& given);

/// Field by field; of the lists those that changed.
std::vector<ImportDifference::Field> differences(const Person& now, const Person& next, const Lists& changed,
                                                 bool enrolment_changed);

}  // namespace cardgate::reg
