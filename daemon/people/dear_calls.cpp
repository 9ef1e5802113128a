// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/dear_calls.hpp"

#include <algorithm>

namespace cardgate::daemon {

Response ask_again(int status, std::string_view error, std::string detail, seconds wait) {
  auto answer = problem(status, error, std::move(detail), {{"retry_after", wait.count()}});
  retry_after(answer, wait);
  return answer;
}

DearCalls::Begun DearCalls::begin(uid_t uid, const std::string& who, BootTime now) {
  const auto of_uid = std::ranges::count(state_->running, uid, &std::pair<uid_t, std::string>::first);
  if (state_->running.contains({uid, who}) || of_uid >= static_cast<std::ptrdiff_t>(max_of_one_uid)) {
    return {
        std::nullopt,
        ask_again(
            429, "one_at_a_time",
            "Another list is still being read for this user of the machine. Ask again when it has finished.",
            seconds(1))};
  }
  if (!state_->people.allow(uid, now, 0)) {
    return {std::nullopt, ask_again(429, "too_many_people",
                                    "Programs of this user of the machine have read too many records in a "
                                    "short time. Wait a moment, then ask again.",
                                    state_->people.wait(uid, now, 0))};
  }
  if (state_->running.size() >= max_at_once) {
    return {std::nullopt,
            ask_again(503, "lists_busy",
                      "Too many lists are being read right now. Wait a moment, then ask again.", seconds(1))};
  }
  state_->running.emplace(uid, who);
  return {std::optional<Turn>(std::in_place, state_, uid, who), {}};
}

}  // namespace cardgate::daemon
