// SPDX-License-Identifier: Apache-2.0
// The JSON body of a request about people's work, read strictly: the members are asked for one by one, and what is wrong
// is told at the end, once. A sentence names the member and never repeats a value. One thread.
//
//   auto body = Body::parse(text);
//   const auto role = body.text("role");
//   if (auto good = body.finish(); !good) ...
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "proto/messages.hpp"

namespace cardgate::proto {

inline constexpr std::size_t max_work_body = 16 * 1024;
inline constexpr std::size_t max_line_bytes = 256;  // names, ids

class Body {
 public:
  /// An empty text is an empty object. What is no JSON object is told by finish().
  static Body parse(std::string_view text);

  /// Must be there, and not be empty or white space.
  std::string text(std::string_view member, std::size_t max_bytes = max_line_bytes);
  std::string reason() { return text("reason", max_reason_bytes); }
  /// Nothing when it is absent or null.
  std::optional<std::string> optional_text(std::string_view member, std::size_t max_bytes = max_line_bytes);
  /// Of the years 1900 to 2199.
  Date date(std::string_view member);
  std::optional<Date> optional_date(std::string_view member);
  /// Whether the member is there, null or not.
  bool has(std::string_view member);
  bool flag(std::string_view member);
  std::vector<std::string> texts(std::string_view member, std::size_t max_items);

  /// Errors: malformed, too_large, invalid_argument (the first member that is wrong, missing or unknown).
  Result<void> finish();

 private:
  const json::value* find(std::string_view member);
  void wrong(std::string_view member, std::string_view what);
  std::optional<std::string> checked(const json::value& value, std::string_view member,
                                     std::size_t max_bytes);

  json::object object_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace cardgate::proto
