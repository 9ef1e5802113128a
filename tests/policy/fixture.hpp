// SPDX-License-Identifier: Apache-2.0
// People for policy tests: everybody here is invented. One who meets every prerequisite of the shipped
// policy, from whom each test takes something away.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "policy/decide.hpp"
#include "policy/reader.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::policy {

inline Date date(std::string_view text) {
  return parse_date(text).value();
}
inline WallTime at(std::string_view text) {
  return parse_rfc3339(text).value();
}
inline const WallTime noon = at("2026-06-15T12:00:00Z");

inline const Policy& shipped() {
  static const Policy policy = load_policy(source_file("config/policy.yaml")).value();
  return policy;
}

inline Form good_form(std::string role) {
  Form form;
  form.kind = "ESR06";
  form.role = std::move(role);
  form.verified = form.approved = true;
  form.verified_by = "manager";
  form.approved_by = "approver";
  return form;
}

/// Meets everything that any role of the shipped policy asks for.
inline Facts everything() {
  Facts facts;
  facts.person = "amara";
  facts.employed_from = date("2020-01-01");
  facts.card_active = true;
  facts.line_manager = "manager";
  facts.is_line_manager = true;
  facts.teams = {"esr-workforce-systems"};
  for (const auto& role : shipped().roles()) facts.forms.push_back(good_form(role.name));
  facts.declarations = {{"core-confidentiality", "2026-1", date("2026-01-10"), std::nullopt}};
  facts.training = {{"information-governance", date("2026-02-01"), std::nullopt}};
  facts.delegations = {{"manager", "administrator-self-service", std::nullopt, std::nullopt, false}};
  return facts;
}

inline std::vector<std::string> codes(const std::vector<Unmet>& list) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.prerequisite);
  return out;
}

}  // namespace cardgate::policy
