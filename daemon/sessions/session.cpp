// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/session.hpp"

#include <algorithm>

namespace cardgate::daemon {

std::string_view name(EndReason reason) {
  switch (reason) {
    case EndReason::card_removed:
      return "card_removed";
    case EndReason::reader_gone:
      return "reader_gone";
    case EndReason::signed_out:
      return "signed_out";
    case EndReason::signed_in_again:
      return "signed_in_again";
    case EndReason::access_lost:
      return "access_lost";
    case EndReason::certificate_refused:
      return "certificate_refused";
    case EndReason::time_up:
      return "time_up";
    case EndReason::revoked:
      return "revoked";
    case EndReason::password_changed:
      return "password_changed";
    case EndReason::card_out_too_long:
      return "card_out_too_long";
    case EndReason::screen_locked_too_long:
      return "screen_locked_too_long";
    case EndReason::downtime:
      return "downtime";
    case EndReason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

std::string_view name(LockReason reason) {
  switch (reason) {
    case LockReason::idle:
      return "idle";
    case LockReason::card_removed:
      return "card_removed";
    case LockReason::screen:
      return "screen";
  }
  return "unknown";
}

Terms Session::asked_by(const policy::Role& role) const {
  const auto before = earlier.find(role.name);
  return before == earlier.end() ? terms_of(role) : stricter(before->second, terms_of(role));
}

Terms Session::asked_by(const policy::Role& role, const policy::Policy& policy, policy::Act act) const {
  Terms asked = stricter(asked_by(role), terms_of(role, policy, act));
  if (const auto before = earlier_acts.find(act); before != earlier_acts.end())
    asked.step_up_age = std::min(asked.step_up_age.value_or(before->second), before->second);
  return asked;
}

Session::Over Session::over() const {
  Over first{ends, EndReason::time_up};
  const auto consider = [&](BootTime at, EndReason reason) {
    if (at < first.at) first = {at, reason};
  };
  if (grace_until) consider(*grace_until, EndReason::card_removed);
  if (was_out && keeps_card_out()) consider(proved + removal().time, EndReason::card_out_too_long);
  if (screen_locked && screen().mode == ScreenLock::Mode::keep)
    consider(*screen_locked + screen().time, EndReason::screen_locked_too_long);
  return first;
}

std::optional<BootTime> Session::idle_at() const {
  if (locked || idle().count() == 0) return std::nullopt;
  return last_used + idle();
}

}  // namespace cardgate::daemon
