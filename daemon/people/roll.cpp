// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/roll.hpp"

#include <algorithm>

namespace cardgate::daemon {

Result<reg::Person> Roll::record_of(const std::string& id) {
  auto record = TRY(staff_->person(id));
  open_acts_.apply(record);
  return record;
}

RecordOf Roll::records() {
  return [this](const std::string& id) { return record_of(id); };
}

Result<std::shared_ptr<const Person>> Roll::person(const std::string& id) {
  if (const auto found = known_.find(id); found != known_.end()) return found->second;
  auto record = TRY(record_of(id));
  auto facts = to_facts(record, records());
  if (known_.size() > max_known) known_.clear();
  auto made = std::make_shared<const Person>(Person{std::move(record), std::move(facts)});
  known_.insert_or_assign(id, made);
  return made;
}

bool Roll::stands_on(const Person& person, const std::vector<std::string>& ids) {
  const auto concerned = [&](const std::string& id) { return std::ranges::find(ids, id) != ids.end(); };
  const auto& record = person.record;
  return concerned(record.id) ||
         std::ranges::any_of(record.delegations, [&](const auto& given) { return concerned(given.from); }) ||
         std::ranges::any_of(record.acting, [&](const auto& acting) { return concerned(acting.manager); });
}

void Roll::forget(const std::vector<std::string>& ids) {
  std::erase_if(known_, [&](const auto& each) { return stands_on(*each.second, ids); });
}

}  // namespace cardgate::daemon
