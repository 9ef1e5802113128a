// SPDX-License-Identifier: Apache-2.0
// Problem documents (RFC 9457): how every refusal and failure reads on the socket. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::proto {

inline constexpr std::string_view problem_media_type = "application/problem+json";

struct Problem {
  int status = 500;
  std::string error;   // stable snake_case code; openapi.yaml lists them all
  std::string title;   // the kind of problem, the same every time
  std::string detail;  // this time: what is missing, who can put it right, what to do next
  json::object extra;  // members that belong to the code (tries_left, unmet, findings, ...)
};

/// {"type":"urn:cardgate:problem:<error>","title","status","detail","error",...extra}. An extra member never
/// takes the place of one of those.
std::string to_body(const Problem& problem);

/// A problem document as a client reads it: unknown members land in `extra`.
/// Errors: malformed, too_large.
Result<Problem> parse_problem(std::string_view body);

}  // namespace cardgate::proto
