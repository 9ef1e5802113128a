// SPDX-License-Identifier: Apache-2.0
#include "register/person.hpp"

#include "register/normal.hpp"

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
  return is_uuid(text);
}

std::string card_uuid(std::string_view text) {
  return ascii_lower(text);
}

void close_former_employment(const Person& before, Person& next) {
  if (!before.employed_until || !next.employed_from || *next.employed_from <= *before.employed_until) return;
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
    if (card.status == "active") card.status = "revoked";
  }
  next.leave_from.reset();
  next.leave_until.reset();
}

}  // namespace cardgate::reg
