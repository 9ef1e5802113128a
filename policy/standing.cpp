// SPDX-License-Identifier: Apache-2.0
#include "policy/standing.hpp"

#include <algorithm>

namespace cardgate::policy {
namespace {

bool reached(const Date& day, Day today) {
  return day.ok() && Day(day) <= today;
}
bool over(const Date& last, Day today) {
  return !last.ok() || Day(last) < today;
}

/// Which of two says more, or lasts longer.
bool better(const Standing& a, const Standing& b) {
  if (a.state != b.state) return a.state > b.state;
  if (!a.met()) return a.date && b.date && Day(*a.date) > Day(*b.date);
  return b.date && (!a.date || Day(*a.date) > Day(*b.date));
}

template <class List, class Judge>
Standing best_of(const List& list, Judge judge) {
  Standing best;
  for (const auto& item : list) {
    const Standing next = judge(item);
    if (better(next, best)) best = next;
  }
  return best;
}

Standing employment(const Facts& facts, Day today) {
  if (!facts.employed_from) return {};
  Standing standing = between(facts.employed_from, facts.employed_until, today);
  if (!standing.met() || !facts.leave_from || (facts.leave_until && over(*facts.leave_until, today)))
    return standing;
  if (reached(*facts.leave_from, today)) return {State::on_leave, facts.leave_until};
  const Date before(Day(*facts.leave_from) - std::chrono::days(1));
  if (!standing.date || before < *standing.date) standing.date = before;
  return standing;
}

/// Somebody's line manager, or standing in for one.
Standing line_manager(const Facts& facts, Day today) {
  if (facts.is_line_manager) return {State::met};
  Standing best;
  for (const auto& acting : facts.acting) {
    const Standing next = between(acting.valid_from, acting.valid_until, today);
    if (next.met() && better(next, best)) best = next;
  }
  return best;
}

Standing card(const Facts& facts, Day today) {
  if (!facts.card_active) return {};
  return between(std::nullopt, facts.card_valid_until, today);
}

/// Four eyes: the person asks, another verifies the need, a third approves.
Standing form(const Form& form, const Facts& facts, std::string_view kind, std::string_view role, Day today) {
  if (form.kind != kind || form.role != role) return {};
  if (form.withdrawn) return {State::withdrawn};
  if (form.rejected) return {State::rejected};
  const Standing time = between(form.valid_from, form.valid_until, today);
  if (time.state == State::lapsed) return time;
  if (!form.verified || form.verified_by.empty()) return {State::unverified};
  if (form.verified_by == facts.person) return {State::self_verified};
  if (!form.approved || form.approved_by.empty()) return {State::unapproved};
  if (form.approved_by == facts.person || form.approved_by == form.verified_by) return {State::self_approved};
  if (form.by_nobody_known) return {State::by_nobody};
  // Nobody has done yet what is on record for a day to come.
  for (const auto& day : {form.approved_on, form.verified_on}) {
    if (day && !reached(*day, today)) return {State::not_yet, day};
  }
  return time;
}

/// Of the signature's own end and the policy's, which may have become stricter since: the nearer.
std::optional<Date> last_day(const Declaration& signed_one, const Prerequisite& wanted) {
  if (!wanted.valid_for) return signed_one.valid_until;
  const Date end(Day(signed_one.signed_on) + *wanted.valid_for - std::chrono::days(1));
  const auto& own = signed_one.valid_until;
  return own && (!own->ok() || *own < end) ? own : end;
}

Standing declaration(const Declaration& signed_one, const Prerequisite& wanted, Day today) {
  if (signed_one.name != wanted.subject || !reached(signed_one.signed_on, today)) return {};
  const Standing time = between(std::nullopt, last_day(signed_one, wanted), today);
  if (time.met() && !wanted.version.empty() && signed_one.version != wanted.version) {
    return {State::wrong_version, std::nullopt, signed_one.version};
  }
  const bool other_text = !wanted.text_hash.empty() && !signed_one.text_hash.empty() &&
                          signed_one.version == wanted.version && signed_one.text_hash != wanted.text_hash;
  if (time.met() && other_text) return {State::changed_text};
  return time;
}

Standing training(const Training& done, std::string_view course, Day today) {
  if (done.course != course || !reached(done.completed_on, today)) return {};
  return between(std::nullopt, done.valid_until, today);
}

Standing delegation(const Delegation& given, const Facts& facts, std::string_view role, Day today) {
  if (given.role != role || given.from.empty() || given.from == facts.person) return {};
  if (given.revoked) return {State::withdrawn};
  return between(given.valid_from, given.valid_until, today);
}

Standing yes_or_no(bool yes) {
  return {yes ? State::met : State::absent};
}

}  // namespace

Standing between(const std::optional<Date>& from, const std::optional<Date>& until, Day today) {
  if (until && over(*until, today)) return {State::lapsed, until};
  if (from && !reached(*from, today)) return {State::not_yet, from};
  return {State::met, until};
}

Standing standing_of(const Prerequisite& wanted, const Facts& facts, std::string_view role, Day today) {
  switch (wanted.kind) {
    case Kind::not_removed:
      return yes_or_no(!facts.removed);
    case Kind::employed:
      return employment(facts, today);
    case Kind::card:
      return card(facts, today);
    case Kind::form:
      return best_of(facts.forms, [&](const Form& f) { return form(f, facts, wanted.subject, role, today); });
    case Kind::declaration:
      return best_of(facts.declarations, [&](const Declaration& d) { return declaration(d, wanted, today); });
    case Kind::line_manager:
      return line_manager(facts, today);
    case Kind::delegation:
      return best_of(facts.delegations,
                     [&](const Delegation& d) { return delegation(d, facts, role, today); });
    case Kind::team:
      return yes_or_no(std::ranges::find(facts.teams, wanted.subject) != facts.teams.end());
    case Kind::training:
      return best_of(facts.training, [&](const Training& t) { return training(t, wanted.subject, today); });
  }
  return {};
}

}  // namespace cardgate::policy
