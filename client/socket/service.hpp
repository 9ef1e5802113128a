// SPDX-License-Identifier: Apache-2.0
// Public header of the library cardgate_client.
//
// A call of the service, and its answer read: JSON or a problem document (RFC 9457). Blocking; one thread per object.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "client/socket/http.hpp"
#include "proto/problem.hpp"

namespace cardgate::client {

/// Either the body of a success or the service's refusal.
struct Reply {
  json::object body;  // empty for 204
  std::optional<proto::Problem> refusal;
};

/// Errors: malformed (no JSON object, and no problem document either).
Result<Reply> read_reply(const Response& answer);

/// Errors: as Http::call() and read_reply().
Result<Reply> call(const Http& http, const Request& request, milliseconds deadline = seconds(30));

/// The same with a body of JSON. What waits for a card or a password to be checked takes longer than most: 60 s.
Result<Reply> post(const Http& http, const std::string& target, std::string_view body,
                   milliseconds deadline = seconds(60));

}  // namespace cardgate::client
