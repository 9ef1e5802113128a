// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/names.hpp"

namespace cardgate::daemon {

json::object person_json(std::string_view id, std::string_view name) {
  return {{"id", id}, {"name", name}};
}

json::object person_json(const reg::Person& person) {
  return person_json(person.id, person.name);
}

json::value Names::person(const std::string& id) {
  if (id.empty()) return nullptr;
  if (id == reg::root_name || id == reg::root_by_set_up) return person_json(reg::root_name, id);
  auto known = known_.find(id);
  if (known == known_.end()) {
    auto name = staff_.name_of(id);
    known = known_.emplace(id, name && !name->empty() ? *std::move(name) : id).first;
  }
  return person_json(id, known->second);
}

}  // namespace cardgate::daemon
