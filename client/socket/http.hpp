// SPDX-License-Identifier: Apache-2.0
// Public header of the library cardgate_client, which a program links to talk to the service; it needs base/ and proto/
// alone. service.hpp is the same with answers that are read already.
//
// Talks to cardgated over its Unix socket: HTTP/1.1, a connection a call, one deadline over all of a call, a
// cap on the answer.
//
// Blocking; one thread per object, any number of objects.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "client/socket/events.hpp"

namespace cardgate::client {

inline constexpr std::size_t max_answer_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t max_answer_header_bytes = 32 * 1024;

/// What is asked. The views are not copied: what they show outlives the call.
struct Request {
  std::string_view method = "GET";
  std::string target;       // with its query: "/v1/access?role=core" (proto/openapi.yaml lists all)
  std::string_view body{};  // sent from where it stands, never copied: it may be a Secret's
  std::string_view content_type{};
};

struct Response {
  int status = 0;  // of HTTP
  std::string content_type;
  std::string body;
};

/// A socket of the service; it holds no connection open between calls.
class Http {
 public:
  explicit Http(std::filesystem::path socket) : socket_(std::move(socket)) {}

  /// Sends the request and reads the whole answer, whatever its status.
  /// Errors: unavailable (nobody listens at the socket), permission_denied, timeout, too_large, malformed,
  /// io.
  Result<Response> call(const Request& request, milliseconds deadline = seconds(30)) const;

  /// Reads server-sent events of `target` until `on_event` returns false. on_event is first called with an
  /// event named "open" once the service listens to nothing but this stream, so what is asked after that is
  /// not missed. `patience` bounds the wait for the answer's head, and with `whole` the whole stream. Errors:
  /// as call(); and unavailable when the service closes the stream.
  Result<void> listen(const std::string& target, const std::function<bool(const Event&)>& on_event,
                      milliseconds patience, bool whole = false) const;

  const std::filesystem::path& socket() const { return socket_; }

 private:
  std::filesystem::path socket_;
};

/// For a query or a form: everything but unreserved characters as %XX (RFC 3986 2.3).
std::string percent_encode(std::string_view text);
/// `path` with those of the parameters that are not empty, encoded.
std::string with_query(std::string path,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> parameters);
/// Adds one parameter to `target`, encoded; an empty value adds nothing.
void add_to_query(std::string& target, std::string_view name, std::string_view value);

}  // namespace cardgate::client
