// SPDX-License-Identifier: Apache-2.0
// application/x-www-form-urlencoded, as far as RFC 7662 and RFC 7009 use it.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "proto/messages.hpp"
#include "proto/token.hpp"

namespace cardgate::proto {
namespace {

constexpr std::size_t max_parameters = 16;

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

Result<std::string> decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    const auto high = i + 2 < text.size() ? hex_value(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_value(text[i + 2]) : std::nullopt;
    if (!high || !low) return Error{Errc::malformed, "the form has a broken percent escape"};
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

}  // namespace

Result<std::string> parse_form_token(std::string_view body) {
  if (body.size() > max_form_body) {
    return Error{Errc::too_large, fmt::format("the form is larger than {} bytes", max_form_body)};
  }
  std::vector<std::string> seen;
  std::optional<std::string> token;
  while (!body.empty()) {
    const auto pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(body.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos)
      return Error{Errc::malformed, "a parameter of the form has no value"};
    auto name = TRY(decode(pair.substr(0, equals)));
    auto value = TRY(decode(pair.substr(equals + 1)));
    if (std::ranges::find(seen, name) != seen.end()) {
      return Error{Errc::invalid_argument, "a parameter of the form stands twice"};
    }
    if (seen.size() == max_parameters) return Error{Errc::too_large, "the form has too many parameters"};
    if (name == "token") token = std::move(value);
    seen.push_back(std::move(name));
  }
  if (!token || token->empty()) return Error{Errc::invalid_argument, "the parameter \"token\" is missing"};
  if (token->size() > max_token_bytes) return Error{Errc::invalid_argument, "\"token\" is too long"};
  return *std::move(token);
}

}  // namespace cardgate::proto
