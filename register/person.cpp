// SPDX-License-Identifier: Apache-2.0
#include "register/person.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/card_id.hpp"

namespace cardgate::reg {

std::string_view name(Form::State state) {
  switch (state) {
    case Form::State::submitted:
      return "submitted";
    case Form::State::verified:
      return "verified";
    case Form::State::approved:
      return "approved";
    case Form::State::rejected:
      return "rejected";
    case Form::State::withdrawn:
      return "withdrawn";
  }
  return "unknown";
}

bool given_by_set_up(const Form& form) {
  return form.requested_by == root_name && form.verified_by == root_by_set_up &&
         form.approved_by == root_name;
}

std::string_view name(Removal::State state) {
  switch (state) {
    case Removal::State::requested:
      return "requested";
    case Removal::State::declined:
      return "declined";
    case Removal::State::done:
      return "done";
    case Removal::State::restoring:
      return "restoring";
    case Removal::State::restored:
      return "restored";
  }
  return "unknown";
}

bool is_card_uuid(std::string_view text) {
  return is_uuid(text) && !is_placeholder_uuid(text);
}

std::string card_uuid(std::string_view text) {
  return ascii_lower(text);
}

bool comes_back(const Person& before, const std::optional<Date>& first_day) {
  return before.employed_until && first_day && first_day != before.employed_from &&
         *first_day > *before.employed_until;
}

void close_former_employment(const Person& before, Person& next) {
  if (!comes_back(before, next.employed_from)) return;
  const Date last = *before.employed_until;
  for (auto& form : next.forms) {
    if (form.state == Form::State::rejected || form.state == Form::State::withdrawn) continue;
    form.state = Form::State::withdrawn;
    form.closed_on = last;
    form.closed_reason = "the employment ended";
  }
  for (auto& delegation : next.delegations) delegation.revoked = true;
  for (auto& acting : next.acting) acting.revoked = true;
  for (auto& declaration : next.declarations) {
    if (!declaration.valid_until || *declaration.valid_until > last) declaration.valid_until = last;
  }
  for (auto& card : next.cards) {
    if (card.on_loan()) {
      card.status = "ended";  // of the pool, which waits for it
    } else if (card.status == "active") {
      card.status = "revoked";
    }
  }
  next.leave_from.reset();
  next.leave_until.reset();
}

namespace {

template <class Rows>
bool lacks_number(const Rows& rows) {
  return std::ranges::any_of(rows, [](const auto& row) { return row.id == 0; });
}

template <class Rows>
void give_number(Rows& rows, std::int64_t number) {
  const auto first = std::ranges::find_if(rows, [](const auto& row) { return row.id == 0; });
  if (first != rows.end()) first->id = number;
}

}  // namespace

std::optional<Numbered> without_number(const Person& person) {
  if (lacks_number(person.forms)) return Numbered::form;
  if (lacks_number(person.delegations)) return Numbered::delegation;
  if (lacks_number(person.acting)) return Numbered::acting;
  if (lacks_number(person.removals)) return Numbered::removal;
  return std::nullopt;
}

void set_number(Person& person, Numbered kind, std::int64_t number) {
  switch (kind) {
    case Numbered::form:
      return give_number(person.forms, number);
    case Numbered::delegation:
      return give_number(person.delegations, number);
    case Numbered::acting:
      return give_number(person.acting, number);
    case Numbered::removal:
      return give_number(person.removals, number);
  }
}

}  // namespace cardgate::reg
