// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/right.hpp"

#include "policy/decide.hpp"
#include "policy/records.hpp"

namespace cardgate::daemon::work {
namespace {

Error right_lost(std::string sentence) {
  return {Errc::permission_denied, std::move(sentence)};
}

}  // namespace

Result<void> still_holds(const Right& right, const RecordOf& record_of, WallTime now) {
  const auto facts = to_facts_with_card(TRY(record_of(right.person)), right.card, record_of);
  if (!policy::decide_sign_in(*right.policy, facts, policy::SignIn::card, now).allowed)
    return right_lost("Your access ended before this was done. Nothing was changed");
  const policy::Role* role = nullptr;
  if (right.act) {
    role = right.policy->role(right.role);
    const bool held = role != nullptr && role->lets(*right.act) &&
                      policy::decide(*right.policy, facts, {right.role, policy::SignIn::card}, now).allowed;
    if (!held) return right_lost("You lost the role for this before it was done. Nothing was changed");
  }
  if (right.subject.empty() || (role == nullptr && !right.as_line_manager)) return {};
  const auto manager = TRY(record_of(right.subject))
  .line_manager;
  const policy::Day today(right.policy->calendar().date_of(now));
  const bool theirs = right.as_line_manager ? policy::manages(facts, manager, today)
                                            : policy::in_scope(*role, facts, right.subject, manager, today);
  if (theirs) return {};
  return right_lost("This person now has another line manager. Nothing was changed");
}

}  // namespace cardgate::daemon::work
