// SPDX-License-Identifier: Apache-2.0
// What it means that checkpoints kept elsewhere do not stand in a log. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoints.hpp"
#include "audit/verify.hpp"

namespace cardgate::audit {

struct Comparison {
  std::vector<CheckpointBook::Entry> seen;  // stand in the log, byte for byte; by sequence, as all of them
  struct Missed {
    CheckpointBook::Entry entry;
    std::string time_there;  // of the line that the log has in its place
  };
  std::vector<Missed> replaced;  // signed with the log's key, and the log has another line in that place
  std::vector<CheckpointBook::Entry> beyond;   // signed with the log's key, and behind the log's end
  std::vector<CheckpointBook::Entry> unknown;  // not signed with a key of the log
  std::vector<CheckpointBook::Entry> foreign;  // of another log, by their id
  std::vector<CheckpointBook::Entry> deleted;  // before the log's beginning
  bool head_cut = false;                       // the log itself says that lines are missing at its end
};

/// Adds to the report's problems and notes, each case by its own words.
void judge(const Comparison& found, Report& report);

}  // namespace cardgate::audit
