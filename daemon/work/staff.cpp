// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/work/find.hpp"
#include "daemon/work/rules.hpp"

namespace cardgate::daemon::work {
namespace {

using RemovalState = reg::Removal::State;

constexpr std::chrono::years longest_delegation{1};

Result<void> check_span(std::optional<Date> from, Date until, const Doer& doer) {
  if (until < doer.today) return cannot("The last day is in the past. Look at the dates again");
  if (from && until < *from) return cannot("The last day is before the first day. Look at the dates again");
  if (from.value_or(doer.today) > doer.today + longest_delegation ||
      until > from.value_or(doer.today) + longest_delegation) {
    return cannot("One year is the longest. Look at the dates again");
  }
  return {};
}

bool is_employed(const reg::Person& person, Date today) {
  return person.employed_from && (!person.employed_until || *person.employed_until >= today);
}

void remove_now(reg::Person& person, reg::Removal& removal, const Doer& doer) {
  removal.state = RemovalState::done;
  removal.done_by = doer.id;
  removal.done_on = doer.today;
  person.removed = true;
  person.removed_reason = removal.reason;
}

}  // namespace

Result<void> give_delegation(reg::Person& person, const policy::Policy& policy, const std::string& role_name,
                             std::optional<Date> from, Date until, const Doer& doer) {
  const auto* role = find_role(policy, role_name);
  if (role == nullptr) return cannot(fmt::format("There is no role called \"{}\"", role_name));
  if (std::ranges::find(role->requires_all, policy::Prerequisite::Kind::delegation,
                        &policy::Prerequisite::kind) == role->requires_all.end()) {
    return cannot(fmt::format("{} cannot be delegated", role->title));
  }
  if (doer.id == person.id) return Error{Errc::permission_denied, "You cannot delegate to yourself"};
  TRY(check_span(from, until, doer));
  if (!is_employed(person, doer.today)) return cannot("This person is not employed");
  if (person.delegations.size() >= max_entries) return cannot(too_many);
  person.delegations.push_back({0, doer.id, role->name, from.value_or(doer.today), until, false});
  return {};
}

Result<void> may_delegate(const reg::Person& giver) {
  // What was delegated to somebody, or comes from standing in, is not theirs to pass on: only their own staff counts.
  if (giver.is_line_manager) return {};
  return Error{Errc::permission_denied,
               "Only a line manager can delegate, and no staff are on record as yours"};
}

Result<void> revoke_delegation(reg::Person& person, std::int64_t id) {
  auto* found = TRY(find_entry(person.delegations, id, "delegation"));
  if (found->revoked) return cannot(fmt::format("Delegation {} has already ended", id));
  found->revoked = true;
  return {};
}

Result<void> may_be_stood_in_for(const reg::Person& manager) {
  if (!manager.is_line_manager) return cannot("This person is not a line manager, so no stand-in is needed");
  if (manager.removed)
    return cannot(
        "The access of this line manager is removed. Until it is given back, nobody can stand in for them");
  return {};
}

Result<void> appoint_acting(reg::Person& person, const std::string& manager, std::optional<Date> from,
                            Date until, const Doer& doer) {
  if (person.id == manager) return cannot("You cannot name a line manager as their own stand-in");
  if (doer.id == person.id) {
    return Error{Errc::permission_denied,
                 "You cannot name yourself. The line manager, or another member of the team, must do it"};
  }
  TRY(check_span(from, until, doer));
  if (!is_employed(person, doer.today)) return cannot("The person who stands in must be employed");
  if (person.acting.size() >= max_entries) return cannot(too_many);
  person.acting.push_back({0, manager, from.value_or(doer.today), until, doer.id, false});
  return {};
}

Result<void> end_acting(reg::Person& person, std::int64_t id) {
  auto* found = TRY(find_entry(person.acting, id, "stand-in"));
  if (found->revoked) return cannot(fmt::format("Stand-in {} has already ended", id));
  found->revoked = true;
  return {};
}

Result<void> request_removal(reg::Person& person, const std::string& reason, bool at_once, const Doer& doer) {
  if (doer.id == person.id)
    return Error{Errc::permission_denied, "You cannot ask for your own removal. Hand in your card instead"};
  for (const auto& other : person.removals) {
    if (other.state == RemovalState::requested && !at_once) {
      return cannot(fmt::format(
          "Somebody has already asked for this removal (removal {}). It waits for the team", other.id));
    }
  }
  if (person.removed) return cannot("This person's access is already removed");
  if (at_once) {
    const auto waiting = std::ranges::find(person.removals, RemovalState::requested, &reg::Removal::state);
    if (waiting != person.removals.end()) return do_removal(person, waiting->id, doer);
  }
  reg::Removal removal;
  removal.reason = reason;
  removal.requested_by = doer.id;
  removal.requested_on = doer.today;
  person.removals.push_back(std::move(removal));
  if (at_once) remove_now(person, person.removals.back(), doer);
  return {};
}

Result<void> do_removal(reg::Person& person, std::int64_t id, const Doer& doer) {
  auto* removal = TRY(find_entry(person.removals, id, "removal"));
  if (doer.id == person.id)
    return Error{Errc::permission_denied,
                 "You cannot remove your own access. Another member of the team must do it"};
  if (removal->state != RemovalState::requested) {
    return cannot(
        fmt::format("Removal {} {}, so there is nothing left to decide", id, standing_of(removal->state)));
  }
  remove_now(person, *removal, doer);
  return {};
}

Result<void> decline_removal(reg::Person& person, std::int64_t id, const std::string& reason,
                             const Doer& doer) {
  auto* removal = TRY(find_entry(person.removals, id, "removal"));
  if (doer.id == person.id)
    return Error{Errc::permission_denied,
                 "You cannot decide on your own removal. Another member of the team must do it"};
  if (removal->state == RemovalState::restoring) {
    removal->state = RemovalState::done;
    removal->restore_by.clear();
    removal->restore_card_by.clear();
    removal->restore_reason.clear();
    return {};
  }
  if (removal->state != RemovalState::requested) {
    return cannot(
        fmt::format("Removal {} {}, so there is nothing left to decide", id, standing_of(removal->state)));
  }
  removal->state = RemovalState::declined;
  removal->closed_by = doer.id;
  removal->closed_on = doer.today;
  removal->closed_reason = reason;
  return {};
}

Result<void> restore(reg::Person& person, const std::string& reason, const Doer& doer, std::int64_t number) {
  if (doer.id == person.id)
    return Error{Errc::permission_denied,
                 "You cannot give access back to yourself. Other members of the team must do it"};
  if (doer.may_be(person.id)) return same_hand();
  if (!person.removed) return cannot("This person's access is not removed");
  const auto holds = [](const reg::Removal& each) {
    return each.state == RemovalState::done || each.state == RemovalState::restoring;
  };
  if (number != 0) {
    const auto* named = TRY(find_entry(person.removals, number, "removal"));
    if (!holds(*named)) {
      return cannot(
          fmt::format("Removal {} {}, so there is nothing to give back", number, standing_of(named->state)));
    }
  }
  auto removal = std::ranges::find_if(person.removals, [&](const reg::Removal& each) {
    return holds(each) && (number == 0 || each.id == number);
  });
  if (removal == person.removals.end()) {  // it came by a staff file
    reg::Removal imported;
    imported.state = RemovalState::done;
    imported.reason = person.removed_reason;
    person.removals.push_back(std::move(imported));
    removal = person.removals.end() - 1;
  }
  if (removal->state == RemovalState::done) {
    removal->state = RemovalState::restoring;
    removal->restore_by = doer.id;
    removal->restore_card_by = doer.card_by;
    removal->restore_reason = reason;
    return {};
  }
  if (removal->restore_by == doer.id) {
    return Error{Errc::permission_denied,
                 "You asked to give this access back, so a second member of the team must agree"};
  }
  if (doer.may_be(removal->restore_by) || removal->restore_card_by == doer.id) return same_hand();
  removal->state = RemovalState::restored;
  removal->closed_by = doer.id;
  removal->closed_on = doer.today;
  removal->closed_reason = reason;
  person.removed = false;
  person.removed_reason.clear();
  return {};
}

namespace {

Result<void> change_employment(reg::Person& person, const StaffChange& change, const Doer& doer) {
  const reg::Person before = person;
  if (change.employed_from) person.employed_from = change.employed_from;
  if (change.no_employed_until) person.employed_until.reset();
  if (change.employed_until) person.employed_until = change.employed_until;
  if (person.employed_from && person.employed_until && *person.employed_until < *person.employed_from) {
    return cannot("The last day of employment is before the first day");
  }
  const bool had_left = before.employed_until && *before.employed_until < doer.today;
  if (!had_left && reg::comes_back(before, person.employed_from)) {
    return cannot(fmt::format("This person is employed until {}. Record the new employment after that day",
                              day_text(*before.employed_until)));
  }
  const bool is_back = !person.employed_until || *person.employed_until >= doer.today;
  if (had_left && is_back && change.employed_from && *change.employed_from <= *before.employed_until) {
    return cannot("The new employment must begin after the former one ended");
  }
  if (had_left && is_back && !change.employed_from) {
    return cannot("This person has left. To employ them again, give the first day as well");
  }
  reg::close_former_employment(before, person);
  return {};
}

}  // namespace

Result<void> change_staff(reg::Person& person, const StaffChange& change, const Doer& doer) {
  if (doer.id == person.id)
    return Error{Errc::permission_denied,
                 "You cannot change your own record. Another member of the team must do it"};
  if (change.name) person.name = *change.name;
  if (change.username) person.username = *change.username == "none" ? std::string() : *change.username;
  if (change.line_manager)
    person.line_manager = *change.line_manager == "none" ? std::string() : *change.line_manager;
  if (person.line_manager == person.id) return cannot("A person cannot be their own line manager");
  TRY(change_employment(person, change, doer));
  if (change.no_leave) {
    person.leave_from.reset();
    person.leave_until.reset();
  }
  if (change.leave_from) {
    person.leave_from = change.leave_from;
    person.leave_until = change.leave_until;
  } else if (change.no_leave_until) {
    if (!person.leave_from) return cannot("This person is not on leave. Give the first day as well");
    person.leave_until.reset();
  } else if (change.leave_until) {
    if (!person.leave_from) return cannot("This person is not on leave. Give the first day as well");
    person.leave_until = change.leave_until;
  }
  if (person.leave_from && person.leave_until && *person.leave_until < *person.leave_from) {
    return cannot("The last day of the leave is before the first day");
  }
  return {};
}

}  // namespace cardgate::daemon::work
