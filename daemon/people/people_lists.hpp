// SPDX-License-Identifier: Apache-2.0
// Lists of people, a page at a time: read beside the service's thread, by a connection of their own, because they take as long
// as there are people. Each goes on after the id that the page before ended with, and ends early, with cancelled, once
// `stop` is true. Errors: as Register::person(), and cancelled. Thread-safe.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "daemon/people/people_view.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

struct PeoplePage {
  json::array rows;
  std::vector<std::string> people;  // of whom the rows tell, each once
  std::string next;                 // where to go on; empty: that was all
  std::size_t read = 0;             // how many records it took
};

/// What every list is asked with.
struct ListAsk {
  PeopleView view;
  Reach reach;
  std::string after;
};

/// Everybody who has one of these line managers, sorted.
Result<std::vector<std::string>> staff_of(reg::Register& staff, const std::vector<std::string>& managers);

/// The staff of these managers: who holds what, what ends and what waits.
Result<PeoplePage> team_page(reg::Register& staff, const ListAsk& ask,
                             const std::vector<std::string>& managers, const std::atomic<bool>& stop);

/// The names of those for whom the person answers, whatever their roles.
Result<PeoplePage> team_names_page(reg::Register& staff, const ListAsk& ask, const std::atomic<bool>& stop);

struct StaffFilter {
  std::string name, role, manager, state;
};
/// Everybody who fits.
Result<PeoplePage> staff_page(reg::Register& staff, const ListAsk& ask, const StaffFilter& filter,
                              const std::atomic<bool>& stop);

/// Forms that wait for `me`: submitted ones of these managers' staff, to be verified; and verified ones of whoever is in
/// reach, to be approved.
Result<PeoplePage> waiting_forms_page(reg::Register& staff, const ListAsk& ask, const std::string& me,
                                      const std::vector<std::string>& managers,
                                      const std::atomic<bool>& stop);

/// Removals that wait. `tells`: why is told of each, else only of those that `me` asked for.
Result<PeoplePage> waiting_removals_page(reg::Register& staff, const ListAsk& ask, const std::string& me,
                                         bool tells, const std::atomic<bool>& stop);

/// Who acts for `me` or stands in for me, now or once: rows of both kinds, told apart by their `what`.
Result<PeoplePage> given_by_page(reg::Register& staff, const ListAsk& ask, const std::string& me,
                                 const std::atomic<bool>& stop);

}  // namespace cardgate::daemon
