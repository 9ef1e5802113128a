// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/crypto.hpp"

namespace cardgate::policy {
namespace {

constexpr std::array<std::string_view, act_count> act_names{
    "submit-forms",   "approve-forms", "record-training", "delegate",   "request-removal", "remove-access",
    "restore-access", "manage-staff",  "give-codes",      "see-people", "manage-downtime", "read-audit"};

bool same_thing(const Prerequisite& a, const Prerequisite& b) {
  return a.kind == b.kind && a.subject == b.subject;
}

/// What every role that is open to `way` asks about employment and training.
std::vector<Prerequisite> common_standing(const std::vector<Role>& roles, SignIn way) {
  std::vector<Prerequisite> common;
  bool first = true;
  for (const auto& role : roles) {
    if (!role.accepts(way)) continue;
    const auto& wanted = role.requires_all;
    if (first) {
      std::ranges::copy_if(wanted, std::back_inserter(common), [](const Prerequisite& item) {
        return item.kind == Prerequisite::Kind::employed || item.kind == Prerequisite::Kind::training;
      });
      first = false;
    }
    std::erase_if(common, [&](const Prerequisite& item) {
      return std::ranges::none_of(wanted, [&](const Prerequisite& other) { return same_thing(item, other); });
    });
  }
  return common;
}

}  // namespace

std::string_view name(SignIn sign_in) {
  return sign_in == SignIn::card ? "card" : "password";
}

std::string_view name(CardRemoval::Mode mode) {
  constexpr std::array<std::string_view, 4> names{"end", "lock", "grace", "keep"};
  return names.at(static_cast<std::size_t>(mode));
}

std::string_view name(Act act) {
  return act_names.at(static_cast<std::size_t>(act));
}

bool Role::lets(Act act) const {
  return std::ranges::find(may, act) != may.end();
}

const std::string& Policy::declaration_text(const std::string& name) const {
  static const std::string none;
  const auto found = parts_.texts.find(name);
  return found == parts_.texts.end() ? none : found->second;
}

const std::vector<Guidance>& Policy::guidance(const std::string& declaration) const {
  static const std::vector<Guidance> none;
  const auto found = parts_.guidance.find(declaration);
  return found == parts_.guidance.end() ? none : found->second;
}

std::vector<Guidance> Policy::guidance(const Role& role) const {
  std::vector<Guidance> out = role.guidance;
  for (const auto& wanted : role.requires_all) {
    if (wanted.kind != Kind::declaration) continue;
    for (const auto& document : guidance(wanted.subject))
      if (std::ranges::find(out, document) == out.end()) out.push_back(document);
  }
  return out;
}

bool Role::accepts(SignIn way) const {
  return std::ranges::find(sign_in, way) != sign_in.end();
}

std::string_view name(Prerequisite::Kind kind) {
  switch (kind) {
    case Kind::not_removed:
      return "not-removed";
    case Kind::employed:
      return "employed";
    case Kind::card:
      return "card";
    case Kind::form:
      return "form";
    case Kind::declaration:
      return "declaration";
    case Kind::line_manager:
      return "line-manager";
    case Kind::delegation:
      return "delegation";
    case Kind::team:
      return "team";
    case Kind::training:
      return "training";
  }
  return {};
}

Policy::Policy(Parts parts) : parts_(std::move(parts)) {
  for (auto& role : parts_.roles) {
    for (auto& wanted : role.requires_all) {
      const auto& signed_text = declaration_text(wanted.subject);
      if (wanted.kind == Prerequisite::Kind::declaration && !signed_text.empty())
        wanted.text_hash = to_hex(sha256(as_bytes(signed_text)));
    }
  }
  card_standing_ = common_standing(parts_.roles, SignIn::card);
  password_standing_ = common_standing(parts_.roles, SignIn::password);
}

std::optional<milliseconds> Policy::step_up_age(Act act) const {
  const auto found = parts_.step_up.find(act);
  return found == parts_.step_up.end() ? std::nullopt : std::optional(found->second);
}

milliseconds Policy::longest_revocation_delay() const {
  milliseconds longest{0};
  for (const auto& role : parts_.roles) longest = std::max(longest, role.revocation_delay);
  return longest;
}

const Role* Policy::role(std::string_view name) const {
  const auto found = std::ranges::find(parts_.roles, name, &Role::name);
  return found == parts_.roles.end() ? nullptr : &*found;
}

}  // namespace cardgate::policy
