// SPDX-License-Identifier: Apache-2.0
// What a person will lose, and when: prerequisites that are met now, end within a span of days and have nothing
// that follows them. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/facts.hpp"
#include "policy/policy.hpp"

namespace cardgate::policy {

struct Lapse {
  Date date;          // the last day that counts
  int days_left = 0;  // from today to that day; 0: today is the last
  std::string role, role_title;
  std::string prerequisite;     // its stable code
  std::string text;             // a sentence to the person, without a full stop
  std::string title;            // what ends, as a noun: "ESR06 access form for Core ESR"
  std::string who, next_step;   // who can put it right, what the person does now
  bool ends_role = true;        // false: training that only warns
  std::optional<Date> resumes;  // the first day on which it is met again, when that is within the span
};

struct LapseQuestion {
  std::string_view role;          // empty: every role that the person holds
  std::optional<SignIn> sign_in;  // nothing: the way that asks for less, of those that the role takes
  Day from;
  std::chrono::days span{30};  // lapses from today's to the last of so many days
};

/// By date, then in the policy's order. Of roles that the person does not hold at `from`: nothing. What is known of a card's
/// certificate is left out: its answers are renewed by themselves.
std::vector<Lapse> lapses(const Policy& policy, const Facts& facts, const LapseQuestion& question);

/// Would the person get the role on that day, by the way that asks for less?
bool holds(const Facts& facts, const Role& role, Day today);

}  // namespace cardgate::policy
