// SPDX-License-Identifier: Apache-2.0
#include "client/command/role_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "client/command/output.hpp"
#include "policy/lack.hpp"

namespace cardgate::client {
namespace {

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string records_text(std::string_view records) {
  if (records == "own") return "your own record";
  if (records == "team") return "the records of your team";
  if (records == "team-view") return "the records of your team, to read only";
  if (records == "delegated") return "the records of the staff you act for";
  if (records == "by-function") return "all records, by function";
  if (records == "all") return "all records";
  return std::string(records);
}

std::string until_text(const json::object& role) {
  const auto until = day_of(role, "valid_until");
  return until.empty() ? "" : fmt::format(", until {} (last day)", until);
}

/// What a list of the role names, in two or three words each.
std::vector<std::string> lacks_of(const json::object& role, std::string_view list) {
  std::vector<std::string> out;
  const auto* items = find_array(role, list);
  if (items == nullptr) return out;
  for (const auto& item : *items) {
    if (const auto* entry = item.if_object()) out.emplace_back(policy::lack(text_of(*entry, "prerequisite")));
  }
  return out;
}

/// One thing that is missing, for one role or for several.
struct Missing {
  std::string text, who, next_step;  // "{}" in the text stands for the titles of the roles
  std::vector<std::string> roles;
};

/// The same sentence about two roles is one thing.
void gather(std::vector<Missing>& into, const json::object& role, std::string_view list) {
  const auto* items = find_array(role, list);
  if (items == nullptr) return;
  const auto title = text_of(role, "title");
  for (const auto& item : *items) {
    const auto* entry = item.if_object();
    if (entry == nullptr) continue;
    auto text = text_of(*entry, "text");
    if (const auto at = title.empty() ? std::string::npos : text.find(title); at != std::string::npos)
      text.replace(at, title.size(), "{}");
    Missing one{text, text_of(*entry, "who"), text_of(*entry, "next_step"), {}};
    auto same = std::ranges::find_if(into, [&](const Missing& each) {
      return each.text == one.text && each.who == one.who && each.next_step == one.next_step;
    });
    if (same == into.end()) same = into.insert(into.end(), std::move(one));
    same->roles.push_back(title);
  }
}

std::string missing_list(const std::vector<Missing>& list, std::string_view roles_word) {
  std::string out;
  for (const auto& one : list) {
    std::string text = one.text;
    const auto roles = joined(one.roles);
    const auto at = text.find("{}");
    if (at != std::string::npos) text.replace(at, 2, roles);
    out += "\n  - " + text;
    if (at == std::string::npos && !roles.empty()) out += fmt::format("\n    {}: {}", roles_word, roles);
    out += fmt::format("\n    who can put it right: {}\n    next step: {}", one.who, one.next_step);
  }
  return out;
}

}  // namespace

std::string held_text(const json::object& role) {
  return fmt::format("{} ({}): {}{}", text_of(role, "title"), text_of(role, "role"),
                     records_text(text_of(role, "records")), until_text(role));
}

std::string role_text(const json::object& role) {
  std::string text = is_true(role, "allowed")
                         ? fmt::format("{} ({}): yes, {}{}", text_of(role, "title"), text_of(role, "role"),
                                       records_text(text_of(role, "records")), until_text(role))
                         : fmt::format("{} ({}): no", text_of(role, "title"), text_of(role, "role"));
  if (const auto* unmet = find_array(role, "unmet")) text += unmet_text(*unmet);
  if (const auto* warnings = find_array(role, "warnings"); warnings != nullptr && !warnings->empty())
    text += "\n  Recommended, but not required:" + unmet_text(*warnings);
  if (const auto* documents = find_array(role, "guidance")) text += guidance_text(*documents);
  return text;
}

std::string roles_text(const json::array& roles) {
  std::string held, not_held, guidance;
  std::vector<Missing> missing, recommended;
  for (const auto& item : roles) {
    const auto* role = item.if_object();
    if (role == nullptr) continue;
    gather(recommended, *role, "warnings");
    if (const auto* documents = find_array(*role, "guidance"); documents != nullptr && !documents->empty())
      guidance += "\n  " + text_of(*role, "title") + guidance_text(*documents);
    if (is_true(*role, "allowed")) {
      held += "\n  " + held_text(*role);
      continue;
    }
    gather(missing, *role, "unmet");
    not_held += fmt::format("\n  {} ({})", text_of(*role, "title"), text_of(*role, "role"));
  }
  std::string text = held.empty() ? "You have no role now." : "Roles you have:" + held;
  if (!not_held.empty()) text += "\nRoles you do not have:" + not_held;
  if (!missing.empty()) text += "\nMissing for these:" + missing_list(missing, "needed for");
  if (!recommended.empty())
    text += "\nRecommended, but not required:" + missing_list(recommended, "recommended for");
  if (!guidance.empty()) text += "\nDocuments that help:" + guidance;
  return text;
}

std::string role_line(const json::object& role) {
  std::string line = text_of(role, "title") + ": ";
  const auto missing = lacks_of(role, "unmet");
  const std::string removed(policy::lack(policy::removed_code));
  if (is_true(role, "allowed")) {
    line += "yes" + until_text(role);
  } else if (std::ranges::find(missing, removed) != missing.end()) {
    line += "no: " + removed;
  } else {
    line += missing.empty() ? "no" : "no. Missing: " + joined(missing);
  }
  const auto recommended = lacks_of(role, "warnings");
  return recommended.empty() ? line : line + ". Also due: " + joined(recommended);
}

namespace {

struct Ending {
  const json::object* lapse = nullptr;
  std::vector<std::string> ends;  // titles of the roles
};

std::string heading(const Ending& ending) {
  const auto days_left = number_of(*ending.lapse, "days_left");
  const std::string when = days_left == 0 ? "today" : "in " + counted(days_left, "day", "days");
  return fmt::format("ends {} ({}): {}", when, day_of(*ending.lapse, "last_day"),
                     text_of(*ending.lapse, "title"));
}

std::string consequence(const Ending& ending) {
  return ending.ends.empty() ? "Access goes on" : "Without it you lose: " + joined(ending.ends);
}

/// By date.
std::map<std::pair<std::string, std::string>, Ending> endings_of(const json::array& roles) {
  std::map<std::pair<std::string, std::string>, Ending> endings;
  for (const auto& item : roles) {
    const auto* role = item.if_object();
    const auto* lapses = role == nullptr ? nullptr : find_array(*role, "lapses");
    if (lapses == nullptr) continue;
    for (const auto& one : *lapses) {
      const auto* lapse = one.if_object();
      if (lapse == nullptr) continue;
      auto& ending = endings[{text_of(*lapse, "last_day"), text_of(*lapse, "title")}];
      ending.lapse = lapse;
      if (is_true(*lapse, "ends_role")) ending.ends.push_back(text_of(*role, "title"));
    }
  }
  return endings;
}

/// What the person would be told, as it is told to others.
std::string who_else(std::string who, const std::string& name) {
  const std::pair<std::string, std::string> others[] = {
      {"your line manager", "the line manager"}, {"you and ", name + " and "}, {"you, ", name + ", "}};
  for (const auto& [from, to] : others) {
    if (const auto at = who.find(from); at != std::string::npos) who.replace(at, from.size(), to);
  }
  return who == "you" ? name : who;
}

}  // namespace

std::string lapses_text(const json::array& roles) {
  std::string text;
  for (const auto& [key, ending] : endings_of(roles)) {
    text +=
        fmt::format("\n  - {}\n    {}.\n    who can put it right: {}\n    next step: {}", heading(ending),
                    consequence(ending), text_of(*ending.lapse, "who"), text_of(*ending.lapse, "next_step"));
  }
  return text;
}

std::string lapse_lines(const json::array& roles, const std::string& name) {
  std::string text;
  for (const auto& [key, ending] : endings_of(roles)) {
    text += fmt::format("\n    {}. {} {} can renew it.", heading(ending),
                        ending.ends.empty() ? "Access goes on." : "It ends " + joined(ending.ends) + ".",
                        who_else(text_of(*ending.lapse, "who"), name));
  }
  return text;
}

}  // namespace cardgate::client
