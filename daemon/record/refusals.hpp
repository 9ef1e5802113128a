// SPDX-License-Identifier: Apache-2.0
// Which refusals are recorded one by one, and which are only counted, so that nobody fills the audit log and nobody keeps
// others out of it. Each uid has a small share of its own. A kind of refusal is an event and a fixed word for its reason:
// nothing that a peer chooses (a role's name, an audience, an id) makes a new kind. Whatever has no room is counted as
// "others". Pure; one thread.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/record/folded.hpp"

namespace cardgate::daemon {

class Refusals {
 public:
  /// Kinds that one uid has recorded at a time.
  static constexpr std::size_t kinds_per_uid = 8;
  /// Uids with a share of their own at a time: those without a session or a `clients` entry of their own, and all. One user
  /// may have 65,536 subordinate uids; they must not take the room of people who work here. The rest have one share together.
  static constexpr std::size_t max_strangers = 32, max_uids = 256;
  static constexpr std::string_view others = "others";

  struct Counted {
    std::optional<uid_t> uid;   // nothing: the uids that had no share of their own
    std::string event, reason;  // event `others`: of all kinds that had no room
    std::uint64_t count;
  };

  /// True when this one is to be recorded itself. `known`: the uid has a session or a `clients` entry.
  bool first(uid_t uid, bool known, std::string_view event, std::string_view reason, BootTime now) {
    const auto place = place_of(uid, known);
    Kind kind{place, std::string(event), std::string(reason)};
    if (folded_.knows(kind)) {
      folded_.count(kind, now);
      return false;
    }
    auto& share = shares_[place];
    share.stranger = !known;
    if (share.kinds >= kinds_per_uid) {
      folded_.count({place, std::string(others), {}}, now);
      return false;
    }
    ++share.kinds;
    folded_.told(kind, now);
    return true;
  }

  /// Counts of which the window is over, or all of them.
  std::vector<Counted> take(BootTime now, bool all = false) {
    std::vector<Counted> out;
    for (auto& [kind, times] : folded_.take(now, all))
      out.push_back({kind.uid, std::move(kind.event), std::move(kind.reason), times});
    std::map<std::optional<uid_t>, Share> left;
    folded_.each_kind([&](const Kind& kind) {
      auto& share = left[kind.uid];
      share.stranger = shares_[kind.uid].stranger;
      if (kind.event != others) ++share.kinds;
    });
    shares_ = std::move(left);
    return out;
  }
  std::optional<BootTime> next() const { return folded_.next(); }

 private:
  struct Kind {
    std::optional<uid_t> uid;
    std::string event, reason;
    auto operator<=>(const Kind&) const = default;
  };
  struct Share {
    std::size_t kinds = 0;
    bool stranger = true;
  };
  std::optional<uid_t> place_of(uid_t uid, bool known) const {
    if (shares_.contains(uid)) return uid;
    const auto strangers = std::ranges::count_if(
        shares_, [](const auto& each) { return each.first.has_value() && each.second.stranger; });
    const bool room =
        shares_.size() < max_uids && (known || static_cast<std::size_t>(strangers) < max_strangers);
    return room ? std::optional(uid) : std::nullopt;
  }

  Folded<Kind> folded_;
  std::map<std::optional<uid_t>, Share> shares_;
};

}  // namespace cardgate::daemon
