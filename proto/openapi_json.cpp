// SPDX-License-Identifier: Apache-2.0
// For the build alone: writes a YAML file as one line of JSON, in pieces that a C++ file includes. openapi_json FILE > OUT
#include <cstdio>
#include <string>

#include "base/json.hpp"
#include "base/strict_yaml.hpp"

namespace {

using cardgate::Yaml;
namespace json = cardgate::json;

constexpr std::size_t piece_bytes = 8000;  // a compiler need not take literals of more than 64 KiB

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

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto root = Yaml::load(arguments[1]);
  if (!root) {
    std::fprintf(stderr, "%s\n", root.error().message().c_str());
    return 1;
  }
  const std::string text = json::serialize(to_json(*root));
  for (std::size_t at = 0; at < text.size(); at += piece_bytes)
    std::printf("R\"json(%s)json\",\n", text.substr(at, piece_bytes).c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}
