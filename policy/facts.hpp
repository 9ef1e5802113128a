// SPDX-License-Identifier: Apache-2.0
// What is known about one person at one moment: the plain data that a decision is made from. No behaviour, no
// clock; whoever has the staff register fills it in. Dates are days in UTC; an "until" day is the last day
// that counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::policy {

/// A day of the calendar that people live by, as a number.
using Day = std::chrono::sys_days;

/// An access form (ESR06) for one role. `verified_by` and `approved_by` are people's ids. A day that is not known
/// (nothing) does not speak against the form; one that is still to come does.
struct Form {
  std::string kind, role;
  bool verified = false, approved = false, withdrawn = false;
  std::string verified_by, approved_by;
  std::optional<Date> valid_from, valid_until;
  bool rejected = false;
  std::optional<Date> verified_on = {}, approved_on = {};
  bool by_nobody_known = false;  // who verified or approved it is nobody whom the register knows
};

/// `text_hash`: of the text that was signed; empty: it was signed elsewhere, and nothing is known of the text.
struct Declaration {
  std::string name, version;
  Date signed_on;
  std::optional<Date> valid_until;
  std::string text_hash = {};
};

struct Training {
  std::string course;
  Date completed_on;
  std::optional<Date> valid_until;
};

/// `from` (a line manager's id) lets the person act in `role`.
struct Delegation {
  std::string from, role;
  std::optional<Date> valid_from, valid_until;
  bool revoked = false;
};

/// The person stands in for the line manager `manager`.
struct Acting {
  std::string manager;
  std::optional<Date> valid_from, valid_until;
};

struct Facts {
  std::string person;
  std::optional<Date> employed_from, employed_until;  // no first day: never employed, as far as is known
  std::optional<Date> leave_from, leave_until;        // no last day: until further notice
  bool removed = false;
  bool card_active = false;  // the card in use is registered to the person and active
  std::optional<Date> card_valid_until;
  /// The card in use is lent to the person: from then on it opens nothing.
  std::optional<WallTime> card_lent_until;
  bool card_loan_ended = false;  // that time was over once, whatever the clock shows now
  /// Until when it is known that the card's certificate is not withdrawn; nothing: not signed in by card.
  std::optional<WallTime> answers_until;
  std::string line_manager;
  bool is_line_manager = false;
  std::vector<Acting> acting;
  std::vector<std::string> teams;
  std::vector<Form> forms;
  std::vector<Declaration> declarations;
  std::vector<Training> training;
  std::vector<Delegation> delegations;
};

}  // namespace cardgate::policy
