// SPDX-License-Identifier: Apache-2.0
#include "proto/openapi.hpp"

#include <string_view>

namespace cardgate::proto {
namespace {

constexpr std::string_view pieces[] = {
#include "proto/openapi_json.inc"
};

std::string joined() {
  std::string text;
  for (const auto piece : pieces) text += piece;
  return text;
}

}  // namespace

const std::string& openapi_json() {
  static const std::string text = joined();
  return text;
}

}  // namespace cardgate::proto
