// SPDX-License-Identifier: Apache-2.0
#include "register/import/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace cardgate::reg {
namespace {

using Index = std::unordered_map<std::string_view, const ImportedPerson*>;

/// By the first of each id.
Index index_of(const ImportFile& file, std::vector<std::size_t>& repeated) {
  Index by_id;
  by_id.reserve(file.people.size());
  for (std::size_t i = 0; i < file.people.size(); ++i) {
    const auto& item = file.people[i];
    if (!item.person.id.empty() && !by_id.emplace(item.person.id, &item).second) repeated.push_back(i);
  }
  return by_id;
}

/// What two rows of one person do not say alike, as the file's header spells it.
std::string differing_columns(const ImportFile& file, const ImportedPerson& a, const ImportedPerson& b) {
  std::string out;
  const auto note = [&](std::string_view name, bool differs) {
    const auto column = file.columns.find(name);
    if (differs && column != file.columns.end()) out += (out.empty() ? "" : ", ") + column->second;
  };
  const Person& p = a.person;
  const Person& q = b.person;
  note("name", p.name != q.name);
  note("email", p.email != q.email);
  note("username", p.username != q.username);
  note("line_manager", p.line_manager != q.line_manager);
  note("employed_from", p.employed_from != q.employed_from);
  note("employed_until", p.employed_until != q.employed_until);
  note("unix_account", p.unix_accounts != q.unix_accounts);
  note("team", p.teams != q.teams);
  note("card_uuid", p.cards != q.cards);
  note("date_of_birth", a.enrolment.born != b.enrolment.born);
  note("national_insurance", a.enrolment.ni_start != b.enrolment.ni_start);
  return out;
}

/// In a table one person may have a row for each assignment: rows that say the same are one.
Index check_ids(ImportFile& file, Problems& problems) {
  std::vector<std::size_t> repeated;
  Index by_id = index_of(file, repeated);
  if (repeated.empty()) return by_id;
  std::vector<bool> drop(file.people.size());
  for (const std::size_t i : repeated) {
    const auto& item = file.people[i];
    const auto& first = *by_id.find(item.person.id)->second;
    const bool table = !file.columns.empty();
    if (table && item.person == first.person && item.given == first.given &&
        item.enrolment == first.enrolment) {
      drop[i] = true;
      continue;
    }
    const auto columns = differing_columns(file, first, item);
    problems.add(problem_in(file, item.line, "id",
                            fmt::format("{}: stands twice (first on line {}){}", item.person.id, first.line,
                                        columns.empty() ? "" : ", and the two rows differ in: " + columns)));
  }
  std::size_t at = 0;
  std::erase_if(file.people, [&](const auto&) { return drop[at++]; });
  repeated.clear();
  return index_of(file, repeated);
}

void check_usernames(const ImportFile& file, Problems& problems) {
  Index by_name;
  for (const auto& item : file.people) {
    if (item.person.username.empty()) continue;
    const auto [first, is_new] = by_name.emplace(item.person.username, &item);
    if (is_new) continue;
    problems.add(problem_in(file, item.lines.username, "username",
                            fmt::format("{}: the username {} stands twice (first for {})", item.person.id,
                                        item.person.username, first->second->person.id)));
  }
}

void check_cards(const ImportFile& file, Problems& problems) {
  struct Place {
    const ImportedPerson* holder;
    int line;
  };
  std::unordered_map<std::string_view, Place> by_uuid;
  for (const auto& item : file.people) {
    for (std::size_t i = 0; i < item.person.cards.size(); ++i) {
      const std::string& uuid = item.person.cards[i].uuid;
      if (uuid.empty()) continue;
      const auto [first, is_new] = by_uuid.emplace(uuid, Place{&item, item.lines.cards[i]});
      if (is_new) continue;
      problems.add(
          problem_in(file, item.lines.cards[i], "card_uuid",
                     fmt::format("{}: the card {} stands twice (first on line {}, for {})", item.person.id,
                                 uuid, first->second.line, first->second.holder->person.id)));
    }
  }
}

/// Walks up from everybody; nobody is walked through twice.
void check_loops(const ImportFile& file, const Index& by_id, Problems& problems) {
  enum class Seen : std::uint8_t { on_this_walk, earlier };
  std::unordered_map<const ImportedPerson*, Seen> seen;
  seen.reserve(file.people.size());
  for (const auto& start : file.people) {
    std::vector<const ImportedPerson*> walk;
    const ImportedPerson* at = &start;
    while (at != nullptr && seen.emplace(at, Seen::on_this_walk).second) {
      walk.push_back(at);
      const std::string& manager = at->person.line_manager;
      const auto next = by_id.find(manager);
      at = manager.empty() || manager == at->person.id || next == by_id.end() ? nullptr : next->second;
    }
    if (at != nullptr && seen[at] == Seen::on_this_walk) {
      std::vector<std::string> ids;
      for (auto it = std::ranges::find(walk, at); it != walk.end(); ++it) ids.push_back((*it)->person.id);
      ids.push_back(at->person.id);
      problems.add(problem_in(file, at->lines.line_manager, "line_manager",
                              fmt::format("{}: line managers in a loop: {}", at->person.id, loop_text(ids))));
    }
    for (const auto* item : walk) seen[item] = Seen::earlier;
  }
}

}  // namespace

