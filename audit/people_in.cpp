// SPDX-License-Identifier: Apache-2.0
#include "audit/people_in.hpp"

#include <algorithm>
#include <array>

namespace cardgate::audit {
namespace {

// Members, of the record or of its details at any depth, that hold personnel numbers: one, or a list.
constexpr std::array<std::string_view, 19> person_members{
    "person",       "by",          "people",      "subject",          "manager",
    "line_manager", "lent_by",     "reported_by", "confirmed_by",     "registered_by",
    "requested_by", "verified_by", "approved_by", "closed_by",        "record",
    "to",           "stand_in",    "instead_of",  "still_removed_ids"};

bool holds_people(std::string_view member) {
  return std::ranges::find(person_members, member) != person_members.end();
}

void walk_people(const json::object& object, const std::function<void(std::string_view)>& each) {
  for (const auto& member : object) {
    const auto& value = member.value();
    if (const auto* inner = value.if_object()) {
      walk_people(*inner, each);
      continue;
    }
    const bool holds = holds_people(member.key());
    if (const auto* text = value.if_string(); holds && text != nullptr) each(*text);
    const auto* list = value.if_array();
    if (list == nullptr) continue;
    for (const auto& entry : *list) {
      if (const auto* inner = entry.if_object()) walk_people(*inner, each);
      if (const auto* text = entry.if_string(); holds && text != nullptr) each(*text);
    }
  }
}

}  // namespace

void each_person(const json::object& record, const std::function<void(std::string_view)>& each) {
  walk_people(record, each);
}

void blank_people(json::object& record, const std::function<bool(std::string_view)>& stays) {
  for (auto& member : record) {
    auto& value = member.value();
    const bool holds = holds_people(member.key());
    const auto goes = [&](const json::value& one) {
      const auto* text = one.if_string();
      return holds && text != nullptr && !stays(*text);
    };
    if (auto* inner = value.if_object()) {
      blank_people(*inner, stays);
    } else if (auto* list = value.if_array()) {
      json::array left;
      for (auto& entry : *list) {
        if (auto* within = entry.if_object()) blank_people(*within, stays);
        if (!goes(entry)) left.push_back(std::move(entry));
      }
      *list = std::move(left);
    } else if (goes(value)) {
      value = "";
    }
  }
}

bool names(const json::object& record, std::string_view person) {
  bool found = false;
  each_person(record, [&](std::string_view id) { found = found || id == person; });
  return found;
}

}  // namespace cardgate::audit
