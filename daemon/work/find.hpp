// SPDX-License-Identifier: Apache-2.0
// What the rules of people's work have in common. Internal to work/.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "register/person.hpp"

namespace cardgate::daemon::work {

/// How far a form is, behind "Form 7".
constexpr std::string_view standing_of(reg::Form::State state) {
  using State = reg::Form::State;
  switch (state) {
    case State::submitted:
      return "still waits for the line manager to verify it";
    case State::verified:
      return "is verified and waits for the team to approve it";
    case State::approved:
      return "is already approved";
    case State::rejected:
      return "was rejected";
    case State::withdrawn:
      return "was withdrawn";
  }
  return "cannot be used";
}

/// How far a removal is, behind "Removal 7".
constexpr std::string_view standing_of(reg::Removal::State state) {
  using State = reg::Removal::State;
  switch (state) {
    case State::requested:
      return "still waits for the team";
    case State::declined:
      return "was declined";
    case State::done:
      return "is already done";
    case State::restoring:
      return "is done, and one member of the team has asked to give the access back";
    case State::restored:
      return "is over: the access was given back";
  }
  return "cannot be used";
}

inline Error cannot(std::string sentence) {
  return {Errc::invalid_argument, std::move(sentence)};
}

/// Of two who must be two people, one registered the other's card, and so may hold it.
inline Error same_hand() {
  return {Errc::permission_denied,
          "This takes two independent people, and one of you registered the other's card. Another member of "
          "the team must do it"};
}

/// The entry of that number; `what` it is: "form". Errors: not_found.
template <class Entry>
Result<Entry*> find_entry(std::vector<Entry>& list, std::int64_t number, std::string_view what) {
  const auto found = std::ranges::find(list, number, &Entry::id);
  if (found == list.end()) return Error{Errc::not_found, fmt::format("There is no {} {}", what, number)};
  return &*found;
}

}  // namespace cardgate::daemon::work
