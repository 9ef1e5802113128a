// SPDX-License-Identifier: Apache-2.0
// What an import is about to do with one person of the file. Internal to import/. Plain values.
#pragma once

#include <memory>

#include "register/row_writer.hpp"

namespace cardgate::reg {

/// Made in the first round, which writes the person's own row; the second does the rest.
struct ImportPlan {
  Key key = 0;
  bool is_new = false;
  bool new_manager = false;
  bool new_username = false;
  bool doubted = false;          // looks like somebody else by the number
  Lists lists;                   // to be filled from the file
  std::unique_ptr<Person> kept;  // to fill them from instead, with what the file does not tell
};

}  // namespace cardgate::reg
