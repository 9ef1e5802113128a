// SPDX-License-Identifier: Apache-2.0
// A request and its answer, apart from how they travel.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "proto/problem.hpp"

namespace cardgate::daemon {

class Listener;
struct Peer;

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<Listener> listener;  // set: an event stream that lasts
};

struct Request {
  std::string method;
  std::string path;                                        // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string authorization;                               // wiped by the server when there is an answer
  std::string content_type;                                // lower case, without parameters
  std::string body;                                        // ... and its memory given back
  const Peer* peer = nullptr;
  /// What is wrong with the request as such. It is answered by route() and not by whoever read it, so that it counts for
  /// its uid's rate as any other request does.
  std::optional<Response> refused;
  std::function<std::stop_token()> watch_peer;  // set by the server

  /// Asked to stop when the peer closes its connection, so that nothing is done for somebody who is gone.
  /// Costs a little: for calls that last.
  std::stop_token left() const { return watch_peer ? watch_peer() : std::stop_token(); }
  void wipe();
  /// The value of a query parameter; nullptr when absent. route() has refused what stands twice.
  const std::string* parameter(std::string_view key) const;
};

Response json_response(int status, const json::value& value);
Response no_content();
/// A 429 or 503 says with it when to try again (Retry-After, RFC 9110 10.2.3): by its code, unless retry_after() says more.
Response problem(int status, std::string_view error, std::string detail, json::object extra = {});
/// Whoever was refused may try again after `wait`; rounded up to whole seconds, one at least.
void retry_after(Response& refusal, milliseconds wait);

/// The bytes of an answer's head, up to and with its empty line.
/// Throws std::logic_error when a header holds a line end: that is an error of ours and would be a second answer.
std::string head_of(const Response& response, bool keep_alive);

/// The token of "Bearer TOKEN" (RFC 6750 2.1): the scheme in any case, one or more spaces (RFC 9110 11.4). Empty when it is none.
std::string_view bearer_token(std::string_view authorization);

/// What Beast lets through and the service must not, by the raw head of a request ("GET /
/// HTTP/1.1\r\n...\r\n\r\n"): folded lines, several Host, Content-Length, Authorization or Content-Type, an empty
/// Authorization, Content-Length beside Transfer-Encoding, codings other than one `chunked`, targets that are not a plain path
/// (RFC 9112 2.2, 3.2, 5.2, 6.1, 6.3). Returns what is wrong, or nothing.
std::string_view refuse_head(std::string_view head);

/// Splits and decodes "/path?a=b". Errors: malformed.
Result<void> parse_target(std::string_view target, Request& request);

}  // namespace cardgate::daemon
