// SPDX-License-Identifier: Apache-2.0
#include "register/import/look_alikes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/unicode.hpp"

namespace cardgate::reg {
namespace {

/// "Owusu, Ama" and "Ama Owusu" are one name.
std::string name_mark(std::string_view name) {
  std::istringstream text(search_text(name));
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  std::ranges::sort(words);
  std::string out;
  for (const auto& word : words) out += ' ' + word;
  return out;
}

struct Mark {
  std::string_view what;
  std::string value;
};
std::vector<Mark> marks_of(const Likeness& one) {
  std::vector<Mark> out;
  const auto add = [&out](std::string_view what, std::string value) {
    if (!value.empty()) out.push_back({what, std::move(value)});
  };
  add("name", name_mark(one.name));
  add("birth date and National Insurance number", one.enrolment);
  add("birth date", one.born ? to_text(*one.born) : "");
  add("username", one.username);
  for (const auto& card : one.cards) add("card", card);
  return out;
}

}  // namespace

void Leavers::add(Likeness leaver) {
  for (const auto& [what, value] : marks_of(leaver))
    by_mark_.emplace(fmt::format("{} {}", what, value), leavers_.size());
  leavers_.push_back(std::move(leaver));
}

std::string Leavers::like(const Likeness& newcomer) const {
  for (const auto& [what, value] : marks_of(newcomer)) {
    const auto found = by_mark_.find(fmt::format("{} {}", what, value));
    if (found == by_mark_.end()) continue;
    const auto& leaver = leavers_[found->second];
    return fmt::format("{} ({}) has the same {}, and leaves with this file", leaver.id, leaver.name, what);
  }
  return {};
}

}  // namespace cardgate::reg
