// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/taking.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace cardgate::daemon::work {
namespace {

using Kind = Taking::Kind;

constexpr std::array<std::string_view, 8> taking_kinds{"withdraw_form", "revoke_delegation", "end_acting",
                                                       "remove",        "block_card",        "change_staff",
                                                       "return_card",   "end_loan"};

auto end_of(const Taking& t) {
  return std::tie(t.kind, t.number, t.card, t.status, t.team, t.employed_until, t.leave_from, t.leave_until,
                  t.card_until);
}

void put_member(json::object& to, std::string_view member, const std::string& text) {
  if (!text.empty()) to[member] = text;
}
void put_member(json::object& to, std::string_view member, const std::optional<Date>& day) {
  if (day) to[member] = to_text(*day);
}

std::string member_text(const json::object& from, std::string_view member) {
  const auto* text = find_string(from, member);
  return text == nullptr ? std::string() : std::string(*text);
}
Result<std::optional<Date>> member_day(const json::object& from, std::string_view member) {
  const auto* text = find_string(from, member);
  if (text == nullptr) return std::optional<Date>();
  return std::optional<Date>(TRY(parse_date(*text)));
}

Result<void> change_dates(reg::Person& person, const Taking& t) {
  StaffChange staff;
  staff.employed_until = t.employed_until;
  staff.leave_from = t.leave_from;
  staff.leave_until = t.leave_until;
  TRY(change_staff(person, staff, t.doer));
  if (!t.team.empty() && std::erase(person.teams, t.team) == 0)
    return Error{Errc::invalid_argument, "This person is not in that team"};
  return {};
}

}  // namespace

Result<void> apply(reg::Person& person, const Taking& t) {
  switch (t.kind) {
    case Kind::withdraw_form:
      return withdraw_form(person, t.number, t.reason, t.doer);
    case Kind::revoke_delegation:
      return revoke_delegation(person, t.number);
    case Kind::end_acting:
      return end_acting(person, t.number);
    case Kind::remove:
      return t.number == 0 ? request_removal(person, t.reason, true, t.doer)
                           : do_removal(person, t.number, t.doer);
    case Kind::block_card:
      return stop_card(person, t.card, t.status, t.card_until, t.doer);
    case Kind::change_staff:
      return change_dates(person, t);
    case Kind::return_card:
      return return_card(person, t.card, WallTime(seconds(t.number)));
    case Kind::end_loan:
      return end_loan(person, t.card, WallTime(seconds(t.number)));
  }
  return Error{Errc::invalid_argument, "no such act"};
}

bool same_end(const Taking& a, const Taking& b) {
  return end_of(a) == end_of(b);
}

bool operator==(const Taking& a, const Taking& b) {
  return same_end(a, b) && a.reason == b.reason && a.doer.id == b.doer.id && a.doer.today == b.doer.today;
}

json::object to_json(const Taking& t) {
  json::object out{{"kind", taking_kinds[static_cast<std::size_t>(t.kind)]},
                   {"number", t.number},
                   {"by", t.doer.id},
                   {"on", to_text(t.doer.today)}};
  put_member(out, "card", t.card);
  put_member(out, "status", t.status);
  put_member(out, "team", t.team);
  put_member(out, "reason", t.reason);
  put_member(out, "employed_until", t.employed_until);
  put_member(out, "leave_from", t.leave_from);
  put_member(out, "leave_until", t.leave_until);
  put_member(out, "card_until", t.card_until);
  return out;
}

Result<Taking> taking_of(const json::object& object) {
  Taking t;
  const auto kind = std::ranges::find(taking_kinds, member_text(object, "kind"));
  const auto* number = object.if_contains("number");
  if (kind == taking_kinds.end() || number == nullptr || !number->is_int64())
    return Error{Errc::malformed, "no act that takes access away"};
  t.kind = static_cast<Kind>(kind - taking_kinds.begin());
  t.number = number->get_int64();
  t.card = member_text(object, "card");
  t.status = member_text(object, "status");
  t.team = member_text(object, "team");
  t.reason = member_text(object, "reason");
  t.employed_until = TRY(member_day(object, "employed_until"));
  t.leave_from = TRY(member_day(object, "leave_from"));
  t.leave_until = TRY(member_day(object, "leave_until"));
  t.card_until = TRY(member_day(object, "card_until"));
  t.doer = { member_text(object, "by"), TRY(parse_date(member_text(object, "on"))) };
  return t;
}

bool takes_away_only(const reg::Person& before, const reg::Person& after) {
  reg::Person same = before;
  same.employed_until = after.employed_until;
  same.leave_from = after.leave_from;
  same.leave_until = after.leave_until;
  same.teams = after.teams;
  if (same != after) return false;
  const bool ends_later =
      before.employed_until && (!after.employed_until || *after.employed_until > *before.employed_until);
  // Leave that was there goes on at least as long.
  const bool works_again =
      before.leave_from &&
      (!after.leave_from || *after.leave_from > *before.leave_from ||
       (after.leave_until && (!before.leave_until || *after.leave_until < *before.leave_until)));
  const bool joins = std::ranges::any_of(after.teams, [&](const std::string& team) {
    return std::ranges::find(before.teams, team) == before.teams.end();
  });
  return before != after && !ends_later && !works_again && !joins;
}

}  // namespace cardgate::daemon::work
