// SPDX-License-Identifier: Apache-2.0
// Whom a name means. People give a name where a number is asked: it will do when it is one person's, else there are choices.
// Read beside the service's thread, because it may take as long as there are people. Pure but for the register; thread-safe.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

struct NameAsk {
  std::string text;
  std::string me;                     // who asks; empty: root
  std::vector<std::string> managers;  // whose staff they may name and be shown, whatever their roles
  bool sees_all = false;              // everybody may be shown to them
  /// Whoever is meant need not be one of those who may be shown: a name that is one person's will do.
  bool anybody = false;
};

struct PeopleNamed {
  using Named = reg::Register::Named;
  std::vector<Named> fit;  // whose whole name it is
  std::vector<Named>
      choices;           // to be shown where `fit` is not one person: those who may be shown, the first few
  std::size_t read = 0;  // how many names were looked at
};

/// Names are compared by search_text(). Where nobody has that name, the choices are those whose name has its words.
/// Errors: as Register::person(); cancelled when `stop` became true.
Result<PeopleNamed> people_named(reg::Register& staff, const NameAsk& ask, const std::atomic<bool>& stop);

}  // namespace cardgate::daemon
