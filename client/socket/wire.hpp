// SPDX-License-Identifier: Apache-2.0
// What the blocking and the waiting client share: a request on the wire, the caps on an answer, what a failure means.
// Private to client/socket/.
#pragma once

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <filesystem>
#include <string_view>

#include "base/result.hpp"
#include "client/socket/http.hpp"

namespace cardgate::client {

using Failure = boost::system::error_code;
using Message = boost::beast::http::request<boost::beast::http::span_body<const char>>;

/// Errors: invalid_argument (longer than a socket's address may be).
Result<void> check_socket_path(const std::filesystem::path& socket);
/// Shows the request's body where it stands.
Message message_of(const Request& request);
Response response_of(boost::beast::http::response<boost::beast::http::string_body> message);
/// What went wrong at `step`, for people.
Error socket_error(const Failure& failure, std::string_view step, const std::filesystem::path& socket);

inline void limit_answer(auto& parser) {
  parser.header_limit(max_answer_header_bytes);
  parser.body_limit(max_answer_bytes);
}

}  // namespace cardgate::client
