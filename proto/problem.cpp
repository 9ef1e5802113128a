// SPDX-License-Identifier: Apache-2.0
#include "proto/problem.hpp"

#include <fmt/format.h>

#include "base/shown.hpp"

namespace cardgate::proto {

std::string to_body(const Problem& problem) {
  json::object body{{"type", fmt::format("urn:cardgate:problem:{}", problem.error)},
                    {"title", problem.title},
                    {"status", problem.status},
                    {"detail", problem.detail},
                    {"error", problem.error}};
  for (const auto& member : problem.extra)
    body.emplace(member.key(), member.value());  // keeps what stands already
  return shown_json(json::serialize(body));
}

Result<Problem> parse_problem(std::string_view body) {
  auto document = TRY(parse_json(body));
  auto* object = document.if_object();
  if (object == nullptr) return Error{Errc::malformed, "a problem document is a JSON object"};
  const auto* error = find_string(*object, "error");
  const auto* status = object->if_contains("status");
  if (error == nullptr || error->empty())
    return Error{Errc::malformed, "a problem document has a member \"error\""};
  if (status == nullptr || !status->is_int64() || status->get_int64() < 100 || status->get_int64() > 599) {
    return Error{Errc::malformed, "a problem document has an HTTP status"};
  }
  Problem out;
  out.status = static_cast<int>(status->get_int64());
  out.error = std::string(*error);
  if (const auto* title = find_string(*object, "title")) out.title = std::string(*title);
  if (const auto* detail = find_string(*object, "detail")) out.detail = std::string(*detail);
  for (const auto* known : {"type", "title", "status", "detail", "error"}) object->erase(known);
  out.extra = std::move(*object);
  return out;
}

}  // namespace cardgate::proto
