// SPDX-License-Identifier: Apache-2.0
// For the build alone: writes a YAML file as one line of JSON, in pieces that a C++ file includes. openapi_json FILE > OUT
#include <cstdio>
#include <string>

#include "base/yaml_json.hpp"

namespace {

constexpr std::size_t piece_bytes = 8000;  // a compiler need not take literals of more than 64 KiB

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto root = cardgate::Yaml::load(arguments[1]);
  if (!root) {
    std::fprintf(stderr, "%s\n", root.error().message().c_str());
    return 1;
  }
  const std::string text = cardgate::json::serialize(cardgate::to_json(*root));
  for (std::size_t at = 0; at < text.size(); at += piece_bytes)
    std::printf("R\"json(%s)json\",\n", text.substr(at, piece_bytes).c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}
