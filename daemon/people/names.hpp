// SPDX-License-Identifier: Apache-2.0
// How answers speak of people: each is an object with `id` and `name`, wherever it stands. One thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

/// openapi.yaml's Person.
json::object person_json(std::string_view id, std::string_view name);
json::object person_json(const reg::Person& person);

/// Looks names up for one answer, each once. Lives no longer than the register it is given.
class Names {
 public:
  explicit Names(reg::Register& staff) : staff_(staff) {}

  /// Whoever an entry names by number. null: nobody. Somebody whom the register does not have, or cannot tell, is shown by the
  /// number alone; "root" is the machine's administrator.
  json::value person(const std::string& id);

 private:
  reg::Register& staff_;
  std::unordered_map<std::string, std::string> known_;
};

}  // namespace cardgate::daemon
