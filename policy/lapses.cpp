// SPDX-License-Identifier: Apache-2.0
#include "policy/lapses.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "policy/standing.hpp"
#include "policy/words.hpp"

namespace cardgate::policy {
namespace {

using std::chrono::days;

/// A password asks for everything that a card asks for, but for the card.
SignIn least(const Role& role) {
  return role.accepts(SignIn::password) ? SignIn::password : SignIn::card;
}

/// What decide() asks in this role, one after the other, until `visit` says false. Without its words for what is missing: over
/// everybody they would cost more than all the rest.
template <class Visit>
bool all_asked(const Role& role, SignIn sign_in, Visit visit) {
  static const Prerequisite not_removed{Kind::not_removed, {}, {}, {}, false, {}};
  static const Prerequisite card{Kind::card, {}, {}, {}, false, {}};
  bool card_asked = sign_in != SignIn::card;
  if (!visit(not_removed)) return false;
  for (const auto& wanted : role.requires_all) {
    card_asked = card_asked || wanted.kind == Kind::card;
    if (!visit(wanted)) return false;
  }
  return card_asked || visit(card);
}

bool leave_begins(const Facts& facts, Day last) {
  return facts.leave_from && facts.leave_from->ok() && Day(*facts.leave_from) == last + days(1);
}

std::string title(const Prerequisite& wanted, const Role& role, const Facts& facts, Day last) {
  switch (wanted.kind) {
    case Kind::employed:
      return leave_begins(facts, last)
                 ? fmt::format("employment (leave begins on {})", day_text(*facts.leave_from))
                 : std::string("employment");
    case Kind::card:
      return "card";
    case Kind::form:
      return fmt::format("{} for {}", wanted.title, role.title);
    case Kind::line_manager:
      return "standing in for a line manager";
    case Kind::delegation:
      return fmt::format("delegation of {}", role.title);
    default:
      return wanted.title;
  }
}

std::string sentence(const Prerequisite& wanted, const Lapse& lapse, const Facts& facts, Day last) {
  std::string text;
  if (wanted.kind == Kind::employed && leave_begins(facts, last)) {
    text = fmt::format("Your leave begins on {}", day_text(*facts.leave_from));
  } else {
    text = fmt::format("Your {} ends on {}", lapse.title, day_text(lapse.date));
  }
  if (!lapse.ends_role) text += ". Your access goes on";
  if (lapse.resumes)
    text += fmt::format(". The access that it ends comes back on {}", day_text(*lapse.resumes));
  return text;
}

/// The words for somebody who lacks it already fit most who will; not these.
void put_ahead(Lapse& lapse, const Prerequisite& wanted, const Facts& facts, Day last) {
  if (wanted.kind == Kind::line_manager) {
    lapse.who = "the line manager for whom you stand in";
    lapse.next_step = "If you still stand in after that day, ask that line manager to name you again";
  } else if (wanted.kind == Kind::employed && leave_begins(facts, last)) {
    lapse.who = "your line manager";
    lapse.next_step = "If the leave is right, do nothing: your access comes back after it";
  }
}

class Walk {
 public:
  Walk(const Policy& policy, const Facts& facts, const Role& role, const LapseQuestion& question)
      : policy_(policy), facts_(facts), role_(role), today_(question.from), end_(today_ + question.span) {}

  void along(const Prerequisite& wanted, std::vector<Lapse>& out) const {
    Day day = today_;
    Standing standing = at(wanted, day);
    while (standing.met() && standing.date && Day(*standing.date) <= end_) {
      const Day last(*standing.date);
      standing = at(wanted, last + days(1));
      if (standing.met()) continue;  // another one follows
      Lapse lapse = lapse_of(wanted, standing, last);
      for (day = last + days(2); day <= end_ && !standing.met(); day += days(1)) {
        standing = at(wanted, day);
        if (standing.met()) lapse.resumes = Date(day);
      }
      lapse.text = sentence(wanted, lapse, facts_, last);
      out.push_back(std::move(lapse));
    }
  }

 private:
  Standing at(const Prerequisite& wanted, Day day) const {
    return standing_of(wanted, facts_, role_.name, day);
  }

  Lapse lapse_of(const Prerequisite& wanted, const Standing& after, Day last) const {
    Unmet then = unmet(wanted, after, role_.title, facts_, policy_.contacts());
    Lapse lapse;
    lapse.date = Date(last);
    lapse.days_left = static_cast<int>((last - today_).count());
    lapse.role = role_.name;
    lapse.role_title = role_.title;
    lapse.prerequisite = std::move(then.prerequisite);
    lapse.title = title(wanted, role_, facts_, last);
    lapse.who = std::move(then.who);
    lapse.next_step = std::move(then.next_step);
    lapse.ends_role = !wanted.warn;
    put_ahead(lapse, wanted, facts_, last);
    return lapse;
  }

  const Policy& policy_;
  const Facts& facts_;
  const Role& role_;
  Day today_, end_;
};

bool allowed(const Facts& facts, const Role& role, SignIn sign_in, Day today) {
  return role.accepts(sign_in) && all_asked(role, sign_in, [&](const Prerequisite& wanted) {
           return wanted.warn || standing_of(wanted, facts, role.name, today).met();
         });
}

}  // namespace

bool holds(const Facts& facts, const Role& role, Day today) {
  return allowed(facts, role, least(role), today);
}

std::vector<Lapse> lapses(const Policy& policy, const Facts& facts, const LapseQuestion& question) {
  std::vector<Lapse> out;
  for (const auto& role : policy.roles()) {
    if (!question.role.empty() && role.name != question.role) continue;
    const SignIn sign_in = question.sign_in.value_or(least(role));
    if (!allowed(facts, role, sign_in, question.from)) continue;
    const Walk walk(policy, facts, role, question);
    all_asked(role, sign_in, [&](const Prerequisite& wanted) {
      walk.along(wanted, out);
      return true;
    });
  }
  std::ranges::stable_sort(out, {}, [](const Lapse& lapse) { return Day(lapse.date); });
  return out;
}

}  // namespace cardgate::policy
