// SPDX-License-Identifier: Apache-2.0
// How an import is asked for, and what it reports. Plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "register/import/file.hpp"
#include "register/staff_ids.hpp"

namespace cardgate::reg {

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

}  // namespace cardgate::reg
