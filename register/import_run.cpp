// SPDX-License-Identifier: Apache-2.0
#include "register/import_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "register/import_check.hpp"

namespace cardgate::reg {
namespace {

/// What a file says of a form; who asked for it and who closed it are not in files.
auto filed(const Form& f) {
  return std::tie(f.kind, f.role, f.verified_by, f.approved_by, f.verified_on, f.approved_on, f.valid_from,
                  f.valid_until, f.state);
}
auto filed(const Declaration& d) {
  return std::tie(d.name, d.version, d.signed_on, d.valid_until);
}
auto filed(const Training& t) {
  return std::tie(t.course, t.completed_on, t.valid_until);
}
auto filed(const Delegation& d) {
  return std::tie(d.from, d.role, d.valid_from, d.valid_until, d.revoked);
}

template <class Row>
bool same_on_file(const std::vector<Row>& a, const std::vector<Row>& b) {
  return std::ranges::equal(a, b, [](const Row& x, const Row& y) { return filed(x) == filed(y); });
}

class Run {
 public:
  Run(SQLite::Database& database, PersonReader& reader, const ImportFile& file)
      : database_(database), reader_(reader), file_(file), rows_(database), plans_(file.people.size()) {}

  ImportReport go() {
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    report_.people = file_.people.size();
    // In three rounds, so that people may name each other and cards may change hands within one file.
    for (std::size_t i = 0; i < plans_.size(); ++i) add_if_new(i);
    for (std::size_t i = 0; i < plans_.size(); ++i) change(i);
    for (std::size_t i = 0; i < plans_.size(); ++i) fill_lists(i);
    if (file_.complete) check_loops();
    if (!file_.complete && report_.problems.empty())
      report_.problems.push_back({0, "the file has bad lines"});
    if (!report_.problems.empty()) {
      std::ranges::stable_sort(report_.problems, {}, &ImportProblem::line);
      return ImportReport{report_.people, 0, 0, 0, {}, std::move(report_.problems)};
    }
    note_managers();
    report_.changed_ids.assign(changed_.begin(), changed_.end());
    transaction.commit();
    return std::move(report_);
  }

 private:
  struct Plan {
    Key key = 0;
    bool is_new = false;
    bool new_manager = false;
    Lists lists;  // to be filled from the file
  };

  void problem(int line, std::string text) { report_.problems.push_back({line, std::move(text)}); }

  void add_if_new(std::size_t i) {
    const Person& person = file_.people[i].person;
    if (const auto known = rows_.key_of(person.id)) {
      plans_[i].key = *known;
      return;
    }
    plans_[i].key = rows_.add_person(person.id, person.name);
    plans_[i].is_new = true;
  }

  /// What the person will be, except for the lists.
  static Person merged(const Person& now, const ImportedPerson& item) {
    Person next = now;
    const auto& given = item.given;
    if (given.name) next.name = item.person.name;
    if (given.email) next.email = item.person.email;
    if (given.line_manager) next.line_manager = item.person.line_manager;
    if (given.employed_from) next.employed_from = item.person.employed_from;
    if (given.employed_until) next.employed_until = item.person.employed_until;
    if (given.removed) {
      next.removed = item.person.removed;
      next.removed_reason = item.person.removed_reason;
    }
    return next;
  }

  static Lists given_and_different(const Person& now, const ImportedPerson& item) {
    const auto& given = item.given;
    const Person& next = item.person;
    Lists out;
    out[unix_accounts] = given.unix_accounts && now.unix_accounts != next.unix_accounts;
    out[teams] = given.teams && now.teams != next.teams;
    out[cards] = given.cards && now.cards != next.cards;
    out[identities] = given.identities && now.identities != next.identities;
    out[forms] = given.forms && !same_on_file(now.forms, next.forms);
    out[declarations] = given.declarations && !same_on_file(now.declarations, next.declarations);
    out[training] = given.training && !same_on_file(now.training, next.training);
    out[delegations] = given.delegations && !same_on_file(now.delegations, next.delegations);
    return out;
  }

  void change(std::size_t i) {
    const ImportedPerson& item = file_.people[i];
    Plan& plan = plans_[i];
    Person now;
    if (plan.is_new) {
      now.id = item.person.id;
      now.name = item.person.name;
    } else {
      auto row = reader_.read(item.person.id);
      if (!row) throw BadRow{"a person is in its index only"};
      now = std::move(row->person);
    }
    const Person next = merged(now, item);
    plan.lists = given_and_different(now, item);
    plan.new_manager = now.line_manager != next.line_manager;
    if (now != next) set_person(item, plan, next);
    if (plan.new_manager) {
      for (const auto& id : {now.line_manager, next.line_manager}) {
        if (!id.empty()) managers_.insert(id);
      }
    }
    for (std::size_t list = 0; list < list_count; ++list) {
      if (plan.lists[list] && !plan.is_new) rows_.drop(plan.key, static_cast<List>(list));
    }
    if (plan.is_new) {
      ++report_.added;
    } else if (now != next || plan.lists.any()) {
      ++report_.changed;
    } else {
      ++report_.unchanged;
      return;
    }
    changed_.insert(item.person.id);
  }

