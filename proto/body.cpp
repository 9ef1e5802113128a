// SPDX-License-Identifier: Apache-2.0
#include "proto/body.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "base/unicode.hpp"

namespace cardgate::proto {

namespace {

/// Gives Boost.JSON locked memory that is wiped when this dies. The body's size cap bounds it.
class LockedMemory final : public json::memory_resource {
 private:
  static constexpr std::size_t chunk_bytes = 32 * 1024;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    auto start = (used_ + alignment - 1) / alignment * alignment;
    if (chunks_.empty() || start + bytes > chunks_.back().size()) {
      // A multiple of 16: libsodium puts a block's end, not its start, at a page border.
      chunks_.emplace_back((std::max(bytes, chunk_bytes) + 15) / 16 * 16);
      start = 0;
    }
    used_ = start + bytes;
    return chunks_.back().bytes().data() + start;
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}  // all at once, at the end
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  std::vector<Secret> chunks_;
  std::size_t used_ = 0;
};

/// A name that can be repeated without repeating what somebody typed into the wrong place.
bool is_member_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

}  // namespace

Body Body::parse(std::string_view text) {
  Body body(Form::work);
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
  body.document_.emplace(std::move(*value));
  return body;
}

Body Body::message(std::string_view text, std::size_t max_bytes, Memory memory) {
  Body body(Form::message);
  json::storage_ptr storage;
  if (memory == Memory::locked) {
    body.memory_ = std::make_unique<LockedMemory>();
    storage = json::storage_ptr(body.memory_.get());
  }
  auto value = parse_json(text, max_bytes, storage);
  if (!value) {
    body.error_ = value.error();
  } else if (!value->is_object()) {
    body.error_ = Error{Errc::invalid_argument, "the body must be a JSON object"};
  } else {
    body.document_.emplace(std::move(*value));  // stays in its storage
  }
  return body;
}

const json::value* Body::value(std::string_view member) const {
  return document_ ? document_->get_object().if_contains(member) : nullptr;
}

bool Body::is_null(std::string_view member) const {
  const auto* found = value(member);
  return found != nullptr && found->is_null();
}

/// What was asked for; nullptr where it is as good as absent.
const json::value* Body::find(std::string_view member) {
  known_.emplace_back(member);
  const auto* found = value(member);
  const bool absent = found == nullptr || (form_ == Form::work && found->is_null());
  return absent ? nullptr : found;
}

const json::value* Body::must_find(std::string_view member) {
  const auto* found = find(member);
  if (found == nullptr) wrong(member, "is missing");
  return found;
}

void Body::wrong(std::string_view member, std::string_view what) {
  if (!error_) error_ = Error{Errc::invalid_argument, fmt::format("\"{}\" {}", member, what)};
}

const json::string* Body::string(const json::value& value, std::string_view member, std::size_t max_bytes) {
  const auto* text = value.if_string();
  if (text == nullptr) {
    wrong(member, "must be a text");
  } else if (text->size() > max_bytes) {
    wrong(member, fmt::format("is longer than {} bytes", max_bytes));
  } else {
    return text;
  }
  return nullptr;
}

bool Body::is_empty(std::string_view text) const {
  if (form_ == Form::message) return text.empty();
  return std::ranges::all_of(text, [](char c) { return c == ' '; });
}

std::optional<std::string> Body::checked(const json::value& value, std::string_view member,
                                         std::size_t max_bytes) {
  const auto* text = string(value, member, max_bytes);
  if (text == nullptr) return std::nullopt;
  if (!is_plain_utf8(*text)) {
    wrong(member, "holds control characters");
  } else if (is_empty(*text)) {
    wrong(member, "is empty");
  } else {
    return std::string(*text);
  }
  return std::nullopt;
}

std::string Body::text(std::string_view member, std::size_t max_bytes) {
  const auto* found = must_find(member);
  return found == nullptr ? std::string() : checked(*found, member, max_bytes).value_or(std::string());
}

std::optional<std::string> Body::optional_text(std::string_view member, std::size_t max_bytes) {
  const auto* found = find(member);
  return found == nullptr ? std::nullopt : checked(*found, member, max_bytes);
}

std::string_view Body::raw(std::string_view member, std::size_t max_bytes) {
  const auto* found = must_find(member);
  const auto* text = found == nullptr ? nullptr : string(*found, member, max_bytes);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

Secret Body::password(std::string_view member) {
  return normal_text(secret(member, max_password_bytes));
}

std::optional<std::int64_t> Body::checked_number(const json::value& value, std::string_view member,
                                                 std::int64_t max) {
  const auto* number = value.if_int64();
  if (number != nullptr && *number >= 0 && *number <= max) return *number;
  wrong(member, fmt::format("must be a whole number from 0 to {}", max));
  return std::nullopt;
}

std::int64_t Body::number(std::string_view member, std::int64_t max) {
  const auto* found = must_find(member);
  return found == nullptr ? 0 : checked_number(*found, member, max).value_or(0);
}

std::optional<std::int64_t> Body::optional_number(std::string_view member, std::int64_t max) {
  const auto* found = find(member);
  return found == nullptr ? std::nullopt : checked_number(*found, member, max);
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
  return holds(member);
}

std::optional<WallTime> Body::optional_moment(std::string_view member) {
  const auto text = optional_text(member);
  if (!text) return std::nullopt;
  const auto parsed = parse_rfc3339(*text);
  if (!parsed) wrong(member, "must be a time like 2026-06-01T22:00:00Z");
  return parsed ? std::optional(*parsed) : std::nullopt;
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

Error Body::unknown(std::string_view member) const {
  if (form_ == Form::work) {
    return {Errc::invalid_argument,
            fmt::format("The body has a member that this request does not take; it takes: {}",
                        fmt::join(known_, ", "))};
  }
  return {Errc::invalid_argument,
          fmt::format("{} is not a member of this message; it has: {}",
                      is_member_name(member) ? fmt::format("\"{}\"", member) : "a name",
                      fmt::join(known_, ", "))};
}

Result<void> Body::finish() {
  if (error_) return *error_;
  if (!document_) return {};
  for (const auto& member : document_->get_object()) {
    if (std::ranges::find(known_, std::string_view(member.key())) == known_.end())
      return unknown(member.key());
  }
  return {};
}

}  // namespace cardgate::proto
