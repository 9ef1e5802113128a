// SPDX-License-Identifier: Apache-2.0
// Who gets one of the connections that there are. Pure; one thread.
//
// So that nobody can take the service from others by holding connections:
//   - an account holds so many and no more; where it wants one more, its own longest idle one goes;
//   - a share is kept for peers that are known (with a session or an entry in `clients`): strangers never get it;
//   - when there is no room, the longest idle connection of whoever has most of them makes room: a stranger's first, and
//     for somebody known also a stranger's request that is still on its way. What is being answered stays.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/clock.hpp"

namespace cardgate::daemon {

class Slots {
 public:
  using Id = std::uint64_t;
  enum class State : std::uint8_t {
    idle,       // nothing of a request is here
    arriving,   // a part of one
    answering,  // it is worked on, answered, or an event stream
  };
  struct Bounds {
    std::size_t all = 0;
    std::size_t per_account = 0;
    /// Of `all`; kept for known peers.
    std::size_t reserved() const { return all / 4; }
  };
  struct Admission {
    std::optional<Id> id;            // nothing: there is no room
    std::optional<Id> in_the_way{};  // this one has lost its slot to it, and is to be closed
  };

  /// `account`: Peer::counted_as. `can_go`: asked of a connection that would lose its slot; false when its request has
  /// just arrived.
  Admission admit(uid_t account, bool known, const Bounds& bounds, BootTime now,
                  const std::function<bool(Id)>& can_go);
  /// The connection is in that state since `now`. Does nothing to one that has no slot any more.
  void enter(Id id, State state, BootTime now);
  void leave(Id id);
  std::size_t size() const { return held_.size(); }

 private:
  struct Held {
    uid_t account;
    bool known;
    State state;
    BootTime since;
  };
  std::size_t count_of(uid_t account) const;
  std::optional<Id> weakest(const std::function<bool(const Held&)>& among,
                            const std::function<bool(Id)>& can_go) const;
  Id take(uid_t account, bool known, BootTime now);

  std::map<Id, Held> held_;
  std::map<uid_t, std::size_t> per_account_;
  std::size_t strangers_ = 0;
  Id next_ = 1;
};

}  // namespace cardgate::daemon
