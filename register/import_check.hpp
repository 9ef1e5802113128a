// SPDX-License-Identifier: Apache-2.0
// What is wrong between the people of one file. Internal to register/. Pure.
#pragma once

#include "register/fields.hpp"

namespace cardgate::reg {

/// Notes ids and cards that stand twice, own managers, managers in a loop.
void check_across(const std::vector<ImportedPerson>& people, Problems& problems);

/// "a -> b -> a", shortened in the middle when there are many.
std::string loop_text(const std::vector<std::string>& ids);

}  // namespace cardgate::reg
