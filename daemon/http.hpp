// SPDX-License-Identifier: Apache-2.0
// A request and its answer, apart from how they travel.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/peer.hpp"
#include "proto/problem.hpp"

namespace cardgate::daemon {

class Listener;

struct Request {
  std::string method;
  std::string path;                                        // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string authorization;
  std::string content_type;  // lower case, without parameters
  std::string body;          // wiped by the server after the answer
  const Peer* peer = nullptr;

  /// The one value of a query parameter; nullptr when absent or given twice.
  const std::string* parameter(std::string_view key) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<Listener> listener;  // set: an event stream that lasts
};

Response json_response(int status, const json::value& value);
Response no_content();
Response problem(int status, std::string_view error, std::string detail, json::object extra = {});

/// What Beast lets through and a gate must not, by the raw head of a request ("GET /
/// HTTP/1.1\r\n...\r\n\r\n"): folded lines, several Host or Content-Length, Content-Length beside
/// Transfer-Encoding, codings other than one `chunked`, targets that are not a plain path (RFC
/// 9112 2.2, 3.2, 5.2, 6.1, 6.3). Returns what is wrong, or nothing.
std::string_view refuse_head(std::string_view head);

/// Splits and decodes "/path?a=b". Errors: malformed.
Result<void> parse_target(std::string_view target, Request& request);

}  // namespace cardgate::daemon
