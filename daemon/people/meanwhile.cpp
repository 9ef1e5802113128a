// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/meanwhile.hpp"

namespace cardgate::daemon {
namespace {

/// Visits those who still wait, and forgets the others.
template <class Waiting>
void visit_waiting(std::vector<std::weak_ptr<Waiting>>& list, const auto& visit) {
  std::erase_if(list, [&](const std::weak_ptr<Waiting>& entry) {
    const auto waiting = entry.lock();
    if (waiting) visit(*waiting);
    return !waiting;
  });
}

template <class Waiting>
std::shared_ptr<const Waiting> begin_waiting(std::vector<std::weak_ptr<Waiting>>& list,
                                             std::shared_ptr<Waiting> waiting) {
  visit_waiting(list, [](const Waiting&) {});
  list.push_back(waiting);
  return waiting;
}

}  // namespace

std::shared_ptr<const WaitingActs::Act> WaitingActs::begin(const std::string& session, work::Right right) {
  return begin_waiting(acts_, std::make_shared<Act>(session, std::move(right)));
}

void WaitingActs::review(const std::function<bool(const work::Right&)>& holds) {
  visit_waiting(acts_, [&](Act& act) {
    if (!holds(act.right_)) act.over_ = true;
  });
}

void WaitingActs::session_over(const std::string& session) {
  visit_waiting(acts_, [&](Act& act) {
    if (act.session_ == session) act.over_ = true;
  });
}

void WaitingActs::card_out(const std::string& session) {
  visit_waiting(acts_, [&](Act& act) {
    if (act.session_ == session && act.right_.role.empty()) act.over_ = true;
  });
}

void WaitingActs::all_over() {
  visit_waiting(acts_, [](Act& act) { act.over_ = true; });
}

std::shared_ptr<const PasswordChecks::Check> PasswordChecks::begin() {
  return begin_waiting(checks_, std::make_shared<Check>());
}

void PasswordChecks::changed(const std::string& person) {
  visit_waiting(checks_, [&](Check& check) { check.changed_.insert(person); });
}

void PasswordChecks::all_changed() {
  visit_waiting(checks_, [](Check& check) { check.everybodys_ = true; });
}

}  // namespace cardgate::daemon
