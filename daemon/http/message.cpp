// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/message.hpp"

#include <boost/beast/http/status.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "base/shown.hpp"

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

std::string_view reason_of(int status) {
  const auto text = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {text.data(), text.size()};
}

/// How long what a refusal names usually lasts, where nothing better is known.
seconds usual_wait(int status, std::string_view error) {
  if (error == "too_many_tokens") return seconds(60);     // tokens live for five minutes at most
  if (error == "too_many_sessions") return seconds(60);   // until somebody signs out
  if (error == "downtime") return seconds(60);            // until somebody ends it
  if (error == "too_many_listeners") return seconds(10);  // until a program of that user ends
  if (error == "too_many_connections" || error == "passwords_busy" || status == 429) return seconds(1);
  return seconds(5);  // a restart, a busy disk, pcscd that comes back
}

}  // namespace

void Request::wipe() {
  cardgate::wipe(body);
  cardgate::wipe(authorization);
  body.shrink_to_fit();
}

const std::string* Request::parameter(std::string_view key) const {
  const auto found = std::ranges::find(query, key, &std::pair<std::string, std::string>::first);
  return found == query.end() ? nullptr : &found->second;
}

Response json_response(int status, const json::value& value) {
  Response response;
  response.status = status;
  response.body = shown_json(json::serialize(value));
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
  body.title = reason_of(status);
  body.detail = std::move(detail);
  body.extra = std::move(extra);
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = proto::to_body(body);
  if (status == 429 || status == 503) retry_after(response, usual_wait(status, error));
  return response;
}

void retry_after(Response& refusal, milliseconds wait) {
  std::erase_if(refusal.headers, [](const auto& header) { return header.first == "Retry-After"; });
  const auto whole = std::max(std::chrono::ceil<seconds>(wait), seconds(1));
  refusal.headers.emplace_back("Retry-After", std::to_string(whole.count()));
}

std::string head_of(const Response& response, bool keep_alive) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
      throw std::logic_error(fmt::format("the header {} would hold a line end", name));
    head += fmt::format("{}: {}\r\n", name, value);
  };
  for (const auto& [name, value] : response.headers) add(name, value);
  add("Cache-Control", "no-store");
  // RFC 9110 8.6: a 204 has no length.
  if (response.status != 204) {
    add("Content-Type", response.content_type);
    if (!response.listener) add("Content-Length", std::to_string(response.body.size()));
  }
  add("Connection", keep_alive ? "keep-alive" : "close");
  return head + "\r\n";
}

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer";
  if (!equals_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return {};
  const std::string_view rest = authorization.substr(scheme.size());
  const auto token = rest.find_first_not_of(' ');
  return token == std::string_view::npos || token == 0 ? std::string_view{} : rest.substr(token);
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
    if (equals_ignoring_case(name, "authorization")) {
      ++authorizations;
      // Not as if there were none: the caller would be taken for the person who sits here.
      if (value.empty()) return "an Authorization that says nothing";
    }
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
