// SPDX-License-Identifier: Apache-2.0
#include "register/import/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <unordered_set>

#include "register/enrolment.hpp"
#include "register/import/check.hpp"
#include "register/import/difference.hpp"
#include "register/import/fill.hpp"
#include "register/import/newcomers.hpp"
#include "register/import/people.hpp"
#include "register/import/plan.hpp"
#include "register/import/rows.hpp"

namespace cardgate::reg {
namespace {

constexpr std::size_t leavers_percent = 5;
constexpr std::size_t progress_every = 256;

class Run {
 public:
  Run(SQLite::Database& db, PersonReader& reader, const ImportFile& file, const ImportOptions& options)
      : database_(db),
        reader_(reader),
        file_(file),
        options_(options),
        rows_(db),
        own_(db),
        people_(rows_, file),
        filler_({file, options, rows_, own_, people_, report_.problems}),
        plans_(file.people.size()),
        newcomers_(own_, file, options) {}

  ImportReport go() {
    SQLite::Transaction transaction(database_, SQLite::TransactionBehavior::IMMEDIATE);
    // Managers may stand below their people: who is named must be there at the end.
    database_.exec("PRAGMA defer_foreign_keys = ON");
    begin();
    // In two rounds, so that people may name each other and cards may change hands within one file.
    for (std::size_t i = 0; i < plans_.size(); ++i) take_person(i);
    for (std::size_t i = 0; i < plans_.size(); ++i) fill(i);
    if (file_.complete) check_loops();
    if (!file_.complete || !report_.problems.empty()) {
      std::ranges::stable_sort(report_.problems, {}, &ImportProblem::line);
      ImportReport bad;
      bad.people = report_.people;
      bad.problems = std::move(report_.problems);
      return bad;
    }
    if (options_.leavers_by_absence) end_the_absent();
    doubt_newcomers();
    count_team();
    report_.team_emptied = report_.team_before > 0 && report_.team_after == 0 && !options_.break_glass;
    if (options_.dry_run || report_.refused()) return std::move(report_);
    transaction.commit();
    return std::move(report_);
  }

 private:
  using OnFile = ImportRows::OnFile;

  void problem(int line, std::string_view field, std::string text) {
    report_.problems.push_back(problem_in(file_, line, field, std::move(text)));
  }
  void tell(std::size_t done) {
    if (options_.progress && (done % progress_every == 0 || done == 2 * plans_.size()))
      options_.progress(done / 2, plans_.size());
  }

  void begin() {
    report_.people = file_.people.size();
    if (options_.today.ok()) team_before_ = own_.working_members(options_.teams, options_.today, false);
    report_.team_before = team_before_.size();
    closed_ = own_.setting("setup") == "closed" && !options_.break_glass;
    people_.begin(own_.last_key());
    if (options_.leavers_by_absence)
      own_.each_employed(options_.today, [&](const auto&) { ++report_.employed; });
  }

  void take_person(std::size_t i) {
    const ImportedPerson& item = file_.people[i];
    ImportPlan& plan = plans_[i];
    std::optional<OnFile> now;
    if (!people_.is_to_come(item.person.id)) now = own_.read(item.person.id);
    plan.is_new = !now;
    if (now) {
      people_.found(item.person.id, now->key);
    } else {
      now.emplace();
      now->key = people_.arrives(item.person.id);
      now->person.id = item.person.id;
      check_number(item, plan);
      if (!item.given.name && file_.complete) {
        problem(item.line, "name",
                fmt::format("{}: is not in the register yet, so a name is needed", item.person.id));
      }
    }
    plan.key = now->key;
    compare(item, plan, *now);
    tell(i + 1);
  }

