// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/secret_answers.hpp"

#include <fmt/format.h>

#include "base/json.hpp"

namespace cardgate::daemon {

Response shown_once(std::string_view member, const Secret& secret, const std::string& username,
                    WallTime expires) {
  Response answer;
  answer.status = 201;
  const std::string rest = fmt::format(R"(","username":{},"expires_at":"{}"}})",
                                       json::serialize(json::string(username)), to_rfc3339(expires));
  answer.body.reserve(member.size() + secret.size() + rest.size() + 8);
  for (const std::string_view part :
       {std::string_view("{\""), member, std::string_view("\":\""), secret.text(), std::string_view(rest)})
    answer.body += part;
  return answer;
}

}  // namespace cardgate::daemon
