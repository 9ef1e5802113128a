// SPDX-License-Identifier: Apache-2.0
// The one reader of JSON bodies, strict: the members are asked for one by one, and what is wrong is told at the end, once: the
// first that was asked for. A sentence names the member and never repeats a value. One thread.
//
//   auto body = Body::parse(text);
//   const auto role = body.text("role");
//   if (auto good = body.finish(); !good) ...
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "proto/messages.hpp"

namespace cardgate::proto {

inline constexpr std::size_t max_work_body = 16 * 1024;
inline constexpr std::size_t max_line_bytes = 256;  // names, ids

class Body {
 public:
  /// Of a request about people's work. An empty text is an empty object, a null is as good as an absent member, and a text of
  /// spaces is empty. What is no JSON object is told by finish().
  static Body parse(std::string_view text);
  enum class Memory : std::uint8_t {
    plain,
    locked,  // and wiped with the body, for what holds a secret; the text itself is the caller's to wipe
  };
  /// Of a message with one exact form (messages.hpp): a null is a value like others, and a text of spaces is a text.
  static Body message(std::string_view text, std::size_t max_bytes, Memory memory = Memory::plain);
  Body(Body&&) = default;
  Body& operator=(Body&&) = delete;  // would copy what stands in other memory

  /// Must be there, and not be empty.
  std::string text(std::string_view member, std::size_t max_bytes = max_line_bytes);
  std::string reason() { return text("reason", max_reason_bytes); }
  /// Nothing when it is absent.
  std::optional<std::string> optional_text(std::string_view member, std::size_t max_bytes = max_line_bytes);
  /// RFC 3339.
  std::optional<WallTime> optional_moment(std::string_view member);
  /// Any text, empty or not, as it stands in this body.
  std::string_view raw(std::string_view member, std::size_t max_bytes);
  Secret secret(std::string_view member, std::size_t max_bytes) { return Secret(raw(member, max_bytes)); }
  /// In the form in which it is judged, hashed and compared (NFKC).
  Secret password(std::string_view member);
  /// From 0 to `max`.
  std::int64_t number(std::string_view member, std::int64_t max);
  std::optional<std::int64_t> optional_number(std::string_view member, std::int64_t max);
  /// Of the years 1900 to 2199.
  Date date(std::string_view member);
  std::optional<Date> optional_date(std::string_view member);
  /// Whether the member is there, null or not.
  bool has(std::string_view member);
  bool flag(std::string_view member);
  std::vector<std::string> texts(std::string_view member, std::size_t max_items);

  // These two do not count as asking for the member.
  bool holds(std::string_view member) const { return value(member) != nullptr; }
  bool is_null(std::string_view member) const;
  /// For what the reader of the message finds wrong.
  void wrong(std::string_view member, std::string_view what);

  /// Errors: malformed, too_large, invalid_argument (the first member that is wrong, missing or unknown).
  Result<void> finish();

 private:
  enum class Form : std::uint8_t { work, message };
  explicit Body(Form form) : form_(form) {}

  const json::value* value(std::string_view member) const;
  const json::value* find(std::string_view member);
  const json::value* must_find(std::string_view member);
  const json::string* string(const json::value& value, std::string_view member, std::size_t max_bytes);
  std::optional<std::string> checked(const json::value& value, std::string_view member,
                                     std::size_t max_bytes);
  std::optional<std::int64_t> checked_number(const json::value& value, std::string_view member,
                                             std::int64_t max);
  bool is_empty(std::string_view text) const;
  Error unknown(std::string_view member) const;

  Form form_;
  std::unique_ptr<json::memory_resource> memory_;  // outlives the document
  std::optional<json::value> document_;            // an object
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace cardgate::proto