  void compare(const ImportedPerson& item, ImportPlan& plan, OnFile& now) {
    const Lists given = given_lists(item);
    const bool back =
        !plan.is_new && item.given.employed_from && comes_back(now.person, item.person.employed_from);
    if (back) close_former(plan.key, item);
    if (!plan.is_new) reader_.read(plan.key, given, now.person);
    Person next = merged(now.person, item);
    give_cards_away(item, now.person, next);
    const KeyOrNone manager = manager_of(item, next, now);
    plan.lists = changed_lists(now.person, next, given);
    plan.new_manager = now.manager != manager;
    plan.new_username = now.person.username != next.username;
    const std::string enrolment = enrolment_of(item, now);
    const bool same = now.enrolment == enrolment && !plan.new_manager && same_fields(now.person, next);
    check_rules(item, plan, now.person, next);
    write(plan, next, manager, enrolment, same, now);
    if (options_.leavers_by_absence && employed(now.person) && !employed(next)) ++report_.losing;
    if (!plan.is_new && leaves(now.person, next)) {
      newcomers_.leaves(likeness(now.person, now.enrolment, item.enrolment.born));
    }
    if (!plan.is_new && same && plan.lists.none()) {
      ++report_.unchanged;
      return;
    }
    ++(plan.is_new ? report_.added : report_.changed);
    if (options_.dry_run && report_.differences.size() < max_differences) {
      if (item.given.line_manager && now.manager) now.person.line_manager = rows_.id_of(*now.manager);
      auto fields = differences(now.person, next, plan.lists, now.enrolment != enrolment);
      if (back) fields.push_back({"what the former employment gave", "", "ended"});
      report_.differences.push_back(
          {next.id, next.name, plan.is_new ? ImportDifference::What::added : ImportDifference::What::changed,
           std::move(fields)});
    }
    const bool untold =
        (plan.lists & Lists(1U << forms | 1U << declarations | 1U << training | 1U << delegations)).any();
    const bool more_cards = next.cards.size() != item.person.cards.size();  // of before, or on loan
    if (!plan.is_new && (untold || (plan.lists[cards] && (item.given.card_in_use || more_cards))))
      plan.kept = std::make_unique<Person>(std::move(next));
  }

  void check_number(const ImportedPerson& item, ImportPlan& plan) {
    const auto is_known = [this](const std::string& id) { return people_.has(id); };
    auto [wrong, doubted] = newcomers_.check_number(item, is_known);
    plan.doubted = doubted;
    if (!wrong.empty()) problem(item.line, "id", std::move(wrong));
  }

  /// Whom this file removes by name is meant, and still counts: an urgent removal is held up by nothing.
  void count_team() {
    if (!options_.today.ok()) return;
    auto after = own_.working_members(options_.teams, options_.today, false);
    for (const Key key : own_.working_members(options_.teams, options_.today, true)) {
      if (team_before_.contains(key)) after.insert(key);
    }
    report_.team_after = after.size();
  }

  bool leaves(const Person& now, const Person& next) const {
    return employed(now) && next.employed_until &&
           (!now.employed_until || *next.employed_until < *now.employed_until);
  }

  /// What can be compared of the newcomers that nothing is said of yet, once it is known who leaves.
  void doubt_newcomers() {
    for (std::size_t i = 0; i < plans_.size() && newcomers_.somebody_leaves(); ++i) {
      if (!plans_[i].is_new || plans_[i].doubted) continue;
      const ImportedPerson& item = file_.people[i];
      newcomers_.compare(item, enrolment_of(item, {}));
    }
    report_.look_alikes = newcomers_.take();
    report_.newcomers_doubted = report_.look_alikes.size() != options_.allow_newcomers.value_or(0);
  }

  /// A card that was this person's until now and is another's by the same file leaves nothing behind here.
  void give_cards_away(const ImportedPerson& item, const Person& now, Person& next) {
    if (!item.given.card_in_use) return;
    std::erase_if(next.cards, [&](const Card& card) {
      const auto before = std::ranges::find(now.cards, card.uuid, &Card::uuid);
      if (card.status != "replaced" || before == now.cards.end() || before->status != "active") return false;
      return cards_in_use().contains(card.uuid);
    });
  }

  /// The cards that this file puts into people's hands.
  const std::unordered_set<std::string_view>& cards_in_use() {
    if (!cards_in_use_.empty()) return cards_in_use_;
    for (const auto& item : file_.people) {
      if (item.given.card_in_use && !item.person.cards.empty())
        cards_in_use_.insert(item.person.cards.front().uuid);
    }
    return cards_in_use_;
  }

  /// Whoever comes back begins with nothing, whichever way the new first day came; what this file gives comes after.
  void close_former(Key key, const ImportedPerson& item) {
    auto row = reader_.read(item.person.id);
    if (!row) throw BadRow{"a person is in its index only"};
    Person closed = row->person;
    closed.employed_from = item.person.employed_from;
    close_former_employment(row->person, closed);
    closed.employed_from = row->person.employed_from;
    rows_.save(key, row->person, closed);
  }

  static bool same_fields(const Person& a, const Person& b) {
    return a.name == b.name && a.email == b.email && a.username == b.username &&
           a.employed_from == b.employed_from && a.employed_until == b.employed_until &&
           a.removed == b.removed && a.removed_reason == b.removed_reason;
  }
  bool employed(const Person& person) const {
    return person.employed_from && *person.employed_from <= options_.today &&
           (!person.employed_until || *person.employed_until >= options_.today);
  }