  void set_person(const ImportedPerson& item, const Plan& plan, const Person& next) {
    KeyOrNone manager;
    if (!next.line_manager.empty()) {
      manager = rows_.key_of(next.line_manager);
      if (!manager) {
        problem(item.lines.line_manager,
                fmt::format("{}: the line manager '{}' is neither in this file nor in the register", next.id,
                            next.line_manager));
      }
    }
    rows_.set_person(plan.key, next, manager);
  }

  void fill_lists(std::size_t i) {
    const ImportedPerson& item = file_.people[i];
    const Person& p = item.person;
    const Plan& plan = plans_[i];
    const auto fill = [&](List list, const auto& rows, auto row) {
      if (!plan.lists[list]) return;
      // A file with bad lines is only searched for more of them, and only these lists lead to other people.
      if (!file_.complete && list != cards && list != delegations) return;
      for (std::size_t n = 0; n < rows.size(); ++n) row(rows[n], n);
    };
    const Key k = plan.key;
    const auto add = [&](const auto& row, auto) { rows_.add(k, row); };
    fill(unix_accounts, p.unix_accounts, [&](const auto& row, auto) { rows_.add(k, row, unix_accounts); });
    fill(teams, p.teams, [&](const auto& row, auto) { rows_.add(k, row, teams); });
    fill(cards, p.cards, [&](const Card& card, std::size_t n) {
      if (card_is_free(item, card, n)) rows_.add(k, card);
    });
    fill(identities, p.identities, add);
    fill(forms, p.forms, add);
    fill(declarations, p.declarations, add);
    fill(training, p.training, add);
    fill(delegations, p.delegations, [&](const Delegation& d, std::size_t n) {
      if (const auto from = grantor(item, d, n)) rows_.add(k, d, *from);
    });
  }

  bool card_is_free(const ImportedPerson& item, const Card& card, std::size_t n) {
    if (card.uuid.empty()) return false;  // a bad line, which has been named
    const std::string holder = rows_.holder_of(card.uuid);
    if (holder.empty()) return true;
    // Within one incomplete file the card may stand twice, which has been said.
    if (file_.complete) {
      problem(item.lines.cards[n],
              fmt::format("{}: the card {} is registered to {} already", item.person.id, card.uuid, holder));
    }
    return false;
  }

  KeyOrNone grantor(const ImportedPerson& item, const Delegation& delegation, std::size_t n) {
    if (delegation.from.empty()) return std::nullopt;  // a bad line, which has been named
    const auto from = rows_.key_of(delegation.from);
    if (!from) {
      problem(item.lines.delegations[n],
              fmt::format("{}: '{}', who delegates, is neither in this file nor in the register",
                          item.person.id, delegation.from));
      return std::nullopt;
    }
    if (!rows_.has_staff(*from)) {
      problem(item.lines.delegations[n], fmt::format("{}: '{}', who delegates, is nobody's line manager",
                                                     item.person.id, delegation.from));
    }
    return from;
  }

  /// Every loop goes through somebody whose manager is new; walking up from all of them visits nobody twice.
  void check_loops() {
    std::unordered_map<Key, std::size_t> walk_of;  // who was met, and on whose walk
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      if (!plans_[i].new_manager) continue;
      KeyOrNone at = plans_[i].key;
      while (at && walk_of.emplace(*at, i).second) at = rows_.manager_of(*at);
      if (at && walk_of[*at] == i) loop_problem(i, *at);
    }
  }

  void loop_problem(std::size_t i, Key start) {
    std::vector<std::string> ids{rows_.id_of(start)};
    for (auto at = rows_.manager_of(start); at; at = rows_.manager_of(*at)) {
      ids.push_back(rows_.id_of(*at));
      if (*at == start) break;
    }
    const ImportedPerson& item = file_.people[i];
    problem(item.lines.line_manager,
            fmt::format("{}: line managers in a loop: {}", item.person.id, loop_text(ids)));
  }

  void note_managers() { changed_.insert(managers_.begin(), managers_.end()); }

  SQLite::Database& database_;
  PersonReader& reader_;
  const ImportFile& file_;
  RowWriter rows_;
  std::vector<Plan> plans_;
  std::set<std::string> changed_, managers_;
  ImportReport report_;
};

}  // namespace

ImportReport run_import(SQLite::Database& database, PersonReader& reader, const ImportFile& file) {
  return Run(database, reader, file).go();
}

}  // namespace cardgate::reg
