// SPDX-License-Identifier: Apache-2.0
// Which row of a table a request asks for, and what of it that row does not take. Pure; the table itself is in routes.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/http/message.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

enum class On : std::uint8_t { main, admin, both };

/// When a request is answered that came before the answer to the one before it (RFC 9112 9.3.2). The answers keep their order.
enum class Turn : std::uint8_t {
  after,   // when that is answered
  beside,  // at the same time, if it is the same call: for calls that need nothing of each other
};

/// What one call takes.
struct Rule {
  On on;
  std::string_view method;
  std::string_view path;        // {id} stands for one segment
  std::string_view body;        // the content types it takes, parted by " or "; empty: none
  std::string_view parameters;  // of the query, parted by spaces; each at most once, and no others
  std::size_t body_limit = max_body_bytes;
  Turn turn = Turn::after;
};

struct Routed {
  std::optional<std::size_t> row;   // which rule; also set where `refusal` is about that call
  std::string id;                   // what stands in the place of {id}
  std::optional<Response> refusal;  // 404, 405, 415, or 400 for a parameter that is unknown or stands twice
};

/// `admin`: the request came by the admin socket.
Routed find_route(std::span<const Rule> rules, const Request& request, bool admin);
/// How many bytes the body of a request with this method and path may have; of one that fits no rule, as many as most.
std::size_t body_limit(std::span<const Rule> rules, const Request& head, bool admin);
/// Turn::after of one that fits no rule.
Turn turn_of(std::span<const Rule> rules, const Request& request, bool admin);

}  // namespace cardgate::daemon
