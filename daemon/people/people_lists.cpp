// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/people_lists.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "base/unicode.hpp"
#include "daemon/limits.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

using Relation = reg::Register::Relation;

/// A person's rows; none: the person is not part of the list.
using RowsOf = std::function<json::array(const reg::Person&)>;

/// Goes through ids that are sorted; false: the page is full.
Result<bool> add_page(reg::Register& staff, const ListAsk& ask, const std::vector<std::string>& ids,
                      const RowsOf& rows_of, const std::atomic<bool>& stop, PeoplePage& page) {
  for (auto at = std::ranges::upper_bound(ids, ask.after); at != ids.end(); ++at) {
    if (stop) return Errc::cancelled;
    if (page.rows.size() >= max_listed || page.read >= max_looked_through) return false;
    page.next = *at;
    ++page.read;
    const auto person = ask.view.record(staff, *at);
    if (!person && person.error().code == Errc::not_found) continue;  // gone since the list was read
    if (!person) return person.error();
    auto rows = rows_of(*person);
    if (rows.empty()) continue;
    page.people.push_back(person->id);
    for (auto& row : rows) page.rows.push_back(std::move(row));
  }
  return true;
}

Result<PeoplePage> page_of(reg::Register& staff, const ListAsk& ask, const std::vector<std::string>& ids,
                           const RowsOf& rows_of, const std::atomic<bool>& stop) {
  PeoplePage page;
  if (TRY(add_page(staff, ask, ids, rows_of, stop, page))) page.next.clear();
  return page;
}

Result<std::vector<std::string>> in_either(reg::Register& staff, Relation one, std::string_view value,
                                           Relation other, std::string_view other_value) {
  const auto first = TRY(staff.people_by(one, value));
  const auto second = TRY(staff.people_by(other, other_value));
  std::vector<std::string> both;
  std::ranges::set_union(first, second, std::back_inserter(both));
  return both;
}

}  // namespace

Result<std::vector<std::string>> staff_of(reg::Register& staff, const std::vector<std::string>& managers) {
  std::set<std::string> all;
  for (const auto& manager : managers) {
    for (auto& id : TRY(staff.people_by(Relation::staff_of, manager))) all.insert(std::move(id));
  }
  return std::vector<std::string>(all.begin(), all.end());
}

Result<PeoplePage> team_page(reg::Register& staff, const ListAsk& ask,
                             const std::vector<std::string>& managers, const std::atomic<bool>& stop) {
  const auto records = ask.view.records(staff);
  Names names(staff);
  const RowsOf rows_of = [&](const reg::Person& person) {
    json::array rows;
    if (ask.reach.opens(person)) rows.push_back(ask.view.row(person, records, names));
    return rows;
  };
  return page_of(staff, ask, TRY(staff_of(staff, managers)), rows_of, stop);
}

Result<PeoplePage> team_names_page(reg::Register& staff, const ListAsk& ask, const std::atomic<bool>& stop) {
  std::vector<std::string> managers;
  for (auto& each : policy::managers_of(ask.reach.facts, ask.reach.today))
    managers.push_back(std::move(each.id));
  const RowsOf rows_of = [](const reg::Person& person) { return json::array{person_json(person)}; };
  return page_of(staff, ask, TRY(staff_of(staff, managers)), rows_of, stop);
}

