// SPDX-License-Identifier: Apache-2.0
#include "proto/body.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.hpp"

namespace cardgate::proto {

Body Body::parse(std::string_view text) {
  Body body;
  if (text.size() > max_work_body) {
    body.error_ = Error{Errc::too_large, fmt::format("The body is longer than {} bytes", max_work_body)};
    return body;
  }
  if (text.empty()) return body;
  auto value = parse_json(text);
  if (!value || !value->is_object()) {
    body.error_ = Error{Errc::malformed, "The body is not a JSON object with each member once"};
    return body;
  }
  body.object_ = std::move(value->get_object());
  return body;
}

const json::value* Body::find(std::string_view member) {
  known_.emplace_back(member);
  const auto* value = object_.if_contains(member);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Body::wrong(std::string_view member, std::string_view what) {
  if (!error_) error_ = Error{Errc::invalid_argument, fmt::format("\"{}\" {}", member, what)};
}

std::optional<std::string> Body::checked(const json::value& value, std::string_view member,
                                         std::size_t max_bytes) {
  const auto* text = value.if_string();
  if (text == nullptr) {
    wrong(member, "must be a text");
  } else if (text->size() > max_bytes) {
    wrong(member, fmt::format("is longer than {} bytes", max_bytes));
  } else if (!is_plain_utf8(*text)) {
    wrong(member, "holds control characters");
  } else if (std::ranges::all_of(*text, [](char c) { return c == ' '; })) {
    wrong(member, "is empty");
  } else {
    return std::string(*text);
  }
  return std::nullopt;
}

std::string Body::text(std::string_view member, std::size_t max_bytes) {
  const auto* value = find(member);
  if (value == nullptr) {
    wrong(member, "is missing");
    return {};
  }
  return checked(*value, member, max_bytes).value_or(std::string());
}

std::optional<std::string> Body::optional_text(std::string_view member, std::size_t max_bytes) {
  const auto* value = find(member);
  return value == nullptr ? std::nullopt : checked(*value, member, max_bytes);
}

std::optional<Date> Body::optional_date(std::string_view member) {
  const auto* value = find(member);
  if (value == nullptr) return std::nullopt;
  const auto* text = value->if_string();
  const auto day = text == nullptr ? Result<Date>(Error{Errc::malformed, {}}) : parse_date(*text);
  if (!day) {
    wrong(member, "must be a day like 2026-01-31");
    return std::nullopt;
  }
  if (day->year() < std::chrono::year(1900) || day->year() > std::chrono::year(2199)) {
    wrong(member, "must lie in the years 1900 to 2199");
    return std::nullopt;
  }
  return *day;
}

Date Body::date(std::string_view member) {
  const auto day = optional_date(member);
  if (!day) wrong(member, "is missing");
  return day.value_or(Date(std::chrono::sys_days()));
}

bool Body::has(std::string_view member) {
  known_.emplace_back(member);
  return object_.contains(member);
}

bool Body::flag(std::string_view member) {
  const auto* value = find(member);
  if (value == nullptr) return false;
  if (!value->is_bool()) wrong(member, "must be true or false");
  return value->is_bool() && value->get_bool();
}

std::vector<std::string> Body::texts(std::string_view member, std::size_t max_items) {
  std::vector<std::string> out;
  const auto* value = find(member);
  const auto* items = value == nullptr ? nullptr : value->if_array();
  if (items == nullptr || items->empty() || items->size() > max_items) {
    wrong(member, fmt::format("must be a list of 1 to {} texts", max_items));
    return out;
  }
  for (const auto& item : *items) {
    if (auto text = checked(item, member, max_line_bytes)) out.push_back(*std::move(text));
  }
  return out;
}

Result<void> Body::finish() {
  if (error_) return *error_;
  for (const auto& member : object_) {
    if (std::ranges::find(known_, std::string_view(member.key())) != known_.end()) continue;
    return Error{Errc::invalid_argument,
                 fmt::format("The body has a member that this request does not take; it takes: {}",
                             fmt::join(known_, ", "))};
  }
  return {};
}

}  // namespace cardgate::proto
