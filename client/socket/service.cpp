// SPDX-License-Identifier: Apache-2.0
#include "client/socket/service.hpp"

#include <fmt/format.h>

namespace cardgate::client {

Result<Reply> call(const Http& http, const Request& request, milliseconds deadline) {
  return read_reply(TRY(http.call(request, deadline)));
}

Result<Reply> read_reply(const Response& answer) {
  Reply reply;
  if (answer.status >= 400) {
    auto problem = proto::parse_problem(answer.body);
    if (!problem) {
      return Error{Errc::malformed,
                   fmt::format("the service answered {} and did not say why", answer.status)};
    }
    reply.refusal = *std::move(problem);
    return reply;
  }
  if (answer.status == 204) return reply;
  auto body = parse_json(answer.body, max_answer_bytes);
  if (!body || !body->is_object())
    return Error{Errc::malformed, "the service's answer is not the JSON that it should be"};
  reply.body = std::move(body->as_object());
  return reply;
}

Result<Reply> post(const Http& http, const std::string& target, std::string_view body,
                   milliseconds deadline) {
  return call(http, {.method = "POST", .target = target, .body = body, .content_type = "application/json"},
              deadline);
}

}  // namespace cardgate::client
