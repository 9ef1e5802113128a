// SPDX-License-Identifier: Apache-2.0
#include "register/import/people.hpp"

namespace cardgate::reg {

void ImportPeople::begin(Key last_key) {
  next_key_ = last_key + 1;
  was_empty_ = last_key == 0;
  known_.reserve(file_.people.size());
  for (const auto& item : file_.people) known_.emplace(item.person.id, std::nullopt);
}

KeyOrNone ImportPeople::key_of(std::string_view id) {
  const auto found = known_.find(id);
  if (found == known_.end()) {
    const auto [other, is_first] = others_.emplace(std::string(id), KeyOrNone());
    if (is_first) other->second = rows_.key_of(id);
    return other->second;
  }
  auto& somebody = found->second;
  if (!somebody) {
    const auto key = rows_.key_of(id);
    somebody = Somebody{key ? *key : next_key_++, !key};
  }
  return somebody->key;
}

bool ImportPeople::has(const std::string& id) {
  return known_.contains(id) || (!was_empty_ && rows_.key_of(id));
}

bool ImportPeople::is_to_come(std::string_view id) const {
  const auto found = known_.find(id);
  return found != known_.end() && found->second && found->second->to_come;
}

void ImportPeople::found(std::string_view id, Key key) {
  known_[id] = Somebody{key, false};
}

Key ImportPeople::arrives(std::string_view id) {
  auto& somebody = known_[id];
  somebody = Somebody{somebody ? somebody->key : next_key_++, false};
  return somebody->key;
}

KeyOrNone ImportPeople::manager_of(Key person) {
  const auto known = managers_.find(person);
  return known != managers_.end() ? known->second : rows_.manager_of(person);
}

std::vector<std::string> ImportPeople::loop_above(Key person) {
  ++walks_;
  KeyOrNone start = person;
  while (start && walk_of_.emplace(*start, walks_).second) start = manager_of(*start);
  if (!start || walk_of_[*start] != walks_) return {};
  std::vector<std::string> ids{rows_.id_of(*start)};
  for (auto at = manager_of(*start); at; at = manager_of(*at)) {
    ids.push_back(rows_.id_of(*at));
    if (*at == *start) break;
  }
  return ids;
}

}  // namespace cardgate::reg
