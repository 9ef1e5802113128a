// SPDX-License-Identifier: Apache-2.0
#include "register/import/newcomers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "register/import/check.hpp"

namespace cardgate::reg {

Likeness likeness(const Person& person, std::string enrolment, const std::optional<Date>& born) {
  Likeness out{person.id, person.name, person.username, std::move(enrolment), born, {}};
  for (const auto& card : person.cards) out.cards.push_back(card.uuid);
  return out;
}

Newcomers::Number Newcomers::check_number(const ImportedPerson& item,
                                          const std::function<bool(const std::string& id)>& is_known) {
  const std::string& id = item.person.id;
  if (id.empty()) return {};
  if (!options_.ids && !forms_) forms_ = rows_.forms();
  const auto ids = like_ids(id);
  const auto other = std::ranges::find_if(ids, is_known);
  std::string like;
  if (other != ids.end()) {
    const auto there = rows_.read(*other);
    like = there ? fmt::format("{} ({})", *other, there->person.name) : *other + " of this file";
  }
  const auto wrong = options_.ids ? wrong_with_number(id, *options_.ids) : wrong_with_number(id, *forms_);
  if (!wrong.empty())
    return {fmt::format("\"{}\" {}{}", id, wrong, like.empty() ? "" : fmt::format(". Is it {}?", like))};
  if (like.empty()) return {};
  doubt(item, fmt::format("its number differs from {} only in zeros in front or in capital letters", like));
  return {{}, true};
}

void Newcomers::compare(const ImportedPerson& item, std::string enrolment) {
  const auto like = leavers_.like(likeness(item.person, std::move(enrolment), item.enrolment.born));
  if (!like.empty()) doubt(item, like);
}

std::vector<ImportProblem> Newcomers::take() {
  std::ranges::stable_sort(doubted_, {}, &ImportProblem::line);
  return std::move(doubted_);
}

void Newcomers::doubt(const ImportedPerson& item, std::string_view why) {
  doubted_.push_back(problem_in(file_, item.line, "id",
                                fmt::format("{} ({}) is new: {}", item.person.id, item.person.name, why)));
}

}  // namespace cardgate::reg