  KeyOrNone manager_of(const ImportedPerson& item, const Person& next, const OnFile& now) {
    if (!item.given.line_manager) return now.manager;
    if (next.line_manager.empty()) return std::nullopt;
    const auto key = people_.key_of(next.line_manager);
    if (!key && !file_.rows_lost) {
      problem(item.lines.line_manager, "line_manager",
              fmt::format("{}: the line manager '{}' is neither in this file nor in the register", next.id,
                          next.line_manager));
    }
    return key;
  }

  std::string enrolment_of(const ImportedPerson& item, const OnFile& now) {
    if (!item.given.enrolment) return now.enrolment;
    if (!item.enrolment.born) return {};
    std::string digest =
        enrolment_digest(own_.enrolment_key(), *item.enrolment.born, item.enrolment.ni_start);
    if (digest.empty()) throw BadRow{"its enrolment key is no key"};
    return digest;
  }

  void check_rules(const ImportedPerson& item, const ImportPlan& plan, const Person& now,
                   const Person& next) {
    std::ranges::move(forbidden_changes(file_, item, now, next, options_.today),
                      std::back_inserter(report_.problems));
    std::string_view what;
    if (plan.lists[forms]) what = "forms";
    if (plan.lists[declarations]) what = "declarations";
    if (plan.lists[delegations]) what = "delegations";
    if (plan.lists[teams]) what = "teams";
    if (what.empty()) return;
    ++report_.access_changed;
    if (closed_) {
      problem(item.line, what == "teams" ? "team" : what,
              fmt::format("{}: only the ESR & Workforce Systems team gives access now: the {} of this person "
                          "would change; in an emergency: --break-glass REASON",
                          next.id, what));
    }
  }

  void write(const ImportPlan& plan, const Person& next, KeyOrNone manager, const std::string& enrolment,
             bool same, const OnFile& now) {
    if (plan.is_new) {
      own_.add({plan.key, next, manager, enrolment});
    } else {
      if (!same) own_.change({plan.key, next, manager, enrolment});
      // Free for whoever gets it in this file.
      if (plan.new_username && !now.person.username.empty()) own_.set_username(plan.key, std::nullopt);
      for (std::size_t list = 0; list < list_count; ++list) {
        if (plan.lists[list]) rows_.drop(plan.key, static_cast<List>(list));
      }
    }
    people_.set_manager(plan.key, manager);
  }

  void fill(std::size_t i) {
    tell(plans_.size() + i + 1);
    filler_.fill(file_.people[i], plans_[i]);
  }

  void check_loops() {
    for (std::size_t i = 0; i < plans_.size(); ++i) {
      if (!plans_[i].new_manager) continue;
      const auto ids = people_.loop_above(plans_[i].key);
      if (ids.empty()) continue;
      const ImportedPerson& item = file_.people[i];
      problem(item.lines.line_manager, "line_manager",
              fmt::format("{}: line managers in a loop: {}", item.person.id, loop_text(ids)));
    }
  }

  void end_the_absent() {
    std::vector<ImportRows::Employed> absent;
    own_.each_employed(options_.today, [&](ImportRows::Employed one) {
      if (!people_.has_taken(one.key)) absent.push_back(std::move(one));
    });
    report_.left = absent.size();
    report_.losing += absent.size();
    const bool too_many = report_.losing * 100 > report_.employed * leavers_percent;
    report_.stopped = too_many && options_.allow_leavers != report_.losing;
    const Date yesterday = std::chrono::sys_days(options_.today) - std::chrono::days(1);
    for (const auto& one : absent) newcomers_.leaves({one.id, one.name, one.username, one.enrolment, {}, {}});
    for (const auto& one : absent) {
      const Date last_day = std::max(yesterday, one.from);  // nobody leaves before their first day
      own_.end_employment(one.key, last_day);
      if (options_.dry_run && report_.differences.size() < max_differences) {
        report_.differences.push_back(
            {one.id,
             one.name,
             ImportDifference::What::left,
             {{"employed_until", one.until ? to_text(*one.until) : "", to_text(last_day)}}});
      }
    }
  }

  SQLite::Database& database_;
  PersonReader& reader_;
  const ImportFile& file_;
  const ImportOptions& options_;
  RowWriter rows_;
  ImportRows own_;
  ImportReport report_;
  ImportPeople people_;
  ImportFiller filler_;
  std::vector<ImportPlan> plans_;
  bool closed_ = false;
  std::set<Key> team_before_;
  std::unordered_set<std::string_view> cards_in_use_;  // filled when somebody on file gets another card
  Newcomers newcomers_;
};

}  // namespace

ImportReport run_import(SQLite::Database& database, PersonReader& reader, const ImportFile& file,
                        const ImportOptions& options) {
  return Run(database, reader, file, options).go();
}

}  // namespace cardgate::reg