Result<PeoplePage> staff_page(reg::Register& staff, const ListAsk& ask, const StaffFilter& filter,
                              const std::atomic<bool>& stop) {
  const auto records = ask.view.records(staff);
  Names names(staff);
  const auto wanted = search_text(filter.name);
  const RowsOf rows_of = [&](const reg::Person& person) {
    json::array rows;
    if (!filter.name.empty() && !has_words(search_text(person.name), wanted)) return rows;
    if (!filter.state.empty() && ask.view.state(person) != filter.state) return rows;
    auto row = ask.view.row(person, records, names);
    const auto& roles = row.at("roles").get_array();
    const bool has = std::ranges::any_of(roles, [&](const json::value& each) {
      return each.at("role").as_string() == filter.role && each.at("allowed").as_bool();
    });
    if (!filter.role.empty() && !has) return rows;
    rows.push_back(std::move(row));
    return rows;
  };
  if (!filter.manager.empty())
    return page_of(staff, ask, TRY(staff.people_by(Relation::staff_of, filter.manager)), rows_of, stop);
  PeoplePage page;
  ListAsk from = ask;
  for (;;) {
    const auto ids = TRY(staff.ids_after(from.after, register_page));
    if (ids.empty()) break;
    if (!TRY(add_page(staff, from, ids, rows_of, stop, page))) return page;
    from.after = ids.back();
  }
  page.next.clear();
  return page;
}

Result<PeoplePage> waiting_forms_page(reg::Register& staff, const ListAsk& ask, const std::string& me,
                                      const std::vector<std::string>& managers,
                                      const std::atomic<bool>& stop) {
  using State = reg::Form::State;
  const auto ids = TRY(in_either(staff, Relation::form_waits, name(State::submitted), Relation::form_waits,
                                 name(State::verified)));
  const auto mine = TRY(staff_of(staff, managers));
  std::vector<std::string> concerned;
  // Whoever approves nothing has to do with their own staff alone: others' records are not read for that.
  if (ask.reach.roles.empty()) {
    std::ranges::set_intersection(ids, mine, std::back_inserter(concerned));
  } else {
    concerned = ids;
  }
  std::erase(concerned, me);
  Names names(staff);
  const RowsOf rows_of = [&](const reg::Person& person) {
    json::array rows;
    const bool verifies = std::ranges::binary_search(mine, person.id);
    const bool approves = ask.reach.opens(person);
    for (const auto& form : person.forms) {
      if ((form.state == State::submitted && verifies) || (form.state == State::verified && approves))
        rows.push_back(ask.view.form(person, form, names));
    }
    return rows;
  };
  return page_of(staff, ask, concerned, rows_of, stop);
}

Result<PeoplePage> waiting_removals_page(reg::Register& staff, const ListAsk& ask, const std::string& me,
                                         bool tells, const std::atomic<bool>& stop) {
  const auto ids =
      TRY(in_either(staff, Relation::removal_waits, "requested", Relation::removal_waits, "restoring"));
  Names names(staff);
  const RowsOf rows_of = [&](const reg::Person& person) {
    using State = reg::Removal::State;
    json::array rows;
    if (!ask.reach.opens(person)) return rows;
    for (const auto& removal : person.removals) {
      if (removal.state != State::requested && removal.state != State::restoring) continue;
      rows.push_back(tells || removal.requested_by == me ? to_json(removal, person, names)
                                                         : to_json_without_reasons(removal, person, names));
    }
    return rows;
  };
  return page_of(staff, ask, ids, rows_of, stop);
}

Result<PeoplePage> given_by_page(reg::Register& staff, const ListAsk& ask, const std::string& me,
                                 const std::atomic<bool>& stop) {
  const auto ids = TRY(in_either(staff, Relation::delegates_of, me, Relation::stands_in_for, me));
  Names names(staff);
  const RowsOf rows_of = [&](const reg::Person& person) {
    json::array rows;
    const auto add = [&](const auto& list, auto giver, std::string_view what) {
      for (const auto& entry : list) {
        if (giver(entry) != me) continue;
        auto row = to_json(entry, person, names);
        row["what"] = what;
        rows.push_back(std::move(row));
      }
    };
    add(person.delegations, [](const reg::Delegation& d) { return d.from; }, "delegation");
    add(person.acting, [](const reg::Acting& a) { return a.manager; }, "acting");
    return rows;
  };
  return page_of(staff, ask, ids, rows_of, stop);
}

}  // namespace cardgate::daemon
