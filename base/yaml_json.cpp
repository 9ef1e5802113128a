// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_json.hpp"

namespace cardgate {

json::value to_json(const Yaml& node) {
  if (auto map = node.map()) {
    json::object out;
    for (const auto& [key, child] : map->entries()) out[key] = to_json(child);
    return out;
  }
  if (const auto list = node.list()) {
    json::array out;
    for (const auto& child : *list) out.push_back(to_json(child));
    return out;
  }
  if (const auto flag = node.boolean()) return *flag;
  if (const auto number = node.integer(INT64_MIN, INT64_MAX)) return *number;
  if (const auto text = node.string()) return json::string(*text);
  return nullptr;
}

}  // namespace cardgate
