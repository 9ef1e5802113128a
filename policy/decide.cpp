// SPDX-License-Identifier: Apache-2.0
#include "policy/decide.hpp"

#include <algorithm>

#include "policy/standing.hpp"
#include "policy/words.hpp"

namespace cardgate::policy {
namespace {

/// Gathers the answers to one request.
class Hearing {
 public:
  Hearing(const Policy& policy, const Facts& facts, std::string_view role, std::string_view title,
          WallTime now)
      : policy_(policy), facts_(facts), role_(role), title_(title), today_(policy.calendar().date_of(now)) {}

  void ask(const Prerequisite& wanted, bool warn) {
    const Standing standing = standing_of(wanted, facts_, role_, today_);
    if (!standing.met()) {
      auto& list = warn ? decision.warnings : decision.unmet;
      list.push_back(unmet(wanted, standing, title_, facts_, policy_.contacts()));
    } else if (standing.date && !warn) {
      const Day after = Day(*standing.date) + std::chrono::days(1);
      if (!lapse_ || after < *lapse_) lapse_ = after;
    }
  }

  void ask_revocation(milliseconds delay, WallTime now) {
    if (!facts_.answers_until) return;
    const WallTime end = *facts_.answers_until + delay;
    if (now > end) {
      decision.unmet.push_back(revocation_unknown(*facts_.answers_until, policy_));
    } else {
      ends_at(end);
    }
  }

  void ask_loan(WallTime now) {
    if (!facts_.card_lent_until) return;
    if (facts_.card_loan_ended || now >= *facts_.card_lent_until) {
      decision.unmet.push_back(loan_over(*facts_.card_lent_until, policy_));
    } else {
      ends_at(*facts_.card_lent_until);
    }
  }

  Decision close(std::string_view records) {
    decision.allowed = decision.unmet.empty();
    if (decision.allowed) {
      decision.records = records;
      if (lapse_) {
        decision.valid_until = policy_.calendar().start_of(Date(*lapse_));
        decision.last_day = Date(*lapse_ - std::chrono::days(1));
      }
      if (moment_ && (!decision.valid_until || *moment_ < *decision.valid_until)) {
        decision.valid_until = moment_;
      }
    }
    return std::move(decision);
  }

  Decision decision;

 private:
  void ends_at(WallTime when) {
    if (!moment_ || when < *moment_) moment_ = when;
  }

  const Policy& policy_;
  const Facts& facts_;
  std::string_view role_, title_;
  Day today_;
  std::optional<Day> lapse_;
  std::optional<WallTime> moment_;  // of what does not last to the end of a day
};

const Prerequisite& not_removed() {
  static const Prerequisite rule{Kind::not_removed, {}, {}, {}, false, {}};
  return rule;
}

const Prerequisite& active_card() {
  static const Prerequisite rule{Kind::card, {}, {}, {}, false, {}};
  return rule;
}

}  // namespace

Decision decide(const Policy& policy, const Facts& facts, const Request& request, WallTime now) {
  const Role* role = policy.role(request.role);
  Hearing hearing(policy, facts, request.role, role != nullptr ? std::string_view(role->title) : request.role,
                  now);
  hearing.ask(not_removed(), false);
  if (role == nullptr) {
    hearing.decision.unmet.push_back(unknown_role(request.role, policy));
    return hearing.close({});
  }
  if (!role->accepts(request.sign_in))
    hearing.decision.unmet.push_back(wrong_sign_in(*role, request.sign_in));
  bool card_asked = request.sign_in != SignIn::card;
  for (const auto& wanted : role->requires_all) {
    if (wanted.kind == Kind::not_removed) continue;
    card_asked = card_asked || wanted.kind == Kind::card;
    hearing.ask(wanted, wanted.warn);
  }
  if (!card_asked) hearing.ask(active_card(), false);
  if (request.sign_in == SignIn::card) {
    hearing.ask_revocation(role->revocation_delay, now);
    hearing.ask_loan(now);
  }
  return hearing.close(role->records);
}

Decision decide_sign_in(const Policy& policy, const Facts& facts, SignIn sign_in, WallTime now) {
  Hearing hearing(policy, facts, {}, {}, now);
  hearing.ask(not_removed(), false);
  for (const auto& wanted : policy.standing(sign_in)) hearing.ask(wanted, wanted.kind == Kind::training);
  if (sign_in == SignIn::card) {
    hearing.ask(active_card(), false);
    hearing.ask_loan(now);
  }
  return hearing.close({});
}

}  // namespace cardgate::policy
