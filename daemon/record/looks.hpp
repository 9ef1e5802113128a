// SPDX-License-Identifier: Apache-2.0
// Looks at other people's records: each person who was looked at is recorded, however many there are. The same people looked
// at again are counted, and a page of people is one record, so that a program that asks every second fills no log. What
// would still be too much is not shown at all. Pure; one thread.
#pragma once

#include <sys/types.h>

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "daemon/access/rates.hpp"
#include "daemon/record/folded.hpp"

namespace cardgate::daemon {

class Looks {
 public:
  /// Nothing in it but `whom` grows with what a peer asks for, and that is bounded by the share below.
  struct Look {
    uid_t uid = 0;
    std::string by, session, role, what;
    std::string person;  // or, of several:
    std::string list;    // list_mark() of them
    auto operator<=>(const Look&) const = default;
  };
  using Counted = Folded<Look>::Count;

  struct Answer {
    bool record = false;           // this one is to be recorded itself
    std::optional<seconds> later;  // set: it is too much; when to ask again
  };
  /// `people`: how many are shown.
  Answer look(const Look& one, std::size_t people, BootTime now) {
    if (folded_.knows(one)) {
      folded_.count(one, now);
      return {};
    }
    const double cost = 1 + static_cast<double>(people / people_per_look);
    if (!share_.allow(one.uid, now, cost)) return {false, share_.wait(one.uid, now, cost)};
    folded_.told(one, now);
    return {true, std::nullopt};
  }
  std::vector<Counted> take(BootTime now, bool all = false) { return folded_.take(now, all); }
  std::optional<BootTime> next() const { return folded_.next(); }

 private:
  static constexpr double looks_per_minute = 1200;
  static constexpr std::size_t people_per_look =
      50;  // a line of the log with fifty ids costs as much again as one with none
  Folded<Look> folded_;
  Rate share_{looks_per_minute, std::chrono::minutes(1)};
};

/// Names a list of people in the log: the beginning of the BLAKE2b-256 of their ids.
std::string list_mark(const std::vector<std::string>& people);
/// The ids in parts that fit into the details of one record each.
std::vector<std::vector<std::string>> parts_for_records(const std::vector<std::string>& people);

}  // namespace cardgate::daemon
