// SPDX-License-Identifier: Apache-2.0
#include "daemon/http.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

#include "base/bytes.hpp"

namespace cardgate::daemon {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

const std::string* Request::parameter(std::string_view key) const {
  const std::string* found = nullptr;
  for (const auto& [name, value] : query) {
    if (name != key) continue;
    if (found != nullptr) return nullptr;
    found = &value;
  }
  return found;
}

Response json_response(int status, const json::value& value) {
  Response response;
  response.status = status;
  response.body = json::serialize(value);
  return response;
}

Response no_content() {
  Response answer;
  answer.status = 204;
  return answer;
}

Response problem(int status, std::string_view error, std::string detail, json::object extra) {
  proto::Problem body;
  body.status = status;
  body.error = error;
  body.title =
      std::string(boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status)));
  body.detail = std::move(detail);
  body.extra = std::move(extra);
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = proto::to_body(body);
  return response;
}

std::string_view refuse_head(std::string_view head) {
  if (head.find('\0') != std::string_view::npos) return "a NUL byte in the head";
  const auto line_end = head.find("\r\n");
  const std::string_view request_line = head.substr(0, line_end);
  const auto first_space = request_line.find(' ');
  if (first_space == std::string_view::npos || first_space + 1 >= request_line.size() ||
      request_line[first_space + 1] != '/') {
    return "the target must be a path that begins with /";
  }
  const bool version_1_0 = request_line.ends_with("HTTP/1.0");
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  int authorizations = 0;
  int content_types = 0;
  std::string_view rest = head.substr(line_end + 2);
  while (!rest.empty() && !rest.starts_with("\r\n")) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) return "a header line without its end";
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.find_first_of("\r\n") != std::string_view::npos) return "a bare CR or LF in the head";
    if (line.front() == ' ' || line.front() == '\t') return "a folded header line";
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return "a header line without a name";
    const std::string_view name = line.substr(0, colon);
    if (name.find_first_of(" \t") != std::string_view::npos) return "white space in a header's name";
    const std::string_view value = trim(line.substr(colon + 1));
    if (equals_ignoring_case(name, "host")) ++hosts;
    if (equals_ignoring_case(name, "authorization")) ++authorizations;
    if (equals_ignoring_case(name, "content-type")) ++content_types;
    if (equals_ignoring_case(name, "content-length")) {
      ++lengths;
      if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos) {
        return "Content-Length is not one number";
      }
    }
    if (equals_ignoring_case(name, "transfer-encoding")) {
      ++codings;
      if (!equals_ignoring_case(value, "chunked")) return "a Transfer-Encoding other than chunked";
    }
  }
  if (hosts > 1) return "more than one Host";
  if (hosts == 0 && !version_1_0) return "no Host";
  if (lengths > 1) return "more than one Content-Length";
  if (codings > 1) return "more than one Transfer-Encoding";
  if (lengths > 0 && codings > 0) return "Content-Length beside Transfer-Encoding";
  if (codings > 0 && version_1_0) return "Transfer-Encoding in HTTP/1.0";
  if (authorizations > 1) return "more than one Authorization";
  if (content_types > 1) return "more than one Content-Type";
  return {};
}

Result<void> parse_target(std::string_view target, Request& request) {
  const auto parsed = boost::urls::parse_origin_form(target);
  if (!parsed) return Error{Errc::malformed, "the target is not a valid path"};
  const boost::urls::url_view& url = *parsed;
  request.path = url.path();
  if (!is_plain_utf8(request.path)) return Error{Errc::malformed, "the path holds control characters"};
  for (const auto& parameter : url.params()) {
    if (!is_plain_utf8(parameter.key) || !is_plain_utf8(parameter.value)) {
      return Error{Errc::malformed, "the query holds control characters"};
    }
    request.query.emplace_back(parameter.key, parameter.value);
    if (request.query.size() > 16) return Error{Errc::too_large, "too many query parameters"};
  }
  return {};
}

}  // namespace cardgate::daemon