std::string loop_text(const std::vector<std::string>& ids) {
  constexpr std::size_t shown = 6;
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i == shown && ids.size() > shown + 2) {
      text += fmt::format(" -> ({} more)", ids.size() - shown - 1);
      i = ids.size() - 1;
    }
    text += (text.empty() ? "" : " -> ") + ids[i];
  }
  return text;
}

std::string_view check_born(const std::optional<Date>& born) {
  constexpr std::chrono::year earliest{1900};
  return born && born->year() < earliest ? "expected a date of birth after 1900" : "";
}

std::vector<ImportProblem> wrong_evidence(const ImportFile& file, const ImportedPerson& item, Date today,
                                          const std::function<bool(const std::string& id)>& is_known) {
  const Person& p = item.person;
  const auto& lines = item.lines;
  std::vector<ImportProblem> out;
  const auto wrong = [&](const std::vector<int>& where, std::size_t n, std::string_view list,
                         std::string_view text) {
    const int line = n < where.size() ? where[n] : item.line;
    out.push_back(problem_in(file, line, list, fmt::format("{}: {}", p.id, text)));
  };
  const auto to_come = [&](const std::optional<Date>& day) { return day && today.ok() && *day > today; };
  for (std::size_t n = 0; n < p.forms.size(); ++n) {
    const Form& form = p.forms[n];
    if (form.state == Form::State::withdrawn) continue;
    const auto check = [&](std::string_view what, const std::string& who, const std::optional<Date>& day) {
      if (!who.empty() && !file.rows_lost && !is_known(who)) {
        wrong(lines.forms, n, "forms",
              fmt::format("'{}', who {} the form, is neither in this file nor in the register", who, what));
      }
      if (to_come(day))
        wrong(lines.forms, n, "forms",
              fmt::format("the form was {} on {}, a day to come", what, to_text(*day)));
    };
    check("verified", form.verified_by, form.verified_on);
    check("approved", form.approved_by, form.approved_on);
  }
  if (!file.complete) return out;  // days that could not be read are none
  for (std::size_t n = 0; n < p.declarations.size(); ++n) {
    if (const Date day = p.declarations[n].signed_on; to_come(day))
      wrong(lines.declarations, n, "declarations", fmt::format("signed on {}, a day to come", to_text(day)));
  }
  for (std::size_t n = 0; n < p.training.size(); ++n) {
    if (const Date day = p.training[n].completed_on; to_come(day))
      wrong(lines.training, n, "training", fmt::format("completed on {}, a day to come", to_text(day)));
  }
  return out;
}

std::vector<ImportProblem> forbidden_changes(const ImportFile& file, const ImportedPerson& item,
                                             const Person& now, const Person& next, Date today) {
  std::vector<ImportProblem> out;
  const auto problem = [&](int line, std::string_view field, std::string text) {
    out.push_back(problem_in(file, line, field, std::move(text)));
  };
  if (item.enrolment.born && today.ok() && *item.enrolment.born > today)
    problem(item.line, "date_of_birth", fmt::format("{}: the date of birth is in the future", next.id));
  if (now.removed && !next.removed) {
    problem(
        item.lines.removed, "removed",
        fmt::format("{}: access was removed; restoring takes two people: cardgate removal restore", next.id));
  }
  const bool within_file = item.given.employed_from && item.given.employed_until;  // looked at by the parser
  if (!within_file && next.employed_from && next.employed_until &&
      *next.employed_until < *next.employed_from) {
    problem(item.line, "employed_until",
            fmt::format("{}: the employment would end, on {}, before it begins, on {}", next.id,
                        to_text(*next.employed_until), to_text(*next.employed_from)));
  }
  return out;
}

ImportProblem problem_in(const ImportFile& file, int line, std::string_view field, std::string text) {
  const auto column = file.columns.find(field);
  if (column == file.columns.end()) return {line, std::move(text), {}};
  return {line, fmt::format("column '{}': {}", column->second, text), column->second};
}

void check_across(ImportFile& file, Problems& problems) {
  const Index by_id = check_ids(file, problems);
  check_usernames(file, problems);
  check_cards(file, problems);
  for (const auto& item : file.people) {
    if (!item.person.id.empty() && item.person.line_manager == item.person.id) {
      problems.add(problem_in(file, item.lines.line_manager, "line_manager",
                              fmt::format("{}: is their own line manager", item.person.id)));
    }
    for (std::size_t i = 0; i < item.person.delegations.size(); ++i) {
      if (!item.person.id.empty() && item.person.delegations[i].from == item.person.id) {
        problems.add(item.lines.delegations[i], fmt::format("{}: delegates to themselves", item.person.id));
      }
    }
  }
  check_loops(file, by_id, problems);
}

}  // namespace cardgate::reg
