// SPDX-License-Identifier: Apache-2.0
// Who may make a dear call now: one that reads more than a few people, beside the service's thread. A uid makes one at a time,
// so that nobody waits for another's; and what it reads is paid for in people, not in calls. Pure; one thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "daemon/access/rates.hpp"
#include "daemon/http/message.hpp"

namespace cardgate::daemon {

class DearCalls {
  struct State;

 public:
  static constexpr std::size_t max_at_once = 16;     // of all uids: two are read, the others wait
  static constexpr std::size_t max_of_one_uid = 4;   // of these: people behind one portal share its uid
  static constexpr double people_per_second = 5000;  // of one uid, after
  static constexpr double people_at_once = 20'000;   // as many without a pause

  /// A call that is being made; it ends with the object. Holds on to what it counts in, for it may outlive the service.
  class Turn {
   public:
    Turn(std::shared_ptr<State> state, uid_t uid, std::string who)
        : state_(std::move(state)), uid_(uid), who_(std::move(who)) {}
    Turn(Turn&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)), uid_(other.uid_), who_(std::move(other.who_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (state_) state_->running.erase({uid_, who_});
    }
    /// So many people were read for it.
    void read(std::size_t people, BootTime now) {
      state_->people.charge(uid_, now, static_cast<double>(people));
    }

   private:
    std::shared_ptr<State> state_;
    uid_t uid_;
    std::string who_;
  };
  struct Begun {
    std::optional<Turn> turn;
    Response refusal;  // without a turn
  };
  /// `who`: the person who asks, by their session; root by that name.
  Begun begin(uid_t uid, const std::string& who, BootTime now);

 private:
  struct State {
    std::set<std::pair<uid_t, std::string>> running;
    Rate people{people_at_once, milliseconds(static_cast<int>(1000 * people_at_once / people_per_second))};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// 429 or 503 that says when to ask again: in the header, and for the command in the body too.
Response ask_again(int status, std::string_view error, std::string detail, seconds wait);

}  // namespace cardgate::daemon
