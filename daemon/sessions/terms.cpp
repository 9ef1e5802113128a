// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/terms.hpp"

#include <algorithm>

namespace cardgate::daemon {
namespace {

template <class Mode>
Mode stricter_mode(const Mode& a, const Mode& b) {
  if (a.mode != b.mode) return a.mode < b.mode ? a : b;
  return a.time <= b.time ? a : b;
}

std::optional<milliseconds> stricter_time(const std::optional<milliseconds>& a,
                                          const std::optional<milliseconds>& b) {
  return a && b ? std::min(a, b) : (a ? a : b);
}

}  // namespace

Terms stricter(const Terms& a, const Terms& b) {
  Terms out;
  out.idle = a.idle.count() == 0 || b.idle.count() == 0 ? std::max(a.idle, b.idle) : std::min(a.idle, b.idle);
  out.removal = stricter_mode(a.removal, b.removal);
  out.screen = stricter_mode(a.screen, b.screen);
  out.step_up_age = stricter_time(a.step_up_age, b.step_up_age);
  out.max_session = stricter_time(a.max_session, b.max_session);
  return out;
}

Terms terms_of(const policy::Role& role) {
  return {role.idle, role.card_removal, role.screen_lock, role.step_up_age, role.max_session};
}

Terms terms_of(const policy::Role& role, const policy::Policy& policy, policy::Act act) {
  Terms terms = terms_of(role);
  const auto age = policy.step_up_age(act);
  if (age) terms.step_up_age = terms.step_up_age ? std::min(*terms.step_up_age, *age) : *age;
  return terms;
}

}  // namespace cardgate::daemon
