// SPDX-License-Identifier: Apache-2.0
// What the service's answers say (proto/openapi.yaml). Members that are not known are passed over. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/library/exchange.hpp"

namespace cardgate::inside {

/// Why the service refused.
Error refusal(const Head& head, std::string_view body);

/// Errors: bad_answer.
Result<std::vector<Session>> read_sessions(std::string_view body);
Result<Session> read_session(std::string_view body);

struct TokenAnswer {
  std::string token;
  std::int64_t life_ms = 0;
};
/// Errors: bad_answer.
Result<TokenAnswer> read_token(std::string_view body);

/// `name` and `data` of a server-sent event.
Event read_event(std::string_view name, std::string_view data);

/// The body of POST /v1/token.
std::string token_request(const std::string& role, const std::string& audience, const std::string& session,
                          bool fresh);

/// "2026-01-31T09:00:00Z"; nothing: it is no such time.
std::optional<std::chrono::system_clock::time_point> read_time(std::string_view text);

}  // namespace cardgate::inside
