// SPDX-License-Identifier: Apache-2.0
// Records of what was done while the log could not be written: kept, in their order, until it can.
//
// They wait in memory and in a reserve of their own (base/reserve.hpp), which is to be on another disk than the log, so that
// neither a full log nor a crash loses them. Both are bounded. What comes of itself by the number of sessions and tokens may
// take half of the room; what people do to take access away may take all of it.
//
// A late record says so in its details: `late`, `happened` (when), and `late_id`, by which a record is known that a crash
// left in the reserve although it is in the log already. One thread at a time.
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/reserve.hpp"

namespace cardgate::audit {

/// What becomes of a record that the log does not take.
enum class Keep : std::uint8_t {
  no,       // its giver is told, and does not do what it says
  said,     // it was done; it is said, and not kept: there may be many of its kind
  if_room,  // it was done: kept in half of the room
  always    // it was done, and took access away: kept in all of the room
};

enum class Kept : std::uint8_t {
  in_reserve,  // it outlives a crash
  in_memory,   // it is lost when the service ends before the log works again
  nowhere
};

class LateRecords {
 public:
  /// `file`: the reserve's; empty: memory alone. Never fails: without a reserve records are kept in memory, and problem()
  /// says why. `bytes`: of the reserve, and of the memory.
  LateRecords(const std::filesystem::path& file, std::size_t bytes);

  struct Item {
    const Record& record;
    WallTime happened;
    Keep keep;  // if_room or always
  };
  /// Takes late forms of the records, in this order; what became of each.
  std::vector<Kept> keep(const std::vector<Item>& items);
  /// The bodies (as encode() makes them) that wait, oldest first.
  const std::deque<std::string>& waiting() const { return waiting_; }
  /// The first `count` of those that wait are in the log. With the last, the reserve is emptied.
  void written(std::size_t count);
  /// Drops those that stand in `segment` already. They are written in their order, so none does behind the first that does
  /// not. Segments are given oldest first.
  void drop_written(std::string_view segment);

  /// How many wait in memory alone.
  std::size_t unsafe() const { return unsafe_; }
  /// How many were kept nowhere, by event.
  const std::map<std::string, std::uint64_t>& lost() const { return lost_; }
  void forget_lost() { lost_.clear(); }
  /// Empty, or what is wrong with the reserve.
  const std::string& problem() const { return problem_; }

 private:
  std::size_t bytes_;
  std::optional<Reserve> reserve_;
  std::deque<std::string> waiting_;
  std::size_t held_ = 0;  // bytes of them
  std::size_t unsafe_ = 0;
  std::map<std::string, std::uint64_t> lost_;
  std::string problem_;
};

/// The late form of a record, with its details replaced by {"cut":true} and the marks where they would be too large.
std::string encode_late(Record record, WallTime happened, std::string_view late_id);

}  // namespace cardgate::audit
